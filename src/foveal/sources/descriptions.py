"""A person's descriptions of images, from `metadata*.json` files beside them or from a file named by hand.

Format: "Use your image data with Azure OpenAI Service" (Microsoft, 2024), section "Azure Blob storage": a JSON array of
`{"image_blob_path": …, "description": …}`, at most 10,000 entries a file, any number of files.
"""

from __future__ import annotations

import csv
import io
import json
import posixpath
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from foveal.errors import AssetError, InvalidRequestError, UnreadableAssetError
from foveal.ports.sources import Source
from foveal.types.assets import SourceItem
from foveal.types.ingestions import AssetFailure

MAX_ENTRIES = 10_000
_MAX_BYTES = 64 * 2**20
_MAX_REPORTED = 20
"""Failures named one by one for each file; the rest is counted."""
_STAGE = "read"
_COLUMNS = ("image_blob_path", "description")
_SHAPE = 'Make it an array of {"image_blob_path": …, "description": …}.'


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptions:
    """Words by image.

    Attributes:
        by_path: Description of each path as the source lists it.
        files: Paths of the metadata files, which are no documents themselves.
        failures: Files and entries that could not be used; the rest is.
    """

    by_path: Mapping[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    failures: tuple[AssetFailure, ...] = ()


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry; `problem` says why it cannot be used."""

    path: str
    description: str
    problem: str = ""


def load_descriptions(source: Source) -> Descriptions:
    """Descriptions from every file of the source whose name starts with `metadata` and ends in `.json`.

    A path in such a file counts from the file's own folder, else from the root. The first description of an image wins.

    Raises:
        InvalidRequestError: The source cannot be listed.
    """
    items = list(source.items())
    find = _finder(item.path for item in items)
    words: dict[str, str] = {}
    failures: list[AssetFailure] = []
    files = [item for item in items if is_metadata_file(item.path)]
    for item in files:
        folder = posixpath.dirname(item.path)
        try:
            entries = _json_entries(_bytes(source, item))
        except AssetError as error:
            failures.append(_failure(item.path, error.code, error.message, error.remedy))
            continue
        failures.extend(_take(item.path, entries, words, lambda path, f=folder: find(f, path)))  # type: ignore[misc]
    return Descriptions(by_path=words, files=tuple(item.path for item in files), failures=tuple(failures))


def load_description_file(path: Path, source: Source | None = None) -> Descriptions:
    """Descriptions from one file: JSON as above, or CSV with the two columns, with or without their names on top.

    Args:
        path: The file; it may lie anywhere. Paths in it count from the source's root.
        source: When given, paths that are not in it are reported.

    Raises:
        InvalidRequestError: It cannot be read or is neither JSON nor CSV.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise InvalidRequestError(f"The descriptions in {path} cannot be read: {error.strerror}.") from None
    paths = None if source is None else [item.path for item in source.items()]
    return read_descriptions(str(path), data, paths)


def read_descriptions(name: str, data: bytes, paths: Iterable[str] | None = None) -> Descriptions:
    """Descriptions out of the bytes of a file.

    Args:
        name: Of the file; one that ends in `.csv` is CSV, any other JSON.
        data: All of it; over 64 MiB it is refused.
        paths: Of the files that may be described; others are reported. None: any.

    Raises:
        InvalidRequestError: It is neither JSON nor CSV.
    """
    try:
        entries = _csv_entries(data) if name.lower().endswith(".csv") else _json_entries(data)
    except AssetError as error:
        raise InvalidRequestError(f"{name}: {error.message}", remedy=error.remedy) from None
    words: dict[str, str] = {}
    find = _finder(paths) if paths is not None else lambda folder, path: path
    failures = _take(name, entries, words, lambda entry: find("", entry))
    return Descriptions(by_path=words, failures=tuple(failures))


def is_metadata_file(path: str) -> bool:
    """Whether a path's name is that of a metadata file; the word is lower case in the contract."""
    name = posixpath.basename(path)
    return name.startswith("metadata") and name.lower().endswith(".json")


def _take(
    file: str, entries: list[_Entry], words: dict[str, str], find: Callable[[str], str | None]
) -> list[AssetFailure]:
    """Add what can be used to `words`; what cannot comes back."""
    problems: list[tuple[str, str]] = []
    if len(entries) > MAX_ENTRIES:
        problems.append(("over_limit", f"It has {len(entries)} entries; only the first {MAX_ENTRIES} are used."))
    for number, entry in enumerate(entries[:MAX_ENTRIES], 1):
        path = None if entry.problem else find(entry.path)
        if entry.problem:
            problems.append(("unreadable", f"Entry {number}: {entry.problem}."))
        elif path is None:
            problems.append(("not_found", f"Entry {number} describes {entry.path}, which is not in the source."))
        elif words.setdefault(path, entry.description) != entry.description:
            problems.append(("conflict", f"Entry {number} describes {entry.path} again; the first description stays."))
    left = len(problems) - _MAX_REPORTED
    if left > 0:
        problems[_MAX_REPORTED:] = [("unreadable", f"{left} more entries cannot be used.")]
    return [_failure(file, code, reason, "") for code, reason in problems]


def _failure(path: str, code: str, reason: str, remedy: str) -> AssetFailure:
    return AssetFailure(path=path, stage=_STAGE, code=code, reason=reason, remedy=remedy or "Correct that file.")


def _finder(paths: Iterable[str]) -> Callable[[str, str], str | None]:
    """Finds the path as listed for one as written; accents may be composed in the one and not in the other."""
    listed = {path: path for path in paths}
    for path in list(listed):
        listed.setdefault(unicodedata.normalize("NFC", path), path)

    def find(folder: str, written: str) -> str | None:
        for candidate in (posixpath.normpath(posixpath.join(folder, written)), written):
            found = listed.get(candidate) or listed.get(unicodedata.normalize("NFC", candidate))
            if found:
                return found
        return None

    return find


def _bytes(source: Source, item: SourceItem) -> bytes:
    with source.open(item) as file:
        data = file.read(_MAX_BYTES + 1)
    return data


def _json_entries(data: bytes) -> list[_Entry]:
    if len(data) > _MAX_BYTES:
        raise UnreadableAssetError(f"It is larger than {_MAX_BYTES >> 20} MiB.", remedy="Cut it into several files.")
    try:
        values = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UnreadableAssetError(f"It is not valid JSON: {str(error)[:120]}.", remedy=_SHAPE) from None
    if not isinstance(values, list):
        raise UnreadableAssetError("It is not an array of descriptions.", remedy=_SHAPE)
    return [_entry(value) for value in values]


def _entry(value: object) -> _Entry:
    if not isinstance(value, dict):
        return _Entry("", "", "it is not an object")
    path, description = (value.get(column) for column in _COLUMNS)
    if not isinstance(path, str) or not isinstance(description, str):
        return _Entry("", "", "image_blob_path and description must both be text")
    return _checked(_whole(path), _whole(description))


def _whole(text: str) -> str:
    """Without halves of surrogate pairs, which JSON can carry and nothing can store."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _csv_entries(data: bytes) -> list[_Entry]:
    if len(data) > _MAX_BYTES:
        raise UnreadableAssetError(f"It is larger than {_MAX_BYTES >> 20} MiB.", remedy="Cut it into several files.")
    try:
        text = data.decode("utf-8-sig")
        rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableAssetError(f"It is not CSV in UTF-8: {error}.", remedy="Save it as CSV in UTF-8.") from None
    first, second = 0, 1
    if rows and set(_COLUMNS) <= {cell.strip() for cell in rows[0]}:
        names = [cell.strip() for cell in rows.pop(0)]
        first, second = (names.index(column) for column in _COLUMNS)
    return [
        _checked(row[first], row[second])
        if len(row) > max(first, second)
        else _Entry("", "", "it does not have two columns")
        for row in rows
    ]


def _checked(path: str, description: str) -> _Entry:
    """A path with forward slashes that stays inside the source, and words."""
    written = posixpath.normpath(path.strip().replace("\\", "/").lstrip("/")) if path.strip() else ""
    if written in {"", "."}:
        return _Entry("", "", "it names no image")
    if ".." in path.replace("\\", "/").split("/"):
        return _Entry("", "", f"{path[:200]!r} leads out of the folder")
    if not description.strip():
        return _Entry("", "", f"the description of {written[:200]} is empty")
    return _Entry(written, description.strip())
