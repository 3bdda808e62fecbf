"""W8: a printed program really asks the question. Each is run as a person would run it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from foveal.cli import app
from foveal.clients.snippets import (
    Language,
    SnippetImage,
    SnippetMessage,
    SnippetRequest,
    SnippetSource,
    snippet,
)
from foveal.testing.fakes_engine import FakeEngine

from .conftest import DOGS, KEY

NASTY = 'What\'s "$HOME" `id` \\n \\\\ $(id) ${x} !! %s\n<<JSON\nJSON\né 日本 🙂 </script>'
CURL = shutil.which("curl")
JAVASCRIPT = shutil.which("node")


def printed(*arguments: str) -> str:
    ended = CliRunner().invoke(app, ["snippet", *arguments])
    assert ended.exit_code == 0, ended.output
    return ended.stdout


def run_shell(script: str, folder: Path, shell: str = "bash") -> str:
    if CURL is None:
        pytest.skip("there is no curl here")
    return _run([shell, "-c", script], folder)


def run_python(program: str, folder: Path) -> str:
    return _run([sys.executable, "-c", program], folder)


def _run(command: list[str], folder: Path) -> str:
    environ = os.environ | {"AZURE_OPENAI_API_KEY": KEY, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=False, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def spoken(stream: str) -> str:
    """The words of server-sent events."""
    events = [json.loads(line[6:]) for line in stream.splitlines() if line.startswith("data: {")]
    return "".join(choice["delta"].get("content", "") for event in events for choice in event["choices"])


def plain(address: str, *arguments: str) -> list[str]:
    return ["--plain", "--endpoint", address, "--question", NASTY, *arguments]


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_the_curl_that_is_printed_asks_the_very_words(address: str, shell: str, tmp_path: Path) -> None:
    reply = json.loads(run_shell(printed(*plain(address)), tmp_path, shell))
    assert reply["choices"][0]["message"]["content"] == f"You said: {NASTY}"


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_the_curl_with_a_file_sends_its_bytes_and_the_very_words(
    address: str, engine: FakeEngine, picture: bytes, shell: str, tmp_path: Path
) -> None:
    file = tmp_path / 'it\'s a $photo "1".png'
    file.write_bytes(picture * 40_000)  # longer than an argument of a program may be
    reply = json.loads(run_shell(printed(*plain(address, "--image", str(file))), tmp_path, shell))
    assert reply["choices"][0]["message"]["content"] == f"You said: {NASTY}"
    assert [image.data for image in engine.requests[0].messages[0].images] == [picture * 40_000]


def test_the_curl_can_stream(address: str, tmp_path: Path) -> None:
    assert spoken(run_shell(printed(*plain(address, "--stream")), tmp_path)) == f"You said: {NASTY}"


@pytest.mark.parametrize("stream", [[], ["--stream"]])
def test_the_python_that_is_printed_asks_the_very_words(
    address: str, engine: FakeEngine, picture: bytes, stream: list[str], tmp_path: Path
) -> None:
    (tmp_path / 'a "b".png').write_bytes(picture)
    program = printed(*plain(address, "--language", "python", "--image", 'a "b".png', *stream))
    assert run_python(program, tmp_path) == f"You said: {NASTY}\n"
    assert [image.data for image in engine.requests[0].messages[0].images] == [picture]


def test_a_question_to_an_index_carries_its_options(
    address: str, engine: FakeEngine, picture: bytes, tmp_path: Path
) -> None:
    url = "https://photos.example/a.jpg"
    engine.web = {url: picture}
    options = ["--index", "photos", "--top", "3", "--strictness", "1", "--any-scope", "--image", url]
    asked = ["--endpoint", address, "--question", "dogs", "--filter", "filepath eq 'dogs.jpg'", "--system", "Be brief."]
    answered = [
        json.loads(run_shell(printed(*asked, *options), tmp_path))["choices"][0]["message"]["content"],
        run_python(printed(*asked, *options, "--language", "python"), tmp_path).strip(),
    ]
    assert answered == [f"{DOGS} [doc1]"] * 2
    for request in engine.requests:
        assert [source.index for source in request.sources] == ["photos"]
        assert request.sources[0].filter is not None
        said = request.grounding
        assert (said.top_n_documents, said.strictness, said.in_scope) == (3, 1, False)


@pytest.mark.parametrize("language", ["curl", "python", "javascript"])
def test_no_key_is_ever_printed(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    monkeypatch.setenv("FOVEAL_SERVE__API_KEY", KEY)
    text = printed("--question", "Hi", "--language", language)
    assert KEY not in text
    assert "AZURE_OPENAI_API_KEY" in text


def test_javascript_says_the_same_as_python(address: str) -> None:
    """Run against a server with the real package in tests/wire; here it is parsed."""
    if JAVASCRIPT is None:
        pytest.skip("there is no Node here")
    text = printed(*plain(address, "--language", "javascript", "--image", "a.png", "--stream"))
    done = subprocess.run(
        [JAVASCRIPT, "--check", "--input-type=module", "-"], input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arguments", [["--language", "cobol", "--question", "Hi"], []])
def test_what_cannot_be_printed_is_said_so(arguments: list[str]) -> None:
    ended = CliRunner().invoke(app, ["snippet", *arguments])
    assert ended.exit_code != 0
    assert "There is no" in str(ended.exception)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1),
    file=st.booleans(),
)
def test_any_words_reach_the_server_as_they_are(tmp_path: Path, text: str, file: bool) -> None:
    """The body that curl is given, read by a shell whose `curl` prints it."""
    (tmp_path / "a.png").write_bytes(b"x")
    images = (SnippetImage(path="a.png"),) if file else ()
    request = SnippetRequest(
        endpoint="http://localhost",
        deployment="d",
        api_version="v",
        messages=(SnippetMessage(text=text, images=images),),
        sources=(SnippetSource(index=text, filter=text),),
    )
    done = subprocess.run(
        ["sh", "-s"],
        cwd=tmp_path,
        input=("curl() { cat; }\n" + snippet(request, "curl")).encode(),
        capture_output=True,
        check=True,
    )
    body = json.loads(done.stdout)
    content = body["messages"][0]["content"]
    assert (content[0]["text"] if file else content) == text
    assert not file or content[1]["image_url"]["url"] == "data:image/png;base64,eA=="
    assert body["data_sources"][0]["parameters"] == {"index_name": text, "filter": text}


@pytest.mark.parametrize("language", ["curl", "python", "javascript"])
def test_a_whole_conversation_is_printed_turn_by_turn(language: Language) -> None:
    turns = ("user", "one"), ("assistant", "two"), ("user", "three")
    request = SnippetRequest(
        endpoint="http://localhost/",
        deployment="my model/1",
        api_version="2024-10-21",
        messages=tuple(SnippetMessage(role=role, text=text) for role, text in turns),  # type: ignore[arg-type]
        max_tokens=9,
    )
    text = snippet(request, language)
    assert text.index("one") < text.index("two") < text.index("three")
    assert "data_sources" not in text
    assert ("my%20model%2F1" if language == "curl" else "my model/1") in text
