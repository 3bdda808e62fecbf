"""Examples of the pages are run: commands in their order in an empty folder, programs against a real home."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import foveal
from foveal.asgi import create_app
from foveal.models.cards import Card
from foveal.testing.openai_server import OpenAIServer
from foveal.testing.serving import environment, served

from .pages import PAGES, README, TUTORIAL, blocks, is_foveal

pytestmark = pytest.mark.xdist_group("examples")  # one person, one home

CARDS = ("efficientnet-lite2", "open-nsfw", "multilingual-e5-small", "pp-ocr-v6", "samples")
PHOTOS = ("chelsea.png", "coffee.png", "rocket.jpg", "china.jpg")
ELSEWHERE = {
    "git clone <this repository> && cd foveal": "the folder the tests run in",
    "make demo": "tests/acceptance runs what it runs",
    "make test": "this",
    ". .venv/bin/activate": "the interpreter the tests run in",
    "foveal serve": "does not end; the program that talks to it is run against a served home",
}
"""Commands of README and tutorial that are not run here, and why."""
FOUND, NOTHING_FOUND = 0, 3
COMMANDS = sorted({command for page in PAGES for block in blocks(page, "console") for command in block.commands})


@dataclass(frozen=True)
class Done:
    command: str
    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Shell:
    """A person's terminal: one folder, one home, `foveal` on the path, and what was exported stays."""

    folder: Path
    exported: dict[str, str]

    @property
    def options(self) -> dict[str, Any]:
        path = {"PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
        environ = environment() | path | self.exported
        return {"env": environ, "cwd": self.folder, "capture_output": True, "text": True, "timeout": 240}

    def run(self, command: str) -> Done:
        if command.startswith("export "):
            self.exported.update(word.split("=", 1) for word in shlex.split(command)[1:])
            return Done(command, 0, "", "")
        done = subprocess.run(["sh", "-c", command], check=False, **self.options)
        return Done(command, done.returncode, done.stdout, done.stderr)

    def run_python(self, program: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", program],
            check=False,
            **self.options,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory, pulled: Callable[[str], Card], models_dir: Path) -> Shell:
    """A person with four pictures in `~/Pictures` and another one to search with."""
    for card in CARDS:
        pulled(card)
    folder = tmp_path_factory.mktemp("reader")
    for sub in ("bin", "Pictures"):
        (folder / sub).mkdir()
    program = folder / "bin" / "foveal"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m foveal "$@"\n')
    program.chmod(0o755)
    for photo in PHOTOS:
        shutil.copy(models_dir / "samples" / photo, folder / "Pictures")
    shutil.copy(models_dir / "samples" / "china.jpg", folder / "holiday.jpg")
    home = {"HOME": str(folder), "FOVEAL_HOME": str(folder / "home"), "FOVEAL_MODELS": str(models_dir)}
    return Shell(folder, home | {"FOVEAL_OFFLINE": "1"})


@pytest.fixture(scope="module")
def first_hour(shell: Shell) -> dict[str, Done]:
    """What every command of the tutorial did, in its order; its model server is a stand-in."""
    done = {}
    with OpenAIServer() as server:
        for block in blocks(TUTORIAL, "console"):
            for command in block.commands:
                if command not in ELSEWHERE:
                    done[command] = shell.run(command.replace("http://localhost:11434/v1", server.base_url))
        assert any(call.path.endswith("/chat/completions") for call in server.calls)
    for variable in [v for v in shell.exported if v.startswith("FOVEAL_CHAT_")]:
        del shell.exported[variable]
    return done


def test_every_command_of_the_tutorial_does_what_it_says(first_hour: dict[str, Done]) -> None:
    for done in first_hour.values():
        assert done.status in {FOUND, NOTHING_FOUND}, f"{done.command}\n{done.out}\n{done.err}"
        assert "Traceback" not in done.err


def test_the_first_folder_is_found_and_answers(first_hour: dict[str, Done]) -> None:
    assert "1 added" in first_hour["foveal ingest notes"].out
    assert "ferry.txt" in first_hour['foveal search "when does the boat go"'].out
    assert "pier four at nine" in first_hour['foveal ask "When does the ferry leave?"'].out
    assert f"{len(PHOTOS)} added" in first_hour["foveal ingest ~/Pictures"].out
    assert "china.jpg" in first_hour["foveal search --image holiday.jpg"].out.splitlines()[0]


def test_the_readme_s_first_questions_run(first_hour: dict[str, Done], shell: Shell) -> None:
    typed = [c for block in blocks(README, "console") for c in block.commands if c not in ELSEWHERE]
    assert any(c.startswith("foveal ask") for c in typed)
    for command in typed:
        done = first_hour.get(command) or shell.run(command)
        assert done.status in {FOUND, NOTHING_FOUND}, f"{command}\n{done.out}\n{done.err}"


def test_the_tutorial_s_description_is_of_the_shape_that_is_read(shell: Shell, first_hour: dict[str, Done]) -> None:
    (example,) = blocks(TUTORIAL, "json")
    folder = shell.folder / "described"
    folder.mkdir()
    shutil.copy(shell.folder / "Pictures" / "chelsea.png", folder / "IMG_0001.jpg")
    (folder / "metadata.json").write_text(example.text)
    assert shell.run("foveal ingest described --index described").status == FOUND
    assert "Mali and Rex" in shell.run('foveal ask "Where were Mali and Rex?" --index described').out


def test_every_python_example_runs(first_hour: dict[str, Done], shell: Shell) -> None:
    examples = [block for page in (TUTORIAL, README) for block in blocks(page, "python")]
    assert len(examples) >= 2
    places = {k: shell.exported[f"FOVEAL_{k.upper()}"] for k in ("home", "models", "offline")}
    with foveal.open(**places) as home, served(create_app(home)) as address:
        for example in examples:
            said = shell.run_python(example.text.replace("http://127.0.0.1:8808", address))
            assert "ferry" in said, f"{example.page}: {said}"
            assert "nine" in said, f"{example.page}: {said}"


@pytest.mark.parametrize("command", [c for c in COMMANDS if is_foveal(c)])
def test_a_command_on_any_page_is_one_that_the_program_takes(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.main import get_command

    from foveal.cli import app

    monkeypatch.chdir(tmp_path)
    words = [word.replace("~/", f"{tmp_path}/") for word in shlex.split(command)[1:]]
    for word in words:
        if re.fullmatch(r"[\w./-]+", word) and not word.startswith("-"):
            Path(word).touch()  # options for files want them to be there
    if "photos" in words:
        Path("photos").unlink()
        Path("photos").mkdir()
    program = get_command(app)
    context = program.make_context("foveal", words)
    while hasattr(program, "resolve_command"):
        rest = [*context._protected_args, *context.args]
        name, program, rest = program.resolve_command(context, rest)
        assert program is not None
        context = program.make_context(name, rest, parent=context)
    assert not context.args


def test_what_is_run_elsewhere_is_still_on_a_page() -> None:
    commands = {c for page in (README, TUTORIAL) for block in blocks(page, "console") for c in block.commands}
    assert set(ELSEWHERE) <= commands
    assert all(is_foveal(c) or c in ELSEWHERE or c.split()[0] in {"mkdir", "echo", "export"} for c in commands)
