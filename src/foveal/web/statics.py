"""Styles, scripts and pictures of the pages: read once, served from memory, kept by browsers for ever.

All of them live under one version, a hash over every file: modules import one another by relative addresses, so the
version of one is the version of all, and a change of any gives new addresses.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

PREFIX = "/static/"
FOR_EVER = "public, max-age=31536000, immutable"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
_IMPORT = re.compile(r"""^(?:import|export)\b[^;]*?["']\./([\w.-]+\.js)["'];""", re.MULTILINE)
"""A module that another one imports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticFile:
    """One file as it goes out.

    Attributes:
        packed: The same with gzip.
    """

    media_type: str
    data: bytes
    packed: bytes


class Statics:
    """All static files."""

    def __init__(self) -> None:
        self._files = dict(_read(files("foveal.web") / "static"))
        digest = hashlib.sha256()
        for name in sorted(self._files):
            digest.update(name.encode() + b"\0" + self._files[name].data + b"\0")
        self.version = digest.hexdigest()[:16]

    def url(self, name: str) -> str:
        """The address of a file, which holds for this content only.

        Raises:
            KeyError: There is no such file.
        """
        if name not in self._files:
            raise KeyError(name)
        return f"{PREFIX}{self.version}/{name}"

    def modules(self, *names: str) -> list[str]:
        """Addresses of these modules and of all that they import, near ones first.

        A browser that is told of them at once fetches them side by side, and not one row of imports after the other.
        """
        found: list[str] = []
        waiting = list(names)
        while waiting:
            name = waiting.pop(0)
            if name not in found:
                found.append(name)
                waiting += _IMPORT.findall(self._files[name].data.decode())
        return [self.url(name) for name in found]

    def find(self, version: str, name: str) -> StaticFile | None:
        """The file at an address; None where there is none, or none any more."""
        return self._files.get(name) if version == self.version else None


def _read(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, StaticFile]]:
    for entry in folder.iterdir():
        name = f"{prefix}{entry.name}"
        if entry.is_dir():
            yield from _read(entry, f"{name}/")
        elif (media_type := TYPES.get(f".{entry.name.rpartition('.')[2]}")) is not None:
            data = entry.read_bytes()
            yield name, StaticFile(media_type=media_type, data=data, packed=gzip.compress(data, mtime=0))
