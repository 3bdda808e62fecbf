"""`foveal keys`, and what a server may listen on without any."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Command


def test_a_key_is_printed_once_and_listed_by_its_first_characters(foveal: Command) -> None:
    made = foveal("keys", "create", "anna", "--role", "contributor", "--group", "board", "--group", "press")
    key = made.out.strip()
    assert made.status == 0
    assert key.startswith("fvl_")
    assert key not in made.err
    listed = foveal("keys", "list")
    assert key not in listed.out + listed.err
    for shown in ("anna", key[:10], "contributor", "board, press", "open", "never"):
        assert shown in listed.out


def test_what_a_key_was_made_with_is_listed(foveal: Command) -> None:
    limits = ("--requests-per-minute", 60, "--tokens-per-minute", 9000)
    made = foveal("keys", "create", "bert", *limits, "--expires", "2999-12-31", "--json")
    row = json.loads(made.out)
    key = row.pop("key")
    assert [row] == json.loads(foveal("keys", "list", "--json").out)
    assert row["prefix"] == key[:10]
    assert (row["role"], row["groups"]) == ("reader", None)
    assert (row["requests_per_minute"], row["tokens_per_minute"]) == (60, 9000)
    assert row["expires_at"].startswith("3000-01-01 00:00:00")  # until the end of that day


def test_a_revoked_key_is_shown_as_such_and_its_name_is_free(foveal: Command) -> None:
    foveal("keys", "create", "anna")
    assert foveal("keys", "create", "anna").status == 1
    assert foveal("keys", "revoke", "anna").status == 0
    assert "revoked" in foveal("keys", "list").out
    assert foveal("keys", "create", "anna").status == 0
    assert foveal("keys", "revoke", "nobody").status == 1


@pytest.mark.parametrize(
    "wrong",
    [
        ("",),
        ("a\nb",),
        ("(link)",),
        ("x" * 65,),
        ("anna", "--role", "king"),
        ("anna", "--requests-per-minute", "0"),
        ("anna", "--expires", "soon"),
        ("anna", "--expires", "2020-01-01"),
    ],
)
def test_wrong_usage_is_told_and_makes_no_key(foveal: Command, wrong: tuple[str, ...]) -> None:
    assert foveal("keys", "create", *wrong).status == 2
    assert json.loads(foveal("keys", "list", "--json").out) == []


def test_a_server_without_keys_listens_on_this_machine_only(foveal: Command) -> None:
    refused = foveal("serve", "--host", "0.0.0.0", "--port", 0)
    assert refused.status == 2
    assert "foveal keys create" in refused.err


def test_the_doctor_says_whether_there_are_keys_and_tls(foveal: Command, tmp_path: Path) -> None:
    def said(*flags: object) -> dict[str, tuple[str, str]]:
        rows = json.loads(foveal(*flags, "doctor", "--json").out)
        return {row["name"]: (row["state"], row["detail"] + row["remedy"]) for row in rows}

    assert said()["keys"][0] == "off"
    assert said()["TLS"][0] == "off"
    key = foveal("keys", "create", "anna").out.strip()
    assert said()["keys"][0] == "on"
    assert key not in json.dumps(said())
    foveal("keys", "revoke", "anna")
    assert said()["keys"][0] == "failed"
    assert said("--set", "serve.api_key=boss")["keys"][0] == "on"
    assert said("--set", "serve.tls=true")["TLS"][0] == "on"
    state, detail = said("--set", f"serve.ssl_certfile={tmp_path / 'none.pem'}")["TLS"]
    assert state == "failed"
    assert "none.pem" in detail
    assert said("--set", f"serve.ssl_keyfile={tmp_path / 'key.pem'}")["TLS"][0] == "failed"
