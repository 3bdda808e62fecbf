"""Speech to text on this machine: Whisper, run by CTranslate2 (faster-whisper).

Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision". Silence, music and noise are left
out by Silero's voice detector before the model hears anything, since Whisper makes up words where nobody speaks; for
the same reason no stretch is told what was said before it. What it writes with little probability where there is
probably no speech, or over and over, is dropped (the thresholds are those of the paper, section 4.5).
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from foveal.errors import ModelUnavailableError
from foveal.models.cards import Card
from foveal.models.pull import ModelFolder
from foveal.types.speech import TimedText, Transcript
from foveal.types.vectors import Samples

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

_BEAMS = 5
_LIKELY = 0.5
"""Least probability of the language from which it is believed."""


class LocalTranscriber:
    """`foveal.ports.Transcriber` on a Whisper of the model folder, opened at first use.

    Args:
        folder: Where model files live.
        card: Which Whisper.
        threads: Threads of the engine; 0 takes all cores.
        language: ISO 639-1 code of what is spoken; empty: told by the model for each stretch.
    """

    def __init__(self, folder: ModelFolder, card: Card, *, threads: int = 0, language: str = "") -> None:
        self._folder = folder
        self._card = card
        self._threads = threads
        self._language = language
        self._model: WhisperModel | None = None
        self._lock = threading.Lock()

    @property
    def identity(self) -> str:
        """The card's, and the language that is taken for granted."""
        return self._card.identity + (f":{self._language}" if self._language else "")

    def transcribe(self, samples: Samples) -> Transcript:
        """Words with their times; see `foveal.ports.Transcriber`.

        Raises:
            ModelUnavailableError: The weights are not here and cannot be had.
        """
        sound = samples.astype(np.float32) / 32768.0
        with self._lock:  # the engine uses all cores for one stretch
            segments, info = self._opened().transcribe(
                sound,
                language=self._language or None,
                beam_size=_BEAMS,
                word_timestamps=True,
                vad_filter=True,
                condition_on_previous_text=False,
                hallucination_silence_threshold=2.0,
            )
            words = tuple(
                TimedText(text=word.word, start_ms=round(word.start * 1000), end_ms=round(word.end * 1000))
                for segment in segments
                for word in segment.words or ()
            )
        likely = info.language_probability >= _LIKELY or bool(self._language)
        return Transcript(language=info.language if words and likely else "", words=words)

    def _opened(self) -> WhisperModel:
        if self._model is None:
            paths = [self._folder.path(self._card, file.name) for file in self._card.files]
            self._model = _open(str(paths[0].parent), self._threads)
        return self._model


def _open(folder: str, threads: int) -> Any:
    from faster_whisper import WhisperModel

    try:
        return WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True)
    except (RuntimeError, ValueError) as error:
        raise ModelUnavailableError(
            f"The speech model in {folder} cannot be opened: {error}.",
            remedy="Pull it again with `foveal models pull`.",
        ) from error
