"""What the browser tests stand on: a started server with ingested files, Chromium, and axe-core from npm."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import platformdirs
import pytest
from PIL import Image

from foveal.testing.documents import Words, pdf_of
from foveal.testing.serving import environment, launched

PLACE = platformdirs.user_cache_path("foveal-tests", appauthor=False)
AXE = "axe-core@4.10.3"
"""MPL-2.0; fetched for the tests, not part of the project."""
INSTALL_S = 110
WAIT_MS = 30_000
"""How long a page may take for one step, on a busy machine."""
SCREENS = Path(__file__).parents[2] / "out" / "screens"
PICTURES = ("chelsea.png", "coffee.png", "rocket.jpg", "astronaut.png")
HOSTILE = "<img src=x onerror=window.pwned=1>"
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)


@dataclass(frozen=True)
class Server:
    """Where it is, and the home it serves."""

    address: str
    home: Path


@contextmanager
def started(root: Path, models: Path) -> Iterator[Server]:
    """`foveal serve` in a process of its own, over photographs in `photos` and documents in `papers`."""
    environ = environment(home=root / "home", models=models, offline=1)
    program = [sys.executable, "-m", "foveal"]
    photos, papers = _photos(root / "photos", models), _papers(root / "papers")
    for folder, index in ((photos, "photos"), (papers, "papers")):
        words = ["--describe", str(root / "descriptions.json")] if index == "photos" else []
        command = [*program, "ingest", str(folder), "--index", index, *words]
        subprocess.run(command, env=environ, check=True, capture_output=True, timeout=400)
    with launched(environ) as running:
        yield Server(address=running.address, home=root / "home")


def _photos(folder: Path, models: Path) -> Path:
    folder.mkdir()
    for name in PICTURES:
        shutil.copy(models / "samples" / name, folder)
    Image.new("RGB", (320, 240), (200, 40, 40)).save(folder / f"{HOSTILE.replace('/', '')}.png")
    described = {"chelsea.png": f"Chelsea, a ginger cat. {HOSTILE}", "coffee.png": "Espresso in a red cup."}
    described["astronaut.png"] = "A person in an orange space suit in front of a flag."
    entries = [{"image_blob_path": name, "description": text} for name, text in described.items()]
    (folder.parent / "descriptions.json").write_text(json.dumps(entries))
    return folder


def _papers(folder: Path) -> Path:
    folder.mkdir()
    page = [Words(text="Harbour rules", y=720, size=22, bold=True)]
    lines = (
        "The harbour office opens at nine in the morning and closes at six.",
        "Boats longer than twelve metres pay forty euros for one night.",
        "Dogs are kept on a leash on every pier of the harbour.",
    )
    page += [Words(text=line, y=680 - 24 * number, size=12) for number, line in enumerate(lines)]
    (folder / "harbour.pdf").write_bytes(pdf_of([page]))
    (folder / "bees.md").write_text(f"# Bees\n\nA hive needs water within two hundred metres. {HOSTILE}\n")
    return folder


def chromium() -> str | None:
    """A Chromium on the path; None leaves it to Playwright's own."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


def axe() -> str:
    """The source of axe-core; skips where npm cannot fetch it."""
    kept = PLACE / f"axe-{hashlib.sha256(AXE.encode()).hexdigest()[:12]}.js"
    if kept.is_file():
        return kept.read_text("utf-8")
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("there is no npm here to fetch axe-core with")
    PLACE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=PLACE) as folder:
        command = [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, AXE]
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S, check=False)
        fetched = Path(folder) / "node_modules" / "axe-core" / "axe.min.js"
        if done.returncode or not fetched.is_file():
            pytest.skip(f"axe-core cannot be fetched here: {done.stderr.strip()[-200:]}")
        fetched.replace(kept)
    return kept.read_text("utf-8")
