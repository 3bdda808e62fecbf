"""`foveal source`: what is saved and shown, where secrets may come from, and what each exit status means."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from .conftest import Command

SECRET = "c2VjcmV0LWtleS1vZi10aGUtYWNjb3VudA=="
BLOBS = ("--kind", "azure-blob", "--account-url", "https://acme.blob.core.windows.net", "--container", "photos")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "texts"
    made.mkdir()
    (made / "a.txt").write_text("A zeppelin above a harbour.")
    return made


def test_a_folder_is_saved_tried_out_and_shown_with_its_next_run(foveal: Command, folder: Path) -> None:
    added = foveal("source", "add", "texts", "--kind", "folder", "--path", folder, "--every", "6h", "--group", "press")
    assert added.status == 0
    assert "foveal source test texts" in added.err
    assert "1 files" in foveal("source", "test", "texts").out
    shown = json.loads(foveal("source", "show", "texts", "--json").out)
    assert (shown["location"], shown["every_s"], shown["groups"]) == (str(folder), 21600, ["press"])
    assert shown["next_run_at"]
    line = foveal("source", "list").out
    assert "texts" in line
    assert "next 20" in line
    assert json.loads(foveal("source", "list", "--json").out) == [shown]


@pytest.mark.parametrize("where", ["variable", "file", "pipe", "shortcut"])
def test_a_secret_comes_from_a_variable_a_file_or_a_pipe(
    foveal: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setenv("ACCOUNT_KEY", SECRET)
    (tmp_path / "key.txt").write_text(SECRET + "\n")
    monkeypatch.setattr("sys.stdin", io.StringIO(SECRET + "\n"))
    given = {
        "variable": ("--credential", "key", "--secret-env", "ACCOUNT_KEY"),
        "file": ("--credential", "key", "--secret-file", tmp_path / "key.txt"),
        "pipe": ("--credential", "key"),
        "shortcut": ("--key-env", "ACCOUNT_KEY"),
    }[where]
    added = foveal("source", "add", "blobs", *BLOBS, *given, "--json")
    assert added.status == 0
    assert json.loads(added.out)["credential"] == "key"
    shown = foveal("source", "show", "blobs")
    assert SECRET not in added.out + added.err + shown.out + shown.err
    home = [p.read_bytes() for p in (tmp_path / "home").rglob("*") if p.is_file()]
    assert home
    assert not any(SECRET.encode() in data for data in home)


@pytest.mark.parametrize(
    "wrong",
    [
        ("--key-env", "NOT_SET"),
        ("--credential", "key", "--secret-env", "NOT_SET"),
        ("--secret-env", "ACCOUNT_KEY"),
        ("--identity", "--key-env", "ACCOUNT_KEY"),
        ("--credential", "options", "--secret-env", "ACCOUNT_KEY"),
        ("--every", "often"),
        ("--cron", "61 * * * *"),
        ("--container", "a/b"),
    ],
)
def test_what_cannot_be_saved_is_refused(foveal: Command, monkeypatch: pytest.MonkeyPatch, wrong: tuple[str]) -> None:
    monkeypatch.setenv("ACCOUNT_KEY", SECRET)
    refused = foveal("source", "add", "blobs", *BLOBS, *wrong)
    assert refused.status in {1, 2}
    assert refused.err
    assert SECRET not in refused.out + refused.err
    assert json.loads(foveal("source", "list", "--json").out) == []


def test_a_test_says_what_is_wrong(foveal: Command, folder: Path, tmp_path: Path) -> None:
    (folder / "a.txt").unlink()
    foveal("source", "add", "empty", "--kind", "folder", "--path", folder)
    foveal("source", "add", "away", "--kind", "folder", "--path", tmp_path / "nowhere", "--index", "x")
    empty, away = foveal("source", "test", "empty"), foveal("source", "test", "away")
    assert (empty.status, "no file" in empty.err) == (2, True)
    assert (away.status, "nowhere cannot be listed" in away.err) == (2, True)


def test_a_schedule_and_a_key_are_changed_by_name(
    foveal: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCOUNT_KEY", SECRET)
    foveal("source", "add", "texts", "--kind", "folder", "--path", folder, "--every", "1h")
    assert "no schedule" in foveal("source", "schedule", "texts").out
    assert "next" in foveal("source", "schedule", "texts", "--cron", "0 3 * * *").out
    assert foveal("source", "credential", "texts", "--credential", "key", "--secret-env", "ACCOUNT_KEY").status != 0
    foveal("source", "add", "blobs", *BLOBS)
    assert foveal("source", "credential", "blobs", "--credential", "key", "--secret-env", "ACCOUNT_KEY").status == 0
    assert json.loads(foveal("source", "show", "blobs", "--json").out)["credential"] == "key"


def test_refresh_wants_a_name_or_due(foveal: Command) -> None:
    assert foveal("source", "refresh").status == 2
    assert foveal("source", "refresh", "texts", "--due").status == 2
    assert foveal("source", "refresh", "--due").status == 0


def test_a_due_source_that_fails_is_named_and_the_status_says_so(foveal: Command, tmp_path: Path) -> None:
    foveal("source", "add", "away", "--kind", "folder", "--path", tmp_path / "nowhere", "--every", "1h")
    failed = foveal("source", "refresh", "--due")
    assert failed.status == 1
    assert "away" in failed.err
    shown = json.loads(foveal("source", "show", "away", "--json").out)
    assert (shown["state"], "nowhere" in shown["message"]) == ("failed", True)


def test_an_unknown_name_is_told(foveal: Command) -> None:
    for command in ("show", "test", "plan", "refresh", "remove"):
        ended = foveal("source", command, "nothing")
        assert ended.status != 0
        assert "nothing" in ended.err


def test_removing_a_source_that_never_ran_makes_no_index(foveal: Command, folder: Path) -> None:
    foveal("source", "add", "texts", "--kind", "folder", "--path", folder, "--index", "fresh")
    assert foveal("source", "remove", "texts").status == 0
    assert "fresh" not in foveal("status", "--json").out
