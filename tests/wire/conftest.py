"""A real server: `foveal serve` in a process of its own, over a small collection ingested with the real models."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from foveal.models.cards import Card
from foveal.testing.serving import environment, launched

CARDS = ("efficientnet-lite2", "nanodet", "ssdlite", "open-nsfw", "multilingual-e5-small", "pp-ocr-v6", "samples")
KEY = "wire-key-of-the-tests"
INDEX = "birds"
QUESTION = "What does a parrot need?"
PARROT = "A parrot needs a sturdy cage, perches and toys. Parrots live for fifty years and more."
MAPPING = f'[sources]\n"search.example.net/{INDEX}" = "{INDEX}"\n'
"""The search service that the clients name is the index here, as an operator says it in the settings file."""


@dataclass(frozen=True)
class Server:
    """Where a server is, and a picture to ask it about; in its index `INDEX` are parrot.txt and that picture."""

    address: str
    picture: Path

    @property
    def environ(self) -> dict[str, str]:
        """What a client's script is told; nothing of a proxy stands between it and the server."""
        kept = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy") and k != "PYTHONPATH"}
        told = {"ENDPOINT": self.address, "KEY": KEY, "INDEX": INDEX, "QUESTION": QUESTION, "IMAGE": str(self.picture)}
        return kept | {f"WIRE_{name}": value for name, value in told.items()} | {"PYTHONWARNINGS": "ignore"}


@pytest.fixture(scope="session")
def server(
    tmp_path_factory: pytest.TempPathFactory, pulled: Callable[[str], Card], models_dir: Path
) -> Iterator[Server]:
    for card in CARDS:
        pulled(card)
    root = tmp_path_factory.mktemp("wire")
    (root / "files").mkdir()
    (root / "files" / "parrot.txt").write_text(PARROT)
    picture = root / "files" / "cat.png"
    shutil.copy(models_dir / "samples" / "chelsea.png", picture)
    (root / "foveal.toml").write_text(MAPPING)
    environ = environment(
        config=root / "foveal.toml", home=root / "home", models=models_dir, offline=1, serve_api_key=KEY
    )
    program = [sys.executable, "-m", "foveal"]
    ingest = [*program, "ingest", str(root / "files"), "--index", INDEX]
    subprocess.run(ingest, env=environ, check=True, capture_output=True, timeout=120)
    with launched(environ) as running:
        yield Server(address=running.address, picture=picture)
