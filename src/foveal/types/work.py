"""Work: the items of a job that any number of processes share, and what became of each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from foveal.types.assets import AssetId, DocumentId, SourceItem
from foveal.types.ingestions import AssetFailure

WorkerId = NewType("WorkerId", str)


class Outcome(StrEnum):
    """What became of one item; the names are those of the counts."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkItem:
    """One file to work on.

    Attributes:
        ordinal: Its number in the job.
        description: A person's words on it.
        subtitles: The file with the subtitles of a video.
        attempts: How often it was taken before, by workers that were lost.
        outcome: What a lost worker was about to commit; None when none came so far.
    """

    ordinal: int
    item: SourceItem
    description: str = ""
    subtitles: SourceItem | None = None
    attempts: int = 0
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GoneDocument:
    """A document whose file is no longer there."""

    document_id: DocumentId
    path: str
    asset_id: AssetId


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What became of one item.

    Attributes:
        asset_id: Of its bytes; empty where they could not be had.
        failure: Set when it failed.
    """

    ordinal: int
    outcome: Outcome
    asset_id: AssetId
    size_bytes: int
    failure: AssetFailure | None = None
