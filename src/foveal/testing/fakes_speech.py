"""A stand-in for a speech model: it hears tones."""

from __future__ import annotations

import io
import threading
import wave
from collections.abc import Mapping

import numpy as np

from foveal.ports.models import Transcriber
from foveal.types.speech import TimedText, Transcript
from foveal.types.vectors import SAMPLE_RATE, Samples

_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_WORD_S = 0.5
_LOUD = 1500
"""Root of the mean square."""


class FakeTranscriber:
    """`ports.Transcriber`: every half second that is loud is a word, the digit of its pitch in hundreds of hertz.

    A word after which it is silent ends a sentence.

    Attributes:
        calls: Stretches listened to.
    """

    def __init__(self, *, identity: str = "fake-speech/1", language: str = "en") -> None:
        self.identity = identity
        self.calls = 0
        self._language = language
        self._lock = threading.Lock()

    def transcribe(self, samples: Samples) -> Transcript:
        """Digits."""
        with self._lock:
            self.calls += 1
        step = int(_WORD_S * SAMPLE_RATE)
        pieces = [samples[start : start + step] for start in range(0, len(samples) - step // 2, step)]
        heard = [_digit(piece) for piece in pieces]
        words = tuple(
            TimedText(
                text=f" {word}" + ("." if heard[number + 1 : number + 2] in ([], [None]) else ""),
                start_ms=round(number * _WORD_S * 1000),
                end_ms=round((number + 1) * _WORD_S * 1000),
            )
            for number, word in enumerate(heard)
            if word is not None
        )
        return Transcript(language=self._language if words else "", words=words)


def _digit(piece: Samples) -> str | None:
    if not piece.size or float(np.sqrt((piece.astype(np.float64) ** 2).mean())) < _LOUD:
        return None
    spectrum = np.abs(np.fft.rfft(piece.astype(np.float64)))
    hertz = float(np.argmax(spectrum)) * SAMPLE_RATE / len(piece)
    return _WORDS[round(hertz / 100) % 10]


def transcription(transcriber: Transcriber, form: Mapping[str, object]) -> dict[str, object]:
    """What a server of OpenAI's wire answers to the fields of a transcription request.

    Words come without punctuation, and only where they are asked for; plain `json` has no times at all.
    """
    data = form["file"]
    assert isinstance(data, bytes)
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getnchannels(), file.getframerate()) == (1, SAMPLE_RATE)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.int16)
    heard = transcriber.transcribe(samples)
    if form.get("response_format") != "verbose_json":
        return {"text": heard.text}
    reply: dict[str, object] = {
        "task": "transcribe",
        "language": "english" if heard.language == "en" else heard.language,
        "duration": len(samples) / SAMPLE_RATE,
        "text": heard.text,
        "segments": [_segment(number, word) for number, word in enumerate(heard.words)],
    }
    wanted = form.get("timestamp_granularities[]")
    if isinstance(wanted, list) and "word" in wanted:
        words = [(word.text.strip(" ."), word) for word in heard.words]
        reply["words"] = [{"word": t, "start": w.start_ms / 1000, "end": w.end_ms / 1000} for t, w in words]
    return reply


def _segment(number: int, word: TimedText) -> dict[str, object]:
    return {
        "id": number,
        "seek": 0,
        "start": word.start_ms / 1000,
        "end": word.end_ms / 1000,
        "text": word.text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": 0.0,
        "compression_ratio": 1.0,
        "no_speech_prob": 0.0,
    }
