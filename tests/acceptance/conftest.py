"""The whole product through its public door, with the real models, on the sample photos."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from foveal.models.cards import Card
from foveal.testing.serving import environment

CARDS = ("efficientnet-lite2", "nanodet", "ssdlite", "open-nsfw", "multilingual-e5-small", "pp-ocr-v6", "samples")


@dataclass(frozen=True)
class Finished:
    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, object]:
        return json.loads(self.out)


@dataclass(frozen=True)
class Program:
    """`foveal` with a home of its own, in a process of its own."""

    home: Path
    models: Path
    variables: tuple[tuple[str, str], ...] = ()

    @property
    def environ(self) -> dict[str, str]:
        return environment(home=self.home, models=self.models, offline=1) | dict(self.variables)

    def command(self, *arguments: object) -> list[str]:
        return [sys.executable, "-m", "foveal", *map(str, arguments)]

    def __call__(self, *arguments: object, status: int | None = 0) -> Finished:
        done = subprocess.run(
            self.command(*arguments),
            capture_output=True,
            check=False,  # the status is the caller's to judge
            text=True,
            env=self.environ,
            timeout=240,
            cwd=self.home.parent,
        )
        if status is not None:
            assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return Finished(status=done.returncode, out=done.stdout, err=done.stderr)

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.environ
        )


@pytest.fixture(scope="session")
def all_models(pulled: Callable[[str], Card], models_dir: Path) -> Path:
    for name in CARDS:
        pulled(name)
    return models_dir


@pytest.fixture
def foveal(tmp_path: Path, all_models: Path) -> Program:
    return Program(home=tmp_path / "home", models=all_models)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, all_models: Path) -> Program:
    """A home in which the demo has run once; tests only read it."""
    program = Program(home=tmp_path_factory.mktemp("demo") / "home", models=all_models)
    program("demo", "--once")
    return program
