"""What a filter means, in plain Python: the judge of every store's translation to its own language.

Written for clearness from the documentation of Azure AI Search ("OData comparison operators", "OData collection
operators", "OData search.in", "OData geo-spatial functions"), without any regard to speed.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from math import asin, cos, radians, sin, sqrt
from typing import Any, Protocol

from foveal.retrieval.document_values import Scalar, scalars, value_of
from foveal.stores.words import needle, word_line, words
from foveal.types.chunks import Chunk
from foveal.types.documents import IndexDefinition, StoredDocument
from foveal.types.filters import (
    CHUNK_FIELDS,
    ITEM,
    AllItems,
    And,
    AnyItem,
    Comparison,
    FieldType,
    Filter,
    GeoDistance,
    Not,
    Operator,
    Or,
    SearchIn,
    SearchIsMatch,
    Value,
)

_EARTH_RADIUS_KM = 6371.0088

_OPERATORS: dict[Operator, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}


def matches(filter_: Filter | None, chunk: Chunk) -> bool:
    """Whether the chunk passes."""
    return filter_ is None or _holds(filter_, _ChunkFields(chunk), item=None)


def document_matches(filter_: Filter | None, definition: IndexDefinition, document: StoredDocument) -> bool:
    """Whether a document of a caller's own fields passes."""
    return filter_ is None or _holds(filter_, _DocumentFields(definition, document), item=None)


class _Fields(Protocol):
    """What a filter may ask of one row."""

    def value(self, field: str) -> Value:
        """Of a field that holds one; a point is only ever asked whether it is there."""

    def items(self, field: str) -> tuple[Value, ...]:
        """Of a collection."""

    def texts(self, field: str) -> tuple[str, ...]:
        """What full-text search reads."""

    def place(self, field: str) -> tuple[float, float] | None:
        """Latitude and longitude of a point."""


@dataclass(frozen=True)
class _ChunkFields:
    chunk: Chunk

    def value(self, field: str) -> Value:
        if CHUNK_FIELDS[field].type is FieldType.GEO_POINT:
            return None if self.place(field) is None else True
        match field:
            case "id":
                return self.chunk.chunk_id
            case "kind":
                return self.chunk.kind.value
            case "feature":
                return self.chunk.feature.value
            case "page" | "start_ms" | "end_ms":
                place: int | None = getattr(self.chunk.locator, field)
                return place
        value: Value = getattr(self.chunk, field)
        return value

    def items(self, field: str) -> tuple[Value, ...]:
        if field == "objects":
            return tuple(found.label for found in self.chunk.objects)
        items: tuple[Value, ...] = getattr(self.chunk, field)
        return items

    def texts(self, field: str) -> tuple[str, ...]:
        return (getattr(self.chunk, field),)

    def place(self, field: str) -> tuple[float, float] | None:
        latitude, longitude = self.chunk.latitude, self.chunk.longitude
        return None if latitude is None or longitude is None else (latitude, longitude)


@dataclass(frozen=True)
class _DocumentFields:
    definition: IndexDefinition
    document: StoredDocument

    def value(self, field: str) -> Value:
        found = self._scalars(field)
        if not found:
            return None
        return True if isinstance(found[0], tuple) else found[0]

    def items(self, field: str) -> tuple[Value, ...]:
        return tuple(one for one in self._scalars(field) if not isinstance(one, tuple))

    def texts(self, field: str) -> tuple[str, ...]:
        return tuple(str(one) for one in self._scalars(field))

    def place(self, field: str) -> tuple[float, float] | None:
        found = self._scalars(field)
        return (found[0][1], found[0][0]) if found and isinstance(found[0], tuple) else None

    def _scalars(self, field: str) -> tuple[Scalar, ...]:
        known = self.definition.plain(field)
        assert known is not None, field
        return scalars(known, value_of(self.document, field))


def distance_km(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Great-circle distance (haversine) on a sphere of the Earth's mean radius."""
    lat, lon, other_lat, other_lon = map(radians, (latitude, longitude, other_latitude, other_longitude))
    half = sin((lat - other_lat) / 2) ** 2 + cos(lat) * cos(other_lat) * sin((lon - other_lon) / 2) ** 2
    return 2 * _EARTH_RADIUS_KM * asin(sqrt(min(1.0, half)))


def _holds(filter_: Filter, row: _Fields, *, item: Value) -> bool:
    match filter_:
        case And(operands=operands):
            return all(_holds(o, row, item=item) for o in operands)
        case Or(operands=operands):
            return any(_holds(o, row, item=item) for o in operands)
        case Not(operand=operand):
            return not _holds(operand, row, item=item)
        case Comparison(field=field, op=op, value=value):
            return _compare(item if field == ITEM else row.value(field), op, value)
        case SearchIn(field=field, values=values):
            return (item if field == ITEM else row.value(field)) in values
        case SearchIsMatch():
            return _is_match(filter_, row)
        case GeoDistance(field=field, longitude=longitude, latitude=latitude, op=op, km=km):
            place = row.place(field)
            return place is not None and _OPERATORS[op](distance_km(latitude, longitude, *place), km)
        case AnyItem(field=field, condition=condition):
            return any(condition is None or _holds(condition, row, item=i) for i in row.items(field))
        case AllItems(field=field, condition=condition):
            return all(_holds(condition, row, item=i) for i in row.items(field))
    raise TypeError(f"not a filter: {filter_!r}")


def _compare(actual: Value, op: Operator, wanted: Value) -> bool:
    """Null equals only itself and is neither less nor greater than anything."""
    if actual is None or wanted is None:
        return (actual is wanted) == (op == "eq") if op in ("eq", "ne") else False
    if isinstance(wanted, datetime):
        wanted = wanted if wanted.tzinfo else wanted.replace(tzinfo=UTC)
    return _OPERATORS[op](actual, wanted)


def _is_match(match_: SearchIsMatch, row: _Fields) -> bool:
    lines = [word_line(text) for field in match_.fields for text in row.texts(field)]
    found = [any(needle(term) in line for line in lines) for term in words(match_.text)]
    return bool(found) and (all(found) if match_.all_terms else any(found))
