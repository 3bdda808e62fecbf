"""Environments of the clients, each made once for its list of exact versions and kept in the user's cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import platformdirs
import pytest

CLIENTS = Path(__file__).parent / "clients"
PLACE = platformdirs.user_cache_path("foveal-tests", appauthor=False) / "clients"
SECONDS = 110
"""Longest installation."""
NODE = 20
"""Oldest version that the JavaScript clients run on."""
_absent: dict[Path, str] = {}
"""Why an environment cannot be had; not tried again."""


def python_of(requirements: str) -> Path:
    """The interpreter of an environment with `requirements/<name>.txt`; skips where it cannot be had."""
    listed = CLIENTS / "requirements" / f"{requirements}.txt"
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if uv is None:
        pytest.skip("uv, which makes the clients' environments, is not installed")

    def fill(folder: Path) -> None:
        _run([uv, "venv", "--quiet", "--relocatable", "--python", sys.executable, str(folder)], folder)
        _run([uv, "pip", "install", "--quiet", "--python", str(folder), "--requirement", str(listed)], folder)

    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return _made(requirements, listed.read_text() + version, fill) / "bin" / "python"


def node_folder() -> Path:
    """A folder with the JavaScript clients installed; skips where Node is absent or older than they allow."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("there is no Node here")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=60, check=True).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < NODE:
        pytest.skip(f"the JavaScript clients need Node {NODE}, and this is {version}")
    package = CLIENTS / "javascript" / "package.json"

    def fill(folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        shutil.copy(package, folder)
        _run([npm, "install", "--silent", "--no-audit", "--no-fund", "--no-package-lock"], folder)

    return _made("javascript", package.read_text(), fill)


def node_script(name: str) -> list[str]:
    """The command that runs a script of `clients/javascript`, put where Node looks for packages: beside them."""
    script = node_folder() / name
    script.write_text((CLIENTS / "javascript" / name).read_text())
    return ["node", str(script)]


def _made(name: str, key: str, fill) -> Path:
    """The folder for `key`, filled beside its place and moved there whole."""
    folder = PLACE / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    if folder.is_dir():
        return folder
    if folder in _absent:
        pytest.skip(_absent[folder])
    PLACE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=PLACE, prefix=f"{name}-new-") as beside:
        try:
            fill(Path(beside) / "made")
        except pytest.skip.Exception as why:
            _absent[folder] = str(why)
            raise
        if not folder.is_dir():  # another process may have been quicker
            (Path(beside) / "made").rename(folder)
    return folder


def _run(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder if folder.is_dir() else folder.parent,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"{Path(command[0]).name} took over {SECONDS} s: is the package registry reached?")
    if done.returncode:
        pytest.skip(f"the client cannot be installed here: {(done.stderr or done.stdout).strip()[-300:]}")
