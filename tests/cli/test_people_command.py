"""`foveal people`, and that a server with people asks them to sign in."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from foveal.pipeline.history import Reader
from foveal.runtime import Foveal
from foveal.settings import load
from foveal.types.conversations import PersonId

from .conftest import Command, Ended

LONG = "correct horse battery"


@pytest.fixture
def typed(foveal: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command with a password on standard input."""

    def run(*arguments: object) -> Ended:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"{LONG}\n".encode())))
        return foveal(*arguments, "--password-stdin")

    return run


def test_people_are_added_listed_and_changed(foveal: Command, typed: Command, tmp_path: Path) -> None:
    assert typed("people", "add", "Anna", "--role", "owner", "--all-groups").status == 0
    assert typed("people", "add", "bert", "--group", "board", "--group", "press").status == 0
    assert LONG not in foveal("people", "list").out
    first, second = json.loads(foveal("people", "list", "--json").out)
    assert (first["name"], first["role"], first["groups"]) == ("anna", "owner", None)
    assert (second["role"], second["groups"]) == ("reader", ["board", "press"])
    assert foveal("people", "role", "bert", "contributor").status == 0
    assert "no group" in foveal("people", "groups", "bert").out
    assert "all groups" in foveal("people", "groups", "bert", "--all-groups").out
    assert "contributor" in foveal("people", "list").out
    with Foveal(load({"home": tmp_path / "home"})) as home:
        token = home.desk.with_password("anna", LONG, "here")
        assert home.desk.find(token) is not None
        assert typed("people", "password", "anna").status == 0
        assert home.desk.find(token) is None


def test_who_is_removed_takes_the_conversations_along(foveal: Command, typed: Command, tmp_path: Path) -> None:
    for name in ("anna", "bert"):
        typed("people", "add", name)
        with Foveal(load({"home": tmp_path / "home"})) as home:
            home.people.history.start(Reader(person=PersonId(f"account:{name}"), groups=()), [], title="x")
    assert foveal("people", "remove", "anna").status == 0
    assert foveal("people", "remove", "bert", "--keep-history").status == 0
    assert foveal("people", "remove", "anna").status == 1
    with Foveal(load({"home": tmp_path / "home"})) as home:
        kept = [
            len(home.people.history.page(Reader(person=PersonId(f"account:{n}"), groups=()))) for n in ("anna", "bert")
        ]
    assert kept == [0, 1]


def test_what_will_not_do_is_refused(foveal: Command, typed: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    assert typed("people", "add", "a b").status == 2
    typed("people", "add", "anna")
    assert typed("people", "add", "ANNA").status == 1
    assert foveal("people", "role", "nobody", "owner").status == 1
    assert typed("people", "add", "carla", "--group", "x", "--all-groups").status == 2
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"short\n")))
    short = foveal("people", "add", "carla", "--password-stdin")
    assert short.status == 2
    assert "10 to 256 characters" in short.err
