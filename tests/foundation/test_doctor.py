"""O3: `foveal doctor` says of each part whether it is on, and what to do where it is not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from foveal.models import tesseract
from foveal.models.card_table import JOINT, VISION_CHAT
from foveal.models.cards import Card
from foveal.models.tesseract import Installed
from foveal.runtime import Foveal
from foveal.settings import load
from foveal.types.status import Check


def checks(tmp_path: Path, **settings: object) -> dict[str, Check]:
    """What the doctor says of a home and a model folder that are empty, unless told otherwise."""
    flags: dict[str, object] = {"home": tmp_path / "home", "models": tmp_path / "models"}
    flags.update({name.replace("__", "."): value for name, value in settings.items()})
    with Foveal(load(flags, environ={})) as foveal:
        return {check.name: check for check in foveal.checks()}


def bring(tmp_path: Path, card: Card) -> None:
    """Files of a card that a person brings; nothing reads them here."""
    brought = tmp_path / "brought"
    brought.mkdir()
    for file in card.files:
        (brought / file.name).write_bytes(b"a model")
    with Foveal(load({"home": tmp_path / "home", "models": tmp_path / "models"}, environ={})) as foveal:
        foveal.model_folder.pull(card, local=brought)


def test_a_variable_that_sets_nothing_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks(tmp_path)["settings"].state == "on"
    monkeypatch.setenv("FOVEAL_OFLINE", "1")
    found = checks(tmp_path)["settings"]
    assert found.state == "failed"
    assert "FOVEAL_OFLINE" in found.detail


def test_a_home_that_cannot_be_written_is_a_failure_and_the_other_checks_still_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    found = checks(tmp_path, home=tmp_path / "file" / "home")
    assert found["home"].state == "failed"
    assert "FOVEAL_HOME" in found["home"].remedy
    assert found["indexes"].state == "failed"
    assert "nanodet" in found


def test_without_npm_object_detection_is_off_and_the_remedy_names_nodejs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    found = checks(tmp_path)["nanodet"]
    assert found.state == "off"
    assert "Node.js" in found.remedy
    assert "foveal models pull nanodet" in found.remedy


def test_missing_models_say_how_they_come_and_offline_that_they_must_be_brought(tmp_path: Path) -> None:
    online = checks(tmp_path)["multilingual-e5-small"]
    offline = checks(tmp_path, offline=True)["multilingual-e5-small"]
    assert (online.state, offline.state) == ("off", "off")
    assert "First use fetches it" in online.remedy
    assert "--from FOLDER" in offline.remedy


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ("understanding__objects", "nanodet"),
        ("understanding__ocr", "pp-ocr-v6"),
        ("understanding__safety", "open-nsfw"),
    ],
)
def test_a_model_that_is_switched_off_says_by_which_setting(tmp_path: Path, setting: str, name: str) -> None:
    found = checks(tmp_path, **{setting: False})[name]
    assert found.state == "off"
    assert setting.replace("__", ".") in found.detail
    assert not found.remedy


@pytest.mark.parametrize(("setting", "card"), [("understanding__joint", JOINT), ("understanding__vision", VISION_CHAT)])
def test_a_model_that_a_person_brings_is_checked_only_when_it_is_switched_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, card: Card
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    assert card.name not in checks(tmp_path)
    missing = checks(tmp_path, **{setting: True})[card.name]
    assert missing.state == "failed"
    assert f"foveal models pull {card.name} --from FOLDER" in missing.remedy
    bring(tmp_path, card)
    assert checks(tmp_path, **{setting: True})[card.name].state == "on"


def test_a_vision_model_without_the_program_that_runs_it_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    bring(tmp_path, VISION_CHAT)
    found = checks(tmp_path, understanding__vision=True)[VISION_CHAT.name]
    assert found.state == "failed"
    assert "foveal[vlm]" in found.remedy


def test_a_joint_model_stands_in_for_the_image_model(tmp_path: Path) -> None:
    assert "understanding.joint" in checks(tmp_path, understanding__joint=True)["efficientnet-lite2"].detail


def test_a_reranker_without_its_server_is_a_failure(tmp_path: Path) -> None:
    assert checks(tmp_path)["re-ranker"].state == "on"
    http = checks(tmp_path, rerank__kind="http")["re-ranker"]
    chat = checks(tmp_path, rerank__kind="chat")["re-ranker"]
    assert (http.state, chat.state) == ("failed", "failed")
    assert "rerank.url" in http.remedy
    assert "chat.base_url" in chat.remedy
    server = "http://127.0.0.1:9/v1"
    assert checks(tmp_path, rerank__kind="http", rerank__url=server)["re-ranker"].state == "on"
    assert checks(tmp_path, rerank__kind="chat", chat__base_url=server, chat__model="m")["re-ranker"].state == "on"


def test_a_server_without_a_model_name_is_a_failure(tmp_path: Path) -> None:
    found = checks(tmp_path, chat__base_url="http://127.0.0.1:9/v1")["chat model"]
    assert found.state == "failed"
    assert "chat.model" in found.remedy


def test_each_deployment_of_the_table_is_checked(tmp_path: Path) -> None:
    server = {"base_url": "http://127.0.0.1:9/v1", "model": "m"}
    table = {"far": server, "unnamed": {**server, "model": ""}, "local": {}}
    found = checks(tmp_path, deployments=table)
    assert (found["deployment far"].state, found["deployment far"].detail) == ("on", "m at http://127.0.0.1:9/v1")
    assert found["deployment unnamed"].remedy == "Set deployments.unnamed.model."
    assert "foveal-extractive" in found["deployment local"].detail


@pytest.mark.parametrize(("there", "state"), [(None, "off"), ({"Thai": ("tha",)}, "on")])
def test_scripts_that_need_tesseract_are_on_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: dict[str, tuple[str, ...]] | None, state: str
) -> None:
    found = Installed(program="tesseract", version="5.3.0", scripts=there, finds_scripts=True) if there else None
    monkeypatch.setattr(tesseract, "installed", lambda: found)
    check = checks(tmp_path)["other scripts"]
    assert check.state == state
    assert "Thai" in check.detail
    assert bool(check.remedy) == (state == "off")
