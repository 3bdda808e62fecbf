"""Speech to text by any server with OpenAI's `/audio/transcriptions` (OpenAI, Azure, speaches, vLLM, LocalAI)."""

from __future__ import annotations

import io
import wave
from collections.abc import Sequence
from typing import Protocol

from foveal.models.background_loop import wait
from foveal.models.limits import CallLimit, Meter
from foveal.models.openai_client import Connection, Endpoint
from foveal.types.content import Usage
from foveal.types.speech import TimedText, Transcript
from foveal.types.vectors import SAMPLE_RATE, Samples


class _Timed(Protocol):
    """A word or a segment of the SDK."""

    start: float
    end: float


class OpenAITranscriber:
    """A `ports.Transcriber` over the wire.

    Times of words are asked for; a server that gives times of segments, or none, is believed as far as it goes.

    Args:
        endpoint: Server and model.
        language: ISO 639-1 code of what is spoken; empty: told by the model.
        meter: What pays for calls.
        limit: Shared limit on calls at once.
    """

    def __init__(
        self, endpoint: Endpoint, *, language: str = "", meter: Meter | None = None, limit: CallLimit | None = None
    ) -> None:
        self._connection = Connection(endpoint, meter=meter, limit=limit)
        self._language = language

    @property
    def identity(self) -> str:
        """Model, server and the language that is taken for granted."""
        endpoint = self._connection.endpoint
        return f"openai-speech:{endpoint.model}@{endpoint.host}:{self._language}/1"

    def transcribe(self, samples: Samples) -> Transcript:
        """Words with their times; see `foveal.ports.Transcriber`."""
        if not samples.any():
            return Transcript()
        return wait(self._transcribe(samples))

    async def _transcribe(self, samples: Samples) -> Transcript:
        from openai import omit
        from openai.types.audio import TranscriptionVerbose

        async with self._connection.call(Usage()):
            reply = await self._connection.client.audio.transcriptions.create(
                model=self._connection.endpoint.model,
                file=("sound.wav", wave_file(samples), "audio/wav"),
                response_format="verbose_json",
                timestamp_granularities=["word", "segment"],
                language=self._language or omit,
            )
            if not isinstance(reply, TranscriptionVerbose) or not isinstance(reply.text, str):
                raise self._connection.malformed("no transcription in the reply")
        language = _code(reply.language or self._language)
        if reply.segments and not reply.words:
            return Transcript(language=language, words=_timed([(s.text, s) for s in reply.segments]))
        if reply.words:
            return Transcript(language=language, words=_timed(_written(reply.text, [(w.word, w) for w in reply.words])))
        if not reply.text.strip():
            return Transcript()
        whole = TimedText(text=reply.text, start_ms=0, end_ms=len(samples) * 1000 // SAMPLE_RATE)
        return Transcript(language=language, words=(whole,))


def wave_file(samples: Samples) -> bytes:
    """A WAV file of sound."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.astype("<i2").tobytes())
    return out.getvalue()


def _timed(stretches: Sequence[tuple[str, _Timed]]) -> tuple[TimedText, ...]:
    return tuple(
        TimedText(text=text, start_ms=round(at.start * 1000), end_ms=round(max(at.start, at.end) * 1000))
        for text, at in stretches
    )


def _written(text: str, words: Sequence[tuple[str, _Timed]]) -> list[tuple[str, _Timed]]:
    """Words as they are written in the text: the wire gives them without blanks and punctuation."""
    found: list[tuple[str, _Timed]] = []
    place = 0
    for word, at in words:
        bare = word.strip()
        start = text.find(bare, place) if bare else -1
        if start < 0:
            found.append((f" {bare}", at))
            continue
        if found:
            found[-1] = (found[-1][0] + text[place:start].rstrip(), found[-1][1])
        blank = " " if text[place:start].endswith((" ", "\n")) else ""
        found.append((blank + bare, at))
        place = start + len(bare)
    if found:
        found[-1] = (found[-1][0] + text[place:].rstrip(), found[-1][1])
    return found


def _code(language: str) -> str:
    """ISO 639-1: servers name languages in English or by code."""
    return language.lower() if len(language) == 2 else _CODES.get(language.lower(), "")


_CODES = {
    "english": "en",
    "chinese": "zh",
    "german": "de",
    "spanish": "es",
    "russian": "ru",
    "korean": "ko",
    "french": "fr",
    "japanese": "ja",
    "portuguese": "pt",
    "turkish": "tr",
    "polish": "pl",
    "catalan": "ca",
    "dutch": "nl",
    "arabic": "ar",
    "swedish": "sv",
    "italian": "it",
    "indonesian": "id",
    "hindi": "hi",
    "finnish": "fi",
    "vietnamese": "vi",
    "hebrew": "he",
    "ukrainian": "uk",
    "greek": "el",
    "malay": "ms",
    "czech": "cs",
    "romanian": "ro",
    "danish": "da",
    "hungarian": "hu",
    "tamil": "ta",
    "norwegian": "no",
    "thai": "th",
}
"""The languages of Whisper most spoken (openai/whisper, `tokenizer.py`)."""
