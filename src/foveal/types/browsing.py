"""Browsing: an index looked through without a question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from foveal.types.chunks import Chunk, ChunkId, Generation


class Order(StrEnum):
    """What a listing is sorted by; ties and what has no date are in the order of chunk ids, at the end."""

    NEWEST = "newest"
    """By the moment it was taken, or else last changed; latest first."""
    OLDEST = "oldest"
    NAME = "name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A page of the items of an index.

    Attributes:
        total: Items there are.
        skip: Of these, how many come before `chunks`.
    """

    generation: Generation
    total: int
    skip: int
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A value of a field, how many items have it, and one of them."""

    value: str
    count: int
    example: ChunkId


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """Items of one day (UTC).

    Attributes:
        position: Of its first item in a listing of the newest first.
    """

    day: date
    count: int
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Items within a tenth of a degree of one another, at their mean position."""

    latitude: float
    longitude: float
    count: int
    example: ChunkId


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What the items of an index have in common.

    Attributes:
        fields: By name of a field, its values, commonest first.
        days: Latest first.
        places: Most items first.
    """

    total: int
    fields: Mapping[str, tuple[Counted, ...]]
    days: tuple[Day, ...]
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Something an index surely can be asked about.

    Attributes:
        kind: `object`: photos show it; `document`: there is one of that title.
        what: The thing, or the title.
    """

    kind: str
    what: str
    example: ChunkId
