"""Uploads: files that people send, kept in the home until they are deleted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from foveal.types.assets import AssetId

FileId = NewType("FileId", str)
"""One uploaded file, 32 hex digits: stays the same when its bytes are replaced or its description changes."""

UploadId = NewType("UploadId", str)
"""One file on its way here, 32 hex digits; cannot be guessed."""


QUESTIONS_INDEX = "attached-videos"
"""Index of the videos that people attach to questions: kept for some days only (`uploads.questions_days`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadDraft:
    """A file that is about to be sent.

    Attributes:
        source: Saved source it goes to; empty as long as nobody said.
        path: Its name, perhaps with folders, checked by `foveal.retrieval.upload_names`.
        size_bytes: Length; None: not known before its end.
        description: The sender's words on it.
        replace: Whether it takes the place of a file of that name; else both are kept, the new one as `name (2)`.
        start: Whether it is to be read into the index as soon as it is here.
    """

    path: str
    source: str = ""
    size_bytes: int | None = None
    description: str = ""
    replace: bool = False
    start: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """A file on its way here.

    Attributes:
        offset: Bytes that have arrived and are kept.
        touched_at: When the last of them did.
    """

    upload_id: UploadId
    draft: UploadDraft
    offset: int
    touched_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadedFile:
    """A file that was uploaded.

    Attributes:
        path: Unique in its source.
        description: A person's words on it, empty when there are none.
        changed_at: When its bytes were last replaced.
    """

    file_id: FileId
    source: str
    path: str
    asset_id: AssetId
    size_bytes: int
    media_type: str
    description: str
    created_at: datetime
    changed_at: datetime


class Fate(StrEnum):
    """What became of a file that was sent."""

    ADDED = "added"
    REPLACED = "replaced"
    """It took the place of a file of that name."""
    DUPLICATE = "duplicate"
    """The source has these bytes already, perhaps under another name; they were not kept twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A file that arrived whole: as it is kept now, or the one that has the same bytes."""

    file: UploadedFile
    fate: Fate
