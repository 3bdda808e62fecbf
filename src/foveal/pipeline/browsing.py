"""Browsing: pages of an index in order, and what its items have in common.

An item is an image, or a text document as a whole (its first piece stands for it). The order of all items is worked
out once for each generation, filter and caller, and kept: then any page of 100,000 is read in milliseconds.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import groupby
from threading import Lock
from typing import cast

from foveal.ports.stores import ChunkSnapshot, ColumnValue
from foveal.retrieval.filtering import both, visible_to
from foveal.types.assets import MediaKind
from foveal.types.browsing import Counted, Day, Listing, Order, Overview, Place, Suggestion
from foveal.types.chunks import ChunkId, Generation
from foveal.types.filters import Filter

COUNTED = ("kind", "media_type", "objects", "tags", "colors", "language", "camera", "source", "group_ids")
"""Fields whose values are counted."""
MOST_VALUES = 60
MOST_DAYS = 20_000
MOST_PLACES = 500
SUGGESTED = 6
_COLUMNS = ("id", "kind", "filepath", "title", "taken_at", "modified_at", "latitude", "longitude")
_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
_KEPT = 8
_DULL = frozenset(("person",))
"""What nearly every collection shows: no question worth suggesting."""


@dataclass(slots=True)
class _Known:
    """What was worked out of one generation for one filter and caller."""

    columns: dict[str, list[ColumnValue]]
    orders: dict[Order, list[int]] = field(default_factory=dict)
    overview: Overview | None = None


class Browser:
    """Looks through indexes of Foveal's own. Safe to use from several threads.

    Args:
        current: The newest state of an index, and its number; raises `IndexNotFoundError`.
    """

    def __init__(self, current: Callable[[str], tuple[ChunkSnapshot, Generation]]) -> None:
        self._current = current
        self._known: OrderedDict[object, _Known] = OrderedDict()
        self._lock = Lock()

    def listing(
        self,
        index: str,
        groups: tuple[str, ...] | None,
        *,
        where: Filter | None = None,
        order: Order = Order.NEWEST,
        skip: int = 0,
        top: int = 50,
    ) -> Listing:
        """A page of items.

        Raises:
            IndexNotFoundError: No such index.
        """
        snapshot, generation, known = self._open(index, groups, where)
        ordered = self._ordered(known, order)
        ids = [cast("ChunkId", known.columns["id"][row]) for row in ordered[skip : skip + top]]
        chunks = tuple(snapshot.fetch(ids, vectors=False))
        return Listing(generation=generation, total=len(ordered), skip=skip, chunks=chunks)

    def overview(self, index: str, groups: tuple[str, ...] | None, *, where: Filter | None = None) -> Overview:
        """What the items have in common.

        Raises:
            IndexNotFoundError: No such index.
        """
        snapshot, _, known = self._open(index, groups, where)
        if known.overview is None:
            counted = snapshot.columns(("id", "kind", *COUNTED[1:]), where=both(where, visible_to(groups)))
            known.overview = _overview(known.columns, _items(counted), self._ordered(known, Order.NEWEST))
        return known.overview

    def suggestions(self, index: str, groups: tuple[str, ...] | None) -> tuple[Suggestion, ...]:
        """Things to ask about: the commonest objects and the documents, in turn.

        Raises:
            IndexNotFoundError: No such index.
        """
        overview = self.overview(index, groups)
        things = [
            Suggestion(kind="object", what=one.value, example=one.example)
            for one in overview.fields["objects"]
            if one.value not in _DULL
        ]
        documents = _documents(self._open(index, groups, None)[2].columns)
        mixed = [one for pair in zip(things[:SUGGESTED], documents[:SUGGESTED], strict=False) for one in pair]
        rest = things[len(documents) :] or documents[len(things) :]
        return tuple([*mixed, *rest][:SUGGESTED])

    def _open(
        self, index: str, groups: tuple[str, ...] | None, where: Filter | None
    ) -> tuple[ChunkSnapshot, Generation, _Known]:
        snapshot, generation = self._current(index)
        key = (index, generation, groups, where)
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                self._known.move_to_end(key)
                return snapshot, generation, known
        known = _Known(_items(snapshot.columns(_COLUMNS, where=both(where, visible_to(groups)))))
        with self._lock:
            self._known[key] = known
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return snapshot, generation, known

    @staticmethod
    def _ordered(known: _Known, order: Order) -> list[int]:
        if order not in known.orders:
            known.orders[order] = _sorted(known.columns, order)
        return known.orders[order]


def _items(columns: dict[str, list[ColumnValue]]) -> dict[str, list[ColumnValue]]:
    """Rows that stand for an item."""
    ids, kinds = columns["id"], columns["kind"]
    kept = [row for row, kind in enumerate(kinds) if kind == MediaKind.IMAGE or str(ids[row]).endswith("-0")]
    if len(kept) == len(ids):
        return columns
    return {name: [values[row] for row in kept] for name, values in columns.items()}


def _sorted(columns: dict[str, list[ColumnValue]], order: Order) -> list[int]:
    rows = range(len(columns["id"]))
    if order is Order.NAME:
        names = columns["filepath"]
        return sorted(rows, key=lambda row: str(names[row]).casefold())
    moments = [_moment(columns, row) for row in rows]
    dated = [row for row in rows if moments[row] is not _LONG_AGO]
    undated = [row for row in rows if moments[row] is _LONG_AGO]
    return sorted(dated, key=moments.__getitem__, reverse=order is Order.NEWEST) + undated


def _moment(columns: dict[str, list[ColumnValue]], row: int) -> datetime:
    moment = columns["taken_at"][row] or columns["modified_at"][row]
    return moment if isinstance(moment, datetime) else _LONG_AGO


def _overview(
    columns: dict[str, list[ColumnValue]], counted: dict[str, list[ColumnValue]], newest: Sequence[int]
) -> Overview:
    return Overview(
        total=len(columns["id"]),
        fields={name: _counts(counted["id"], counted[name]) for name in COUNTED},
        days=_days(columns, newest),
        places=_places(columns),
    )


def _counts(ids: Sequence[ColumnValue], values: Sequence[ColumnValue]) -> tuple[Counted, ...]:
    counts: Counter[str] = Counter()
    examples: dict[str, ColumnValue] = {}
    for chunk_id, value in zip(ids, values, strict=True):
        for one in dict.fromkeys(value) if isinstance(value, list) else (value,):
            if one:
                counts[str(one)] += 1
                examples.setdefault(str(one), chunk_id)
    commonest = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_VALUES]
    return tuple(Counted(value=v, count=n, example=cast("ChunkId", examples[v])) for v, n in commonest)


def _days(columns: dict[str, list[ColumnValue]], newest: Sequence[int]) -> tuple[Day, ...]:
    found: list[Day] = []
    position = 0
    for day, rows in groupby(newest, key=lambda row: _moment(columns, row).date()):
        count = sum(1 for _ in rows)
        if day != date.min and len(found) < MOST_DAYS:
            found.append(Day(day=day, count=count, position=position))
        position += count
    return tuple(found)


def _places(columns: dict[str, list[ColumnValue]]) -> tuple[Place, ...]:
    cells: dict[tuple[int, int], list[tuple[float, float, ColumnValue]]] = defaultdict(list)
    for chunk_id, latitude, longitude in zip(columns["id"], columns["latitude"], columns["longitude"], strict=True):
        if isinstance(latitude, float) and isinstance(longitude, float):
            cells[round(latitude * 10), round(longitude * 10)].append((latitude, longitude, chunk_id))
    places = [
        Place(
            latitude=sum(one[0] for one in cell) / len(cell),
            longitude=sum(one[1] for one in cell) / len(cell),
            count=len(cell),
            example=cast("ChunkId", cell[0][2]),
        )
        for cell in cells.values()
    ]
    return tuple(sorted(places, key=lambda place: (-place.count, place.example))[:MOST_PLACES])


def _documents(columns: dict[str, list[ColumnValue]]) -> list[Suggestion]:
    titled = [
        Suggestion(kind="document", what=str(title), example=cast("ChunkId", chunk_id))
        for chunk_id, kind, title in zip(columns["id"], columns["kind"], columns["title"], strict=True)
        if kind == MediaKind.TEXT and title
    ]
    distinct = {one.what: one for one in reversed(titled)}
    return sorted(distinct.values(), key=lambda one: one.what)
