"""Names of uploaded files: what a browser, curl or a script says a file is called, made safe to keep.

A name may have folders (`trip/day 1/harbour.jpg`, as browsers send of a whole folder) and be in any script. It never
leads anywhere: files are kept by content, and a name is nothing but a citation's `filepath`. It is still held to what
every file system takes, so that it can be exported, and refused where it says it leads out.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from pathlib import PurePosixPath

from foveal.errors import InvalidRequestError

MAX_PART_BYTES = 255
"""Longest name of a file or folder on ext4, APFS and NTFS (there: characters)."""
MAX_PATH_BYTES = 1024
"""Longest name of a blob in Azure and of an object in S3."""


def checked_name(name: str) -> str:
    """A name in NFC, with forward slashes.

    Raises:
        InvalidRequestError: It is empty, too long, absolute or leads out of its folder, or has control characters.
    """
    shown = ascii(name[:80])
    text = unicodedata.normalize("NFC", name.replace("\\", "/"))
    parts = text.split("/")
    if not text.strip() or not parts[-1].strip():
        raise InvalidRequestError("A file has no name.", remedy="Send it with its file name.")
    if any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in text):
        raise InvalidRequestError(f"The name {shown} has control characters.", remedy="Rename the file.")
    if any(part.strip() in {"", ".", ".."} for part in parts) or parts[0].endswith(":"):
        raise InvalidRequestError(f"The name {shown} leads out of its folder.", remedy="Send names relative to it.")
    if any(len(part.encode()) > MAX_PART_BYTES for part in parts) or len(text.encode()) > MAX_PATH_BYTES:
        raise InvalidRequestError(
            f"The name {shown} is longer than {MAX_PART_BYTES} bytes, or {MAX_PATH_BYTES} with its folders.",
            remedy="Rename the file.",
        )
    return text


def free_name(name: str, taken: Collection[str]) -> str:
    """`name`, or `name (2)`, `name (3)`… where that is taken, never longer than a name may be."""
    if name not in taken:
        return name
    path = PurePosixPath(name)
    number = 2
    while (other := str(path.with_name(_numbered(path.stem, path.suffix, number)))) in taken:
        number += 1
    return other


def _numbered(stem: str, suffix: str, number: int) -> str:
    tail = f" ({number}){suffix}"
    room = MAX_PART_BYTES - len(tail.encode())
    return stem.encode()[:room].decode("utf-8", "ignore") + tail
