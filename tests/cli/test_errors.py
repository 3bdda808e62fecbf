"""P4: whatever is asked of the command line, it ends with a sentence and a status, never with a traceback."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from foveal.cli.session import Session, open_image
from foveal.errors import ConflictError, ImageError, TooLargeError
from foveal.models.cards import Card
from foveal.runtime import Foveal
from foveal.settings import Settings, load
from foveal.testing.fakes_text import FakeTextEmbedder
from foveal.testing.fakes_vision import FakeImageEncoder
from foveal.types.ingestions import JobOrder

from .conftest import Command


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_text("The ferry leaves at nine from pier four.")
    return folder


@pytest.fixture(scope="module")
def text_models(pulled: Callable[[str], Card]) -> None:
    for name in ("multilingual-e5-small", "efficientnet-lite2", "pp-ocr-v6", "open-nsfw"):
        pulled(name)


def test_a_folder_in_place_of_an_image_is_wrong_usage(foveal: Command, texts: Path) -> None:
    for command in (("search",), ("ask", "What is this?")):
        ended = foveal(*command, "--image", texts)
        assert ended.status == 2
        assert "texts" in ended.err


def test_an_image_that_cannot_be_read_is_named(foveal: Command, tmp_path: Path) -> None:
    (tmp_path / "words.jpg").write_text("no image")
    ended = foveal("search", "--image", tmp_path / "words.jpg")
    assert ended.status == 2
    assert "no image" in ended.err


def test_an_image_that_went_meanwhile_or_is_over_the_limit_is_an_error_of_ours(tmp_path: Path) -> None:
    with Foveal(load({"home": tmp_path / "home", "limits.image_bytes": 1000}, environ={})) as home:
        with pytest.raises(ImageError, match=r"gone\.jpg"):
            open_image(home, tmp_path / "gone.jpg")
        Image.effect_noise((100, 100), 50).save(tmp_path / "large.png")
        with pytest.raises(TooLargeError):
            open_image(home, tmp_path / "large.png")


def test_a_question_without_words_and_image_is_wrong_usage(foveal: Command, text_models: None, texts: Path) -> None:
    assert foveal("ingest", texts).status == 0
    ended = foveal("ask", "  ")
    assert ended.status == 2
    assert "question" in ended.err


def test_a_question_of_an_image_alone_and_a_very_long_one_are_answered(
    foveal: Command, text_models: None, texts: Path, tmp_path: Path
) -> None:
    Image.effect_noise((120, 90), 90).convert("RGB").save(texts / "noise.png")
    assert foveal("ingest", texts).status == 0
    alone = foveal("ask", "", "--image", texts / "noise.png")
    assert alone.status == 0
    assert "noise.png" in alone.out
    assert foveal("ask", "ferry " * 20_000).status in {0, 3}


@pytest.mark.parametrize("command", [("status",), ("index", "list"), ("search", "x"), ("ingest", "texts")])
def test_a_home_that_cannot_be_made_is_one_sentence(
    foveal: Command, texts: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "home").write_text("not a folder")
    ended = foveal(*command)
    assert ended.status == 1
    assert "FOVEAL_HOME" in ended.err


def test_the_doctor_survives_a_home_that_cannot_be_made(foveal: Command, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("not a folder")
    ended = foveal("doctor")
    assert ended.status == 1
    assert "cannot be written" in ended.out


def test_an_index_with_a_file_that_could_not_be_used_can_be_deleted(
    foveal: Command, text_models: None, texts: Path
) -> None:
    (texts / "empty.txt").write_bytes(b"")
    assert foveal("ingest", texts).status == 4
    ended = foveal("index", "delete", "default", "--yes")
    assert (ended.status, ended.err) == (0, "")
    assert foveal("index", "list", "--json").out.strip() == "[]"


def test_a_file_that_was_read_in_part_is_named_with_what_is_wrong(
    foveal: Command, text_models: None, texts: Path
) -> None:
    assert "with a warning" not in foveal("ingest", texts).out
    (texts / "broken.txt").write_text("The keeper painted the door green \ufffd and the tower red.", "utf-8")
    ended = foveal("ingest", texts)
    assert (ended.status, "1 with a warning: foveal status --index default --failures" in ended.out) == (0, True)
    assert "broken.txt: warning: " in foveal("status", "--failures").out
    (index,) = json.loads(foveal("status", "--json").out)["indexes"]
    assert [one["path"] for one in index["warnings"]] == ["broken.txt"]


def test_an_index_may_have_any_name(foveal: Command, text_models: None, texts: Path) -> None:
    name = "Ünï/ก .%..; name"
    assert foveal("ingest", texts, "--index", name).status == 0
    assert "a.txt" in foveal("search", "ferry", "--index", name).out
    assert foveal("index", "delete", name, "--yes").status == 0


@pytest.mark.parametrize("name", ["x" * 300, "ก" * 60, "caf\udce9"])
def test_a_name_that_nothing_can_keep_is_refused_with_the_reason(
    foveal: Command, text_models: None, texts: Path, name: str
) -> None:
    ended = foveal("ingest", texts, "--index", name)
    assert ended.status == 2
    assert "name" in ended.err


def test_descriptions_that_cannot_be_used_make_the_ingestion_partial_and_make_no_index_when_unreadable(
    foveal: Command, text_models: None, texts: Path, tmp_path: Path
) -> None:
    (tmp_path / "words.json").write_text("no JSON")
    assert foveal("ingest", texts, "--describe", tmp_path / "words.json").status == 2
    assert foveal("index", "list", "--json").out.strip() == "[]"
    (tmp_path / "words.csv").write_text("image_blob_path,description\nnope.jpg,words\n")
    ended = foveal("ingest", texts, "--describe", tmp_path / "words.csv")
    assert ended.status == 4
    assert "nope.jpg" in ended.err


def test_ctrl_c_says_that_the_same_command_goes_on(foveal: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(self: Foveal) -> list[str]:
        raise KeyboardInterrupt

    monkeypatch.setattr(Foveal, "index_names", stopped)
    ended = foveal("index", "list")
    assert ended.status == 130
    assert "go on" in ended.err


def _home(tmp_path: Path) -> Foveal:
    """A home whose models are fakes that take no time."""
    settings: Settings = load({"home": tmp_path / "home", "offline": True}, environ={})
    off = settings.understanding.model_copy(update={"objects": False, "ocr": False, "safety": False})
    foveal = Foveal(settings.model_copy(update={"understanding": off}))
    foveal.models._made.update(text=FakeTextEmbedder(), image=FakeImageEncoder())
    return foveal


def test_two_ingestions_that_make_the_same_index_at_once_leave_it_whole(tmp_path: Path, texts: Path) -> None:
    """One of them may be refused; what the other wrote stays."""
    with _home(tmp_path) as first, _home(tmp_path) as second:
        assert first.index_names() == second.index_names() == []
        with ThreadPoolExecutor(2) as pool:
            running = [pool.submit(home.ingest, [texts], index="new") for home in (first, second)]
        refused = [error for error in (one.exception(timeout=60) for one in running) if error is not None]
    assert len(refused) <= 1
    assert all(isinstance(error, ConflictError) for error in refused)
    assert all("is ingesting into the index 'new'" in str(error) for error in refused)
    with _home(tmp_path) as foveal:
        record = foveal.catalog.index("new")
        assert foveal.store.snapshot("new", record.generation).count() == 1


def test_an_index_is_made_only_by_whoever_holds_its_lease(tmp_path: Path, texts: Path) -> None:
    with _home(tmp_path) as foveal:
        foveal.parts.log.start(JobOrder(index="new", source="elsewhere"))
        with pytest.raises(ConflictError, match=str(os.getpid())):
            foveal.ingest([texts], index="new")
        assert foveal.index_names() == []


def test_a_folder_and_one_inside_it_are_two_sources_that_do_not_disturb_each_other(tmp_path: Path, texts: Path) -> None:
    inner = texts / "inner"
    inner.mkdir()
    (inner / "b.txt").write_text("Cats sleep a lot.")
    with _home(tmp_path) as foveal:
        foveal.ingest([texts, inner], index="both")
        (inner / "b.txt").unlink()
        foveal.ingest([inner], index="both")
        left = sorted((d.source, d.item.path) for d in foveal.catalog.documents("both"))
    assert left == [(str(texts), "a.txt"), (str(texts), "inner/b.txt")]


def test_settings_given_twice_or_wrongly_are_wrong_usage() -> None:
    with pytest.raises(Exception, match="NAME=VALUE"):
        Session.from_flags(home=None, config=None, offline=False, assignments=["nonsense"])
