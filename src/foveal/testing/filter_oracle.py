"""What a filter means, in plain Python: the judge of every store's translation to its own language.

Written for clearness from the documentation of Azure AI Search ("OData comparison operators", "OData collection
operators", "OData search.in", "OData geo-spatial functions"), without any regard to speed.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import UTC, datetime
from math import asin, cos, radians, sin, sqrt
from typing import Any

from foveal.stores.words import needle, word_line, words
from foveal.types.chunks import Chunk
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
    return filter_ is None or _holds(filter_, chunk, item=None)


def distance_km(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Great-circle distance (haversine) on a sphere of the Earth's mean radius."""
    lat, lon, other_lat, other_lon = map(radians, (latitude, longitude, other_latitude, other_longitude))
    half = sin((lat - other_lat) / 2) ** 2 + cos(lat) * cos(other_lat) * sin((lon - other_lon) / 2) ** 2
    return 2 * _EARTH_RADIUS_KM * asin(sqrt(min(1.0, half)))


def _holds(filter_: Filter, chunk: Chunk, *, item: str | None) -> bool:
    match filter_:
        case And(operands=operands):
            return all(_holds(o, chunk, item=item) for o in operands)
        case Or(operands=operands):
            return any(_holds(o, chunk, item=item) for o in operands)
        case Not(operand=operand):
            return not _holds(operand, chunk, item=item)
        case Comparison(field=field, op=op, value=value):
            return _compare(_value(field, chunk, item), op, value)
        case SearchIn(field=field, values=values):
            return _value(field, chunk, item) in values
        case SearchIsMatch():
            return _is_match(filter_, chunk)
        case GeoDistance(longitude=longitude, latitude=latitude, op=op, km=km):
            if chunk.latitude is None or chunk.longitude is None:
                return False
            return _OPERATORS[op](distance_km(latitude, longitude, chunk.latitude, chunk.longitude), km)
        case AnyItem(field=field, condition=condition):
            return any(condition is None or _holds(condition, chunk, item=i) for i in _items(field, chunk))
        case AllItems(field=field, condition=condition):
            return all(_holds(condition, chunk, item=i) for i in _items(field, chunk))
    raise TypeError(f"not a filter: {filter_!r}")


def _compare(actual: Value, op: Operator, wanted: Value) -> bool:
    """Null equals only itself and is neither less nor greater than anything."""
    if actual is None or wanted is None:
        return (actual is wanted) == (op == "eq") if op in ("eq", "ne") else False
    if isinstance(wanted, datetime):
        wanted = wanted if wanted.tzinfo else wanted.replace(tzinfo=UTC)
    return _OPERATORS[op](actual, wanted)


def _value(field: str, chunk: Chunk, item: str | None) -> Value:
    """The value of a field that holds one; a point is only ever asked whether it is there."""
    if field == ITEM:
        return item
    if CHUNK_FIELDS[field].type is FieldType.GEO_POINT:
        return None if chunk.latitude is None or chunk.longitude is None else True
    match field:
        case "id":
            return chunk.chunk_id
        case "kind":
            return chunk.kind.value
        case "page":
            return chunk.locator.page
    value: Value = getattr(chunk, field)
    return value


def _items(field: str, chunk: Chunk) -> tuple[str, ...]:
    if field == "objects":
        return tuple(found.label for found in chunk.objects)
    items: tuple[str, ...] = getattr(chunk, field)
    return items


def _is_match(match_: SearchIsMatch, chunk: Chunk) -> bool:
    lines = [word_line(getattr(chunk, field)) for field in match_.fields]
    found = [any(needle(term) in line for line in lines) for term in words(match_.text)]
    return bool(found) and (all(found) if match_.all_terms else any(found))
