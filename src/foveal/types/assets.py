"""Assets: the bytes of one file, and where they were found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

AssetId = NewType("AssetId", str)
"""SHA-256 of the bytes, 64 lower-case hex digits. The same bytes anywhere are the same asset."""

DocumentId = NewType("DocumentId", str)
"""One place in one source, 32 hex digits: the identity that survives a change of the bytes there."""


class MediaKind(StrEnum):
    """What a file's bytes are, as far as the pipeline cares."""

    IMAGE = "image"
    TEXT = "text"
    VIDEO = "video"
    AUDIO = "audio"

    @property
    def has_timeline(self) -> bool:
        """Whether it is played, so that what is found in it has a time."""
        return self in {MediaKind.VIDEO, MediaKind.AUDIO}


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceItem:
    """One file as a source lists it.

    Attributes:
        path: Where it is inside the source, with forward slashes; the citation's `filepath`.
        size_bytes: Length in bytes.
        version: What changes when the bytes may have (modification time in ns, an ETag).
        modified_at: When the source says the bytes last changed, aware; None where it does not say.
    """

    path: str
    size_bytes: int
    version: str
    modified_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """The bytes of one file, sniffed.

    Attributes:
        media_type: IANA media type told from the bytes, never from the name.
    """

    asset_id: AssetId
    path: str
    media_type: str
    kind: MediaKind
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sniffed:
    """What the first bytes of a file say it is.

    Attributes:
        media_type: Best guess even when it cannot be read; empty when the bytes say nothing.
        kind: None when Foveal does not read that type.
        reason: Why not, in words; empty when it is readable.
    """

    media_type: str
    kind: MediaKind | None
    reason: str = ""
