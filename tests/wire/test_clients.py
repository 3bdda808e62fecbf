"""Each client of the retired services, in an environment of its own, against a really started server (show 1).

A client's script under `clients/` asks everything it can, streamed and not, and prints a line of JSON for each case.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from .conftest import KEY, QUESTION, Server
from .environments import CLIENTS, node_folder, node_script, python_of

pytestmark = pytest.mark.xdist_group("wire")  # one server, and each client asked once
VECTOR = 384
"""Numbers of a vector of the local text model."""


@dataclass(frozen=True)
class Client:
    """A script and the environment it runs in.

    Attributes:
        shows_context: Whether the client hands the citations on to its caller.
    """

    name: str
    script: str
    requirements: str = ""
    old_data: bool = True
    shows_context: bool = True
    embeds: bool = True


CASES = (
    Client("openai 3", "with_openai_sdk.py", "openai-3"),
    Client("openai 1", "with_openai_sdk.py", "openai-1"),
    Client("openai 0", "with_openai_0.py", "openai-0"),
    Client("langchain", "with_langchain.py", "langchain", shows_context=False),
    Client("llama-index", "with_llama_index.py", "llama-index", embeds=False),
    Client("@azure/openai", "client.mjs", old_data=False),
)

Outcomes = dict[str, dict[str, object]]


@pytest.fixture(scope="module")
def outcomes(server: Server):
    """What a client's script printed, by case; each runs once."""

    @cache
    def run(client: Client) -> Outcomes:
        return outcomes_of(_command(client), server)

    return run


def outcomes_of(command: list[str], server: Server) -> Outcomes:
    done = subprocess.run(command, env=server.environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {line.pop("case"): line for line in lines}


def _command(client: Client) -> list[str]:
    if client.requirements:
        return [str(python_of(client.requirements)), str(CLIENTS / client.script)]
    return node_script(client.script)


@pytest.fixture(params=CASES, ids=lambda client: client.name)
def client(request: pytest.FixtureRequest) -> Client:
    return request.param


@pytest.fixture
def said(client: Client, outcomes) -> Outcomes:
    return outcomes(client)


def _both(said: Outcomes, name: str) -> list[dict[str, object]]:
    """A case not streamed and streamed, which say the same words."""
    whole, streamed = said[name], said[f"{name} streamed"]
    assert "error" not in whole, whole
    assert "error" not in streamed, streamed
    assert whole["text"] == streamed["text"]
    assert streamed["chunks"] > 2  # type: ignore[operator]
    return [whole, streamed]


def test_plain_chat_answers_the_same_streamed_and_not(said: Outcomes) -> None:
    for outcome in _both(said, "plain"):
        assert outcome["text"]


def test_an_image_is_described(said: Outcomes) -> None:
    for outcome in _both(said, "vision"):
        assert "brown" in str(outcome["text"])  # it is a tabby cat
        assert outcome["text"] != said["plain"]["text"]


def test_an_answer_from_data_in_the_2024_form_is_cited(client: Client, said: Outcomes) -> None:
    _check_data(client, _both(said, "data of 2024"))


def test_an_answer_from_data_in_the_2023_form_is_cited(client: Client, said: Outcomes) -> None:
    if not client.old_data:
        assert not any("2023" in name for name in said)
        return
    for name in [n for n in said if "2023" in n and "streamed" not in n]:
        _check_data(client, _both(said, name))


def _check_data(client: Client, both: list[dict[str, object]]) -> None:
    for outcome in both:
        text = str(outcome["text"])
        assert "cage" in text
        if client.shows_context:
            files = outcome["files"]
            assert isinstance(files, list)
            assert f"[doc{files.index('parrot.txt') + 1}]" in text


def test_vectors_have_the_model_s_length(client: Client, said: Outcomes) -> None:
    found = [outcome for name, outcome in said.items() if name.startswith("embeddings")]
    assert bool(found) == client.embeds
    for outcome in found:
        assert set(outcome.get("lengths") or ()) == {VECTOR}, outcome  # type: ignore[call-overload]


@pytest.mark.parametrize(("case", "status"), [("unknown deployment", 404), ("bad key", 401)])
def test_errors_reach_the_caller_as_the_client_s_own(said: Outcomes, case: str, status: int) -> None:
    for outcome in (said[case], said[f"{case} streamed"]):
        assert outcome.get("error"), outcome
        if outcome["status"] is not None:
            assert outcome["status"] == status
        else:
            assert str(outcome["code"]) in {"DeploymentNotFound", str(status)}, outcome


def test_the_openai_client_sees_codes_helpers_and_lists(outcomes) -> None:
    for client in CASES[:2]:
        said = outcomes(client)
        assert said["unknown deployment"]["error"] == "NotFoundError"
        assert said["unknown deployment"]["code"] == "DeploymentNotFound"
        assert said["bad key"]["error"] == "AuthenticationError"
        assert said["plain by the stream helper"]["text"] == said["plain"]["text"]
        assert _both(said, "plain on v1")[0]["text"] == said["plain"]["text"]
        assert {"foveal", "foveal-embedding"} <= set(said["models"]["names"])  # type: ignore[call-overload]
        assert said["data of 2024"]["finish"] == said["data of 2024 streamed"]["finish"] == "stop"


def test_llama_index_says_the_same_in_an_event_loop_and_as_a_chat(outcomes) -> None:
    said = outcomes(next(client for client in CASES if client.name == "llama-index"))
    assert said["plain as a chat"]["same"]
    assert said["vision in a loop"]["same"]
    assert said["vision in a loop"]["text"] == said["vision"]["text"]


@pytest.mark.parametrize("stream", [[], ["--stream"]])
def test_the_javascript_that_foveal_snippet_prints_answers(server: Server, stream: list[str], tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from foveal.cli import app

    asked = ["snippet", "--endpoint", server.address, "--question", QUESTION, "--language", "javascript"]
    source = ["--index", "birds", *stream]
    script = node_folder() / f"snippet{len(stream)}.mjs"
    script.write_text(CliRunner().invoke(app, asked + source).stdout)
    environ = server.environ | {"AZURE_OPENAI_API_KEY": KEY}
    done = subprocess.run(["node", script], env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "cage" in done.stdout
    assert "[doc" in done.stdout
