"""Packages of npm that tests run, each fetched once into the user's cache."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from pathlib import Path

import platformdirs
import pytest

PLACE = platformdirs.user_cache_path("foveal", appauthor=False) / "test-tools"
SECONDS = 600
"""Longest installation."""


def npm_package(name: str, version: str, *flags: str) -> Path:
    """The folder in whose `node_modules` the package is; skips where it cannot be had.

    It is filled beside its place and moved there whole: tests in several processes may want it at once.
    """
    folder = PLACE / f"{name}-{version}"
    npm = shutil.which("npm")
    if not npm or not shutil.which("node"):
        pytest.skip(f"{name} needs Node.js and npm, which are not installed here")
    if (folder / "node_modules" / name).is_dir():
        return folder
    PLACE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=PLACE, prefix=f"{name}-new-") as beside:
        made = Path(beside) / "made"
        command = [npm, "install", f"{name}@{version}", "--no-audit", "--no-fund", *flags, "--prefix", str(made)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip(f"npm took over {SECONDS} s for {name}: is its registry reached?")
        if done.returncode:
            pytest.skip(f"{name} cannot be had from npm here: {done.stderr.strip()[-200:]}")
        if not (folder / "node_modules" / name).is_dir():
            shutil.rmtree(folder, ignore_errors=True)  # half of one, by a process that was killed
            with contextlib.suppress(OSError):  # another process was quicker
                made.rename(folder)
    return folder
