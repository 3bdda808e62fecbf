"""What every `Transcriber` must do. Subclass it in your tests and give the fixtures."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from foveal.ports.models import Transcriber
from foveal.types.speech import Transcript
from foveal.types.vectors import SAMPLE_RATE, Samples


class TranscriberContract:
    """Every `Transcriber`. Give `transcriber`, `speech` (a second or more in which somebody speaks) and `spoken` (a
    word of it).
    """

    @pytest.fixture
    def transcriber(self) -> Transcriber:
        """The model under test."""
        raise NotImplementedError

    @pytest.fixture
    def speech(self) -> Samples:
        """Sound with words."""
        raise NotImplementedError

    @pytest.fixture
    def spoken(self) -> str:
        """A word of it, lower case."""
        raise NotImplementedError

    def test_what_is_said_is_written(self, transcriber: Transcriber, speech: Samples, spoken: str) -> None:
        """With the language."""
        heard = transcriber.transcribe(speech)
        assert spoken in heard.text.lower()
        assert len(heard.language) == 2

    def test_words_are_in_order_within_the_sound(self, transcriber: Transcriber, speech: Samples) -> None:
        """Start before end, nothing after the last sample."""
        words = transcriber.transcribe(speech).words
        starts = [word.start_ms for word in words]
        assert starts == sorted(starts)
        assert all(0 <= word.start_ms <= word.end_ms <= len(speech) * 1000 // SAMPLE_RATE + 500 for word in words)

    def test_times_count_from_the_beginning_of_the_sound(self, transcriber: Transcriber, speech: Samples) -> None:
        """Two seconds of silence before it move every word by as much, to within half a second."""
        late = np.concatenate([np.zeros(2 * SAMPLE_RATE, np.int16), speech])
        first, moved = transcriber.transcribe(speech).words[0], transcriber.transcribe(late).words[0]
        assert abs(moved.start_ms - first.start_ms - 2000) <= 500

    def test_silence_has_no_words(self, transcriber: Transcriber) -> None:
        """Nor a language; none at all is silence too."""
        for seconds in (0, 3):
            assert transcriber.transcribe(np.zeros(seconds * SAMPLE_RATE, np.int16)) == Transcript()

    def test_listening_again_gives_the_same(self, transcriber: Transcriber, speech: Samples) -> None:
        """In two threads at once too."""
        with ThreadPoolExecutor(2) as pool:
            one, other = pool.map(transcriber.transcribe, [speech, speech.copy()])
        assert one == other

    def test_it_says_who_it_is(self, transcriber: Transcriber) -> None:
        """The same at every call."""
        assert transcriber.identity == transcriber.identity != ""
