"""`orderby` expressions of Azure AI Search.

Source: "OData $orderby syntax in Azure AI Search": up to 32 clauses by commas, each a sortable field,
`search.score()` or `geo.distance(field, geography'POINT(lon lat)')`, then `asc` (the default) or `desc`. Null comes
first in ascending, last in descending order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import asin, cos, radians, sin, sqrt

from foveal.errors import InvalidRequestError
from foveal.retrieval.document_values import scalar
from foveal.types.documents import IndexDefinition, Json, Order, OrderKey
from foveal.types.filters import FieldType

MAX_CLAUSES = 32
EARTH_RADIUS_KM = 6371.0088
"""Mean radius R1 of the International Union of Geodesy and Geophysics, as filters have it."""

_CLAUSE = re.compile(
    r"""\s*(?:
      (?P<score>search\.score\(\s*\))
    | geo\.distance\(\s*(?:(?P<point_field>[\w/]+)\s*,\s*)?geography'POINT\(\s*(?P<lon>\S+)\s+(?P<lat>[^\s)]+)\s*\)'
        (?:\s*,\s*(?P<field_after>[\w/]+))?\s*\)
    | (?P<field>[A-Za-z][\w/]*)
    )(?:\s+(?P<way>asc|desc))?\s*(?:,|\Z)""",
    re.VERBOSE,
)


def read_orders(text: str, definition: IndexDefinition) -> tuple[Order, ...]:
    """The clauses in order; empty text: none.

    Raises:
        InvalidRequestError: It does not parse, or a field is not sortable.
    """
    orders: list[Order] = []
    at = 0
    while text[at:].strip():
        match = _CLAUSE.match(text, at)
        if match is None:
            raise InvalidRequestError(
                f"The order cannot be read at character {at + 1}: {text[at : at + 40]!r}.",
                remedy="Write field desc, search.score() desc or geo.distance(field, geography'POINT(lon lat)').",
            )
        orders.append(_order(match, definition))
        at = match.end()
    if len(orders) > MAX_CLAUSES:
        raise InvalidRequestError(f"The order has {len(orders)} clauses, the limit is {MAX_CLAUSES}.")
    return tuple(orders)


def _order(match: re.Match[str], definition: IndexDefinition) -> Order:
    descending = match["way"] == "desc"
    if match["score"]:
        return Order(by=OrderKey.SCORE, descending=descending)
    name = match["field"] or match["point_field"] or match["field_after"] or ""
    field = definition.plain(name)
    distance = match["lon"] is not None
    if field is None or not field.sortable or (field.type is FieldType.GEO_POINT) is not distance:
        known = ", ".join(f.name for f in definition.fields if f.sortable)
        raise InvalidRequestError(
            f"The field {name!r} cannot be sorted by{' distance' if distance else ''}.",
            remedy=f"Sortable fields: {known or 'none'}.",
        )
    if not distance:
        return Order(by=OrderKey.FIELD, field=name, descending=descending)
    try:
        longitude, latitude = float(match["lon"]), float(match["lat"])
    except ValueError:
        longitude = latitude = 1e9
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        raise InvalidRequestError("The point of the order is not on the globe.", remedy="Longitude comes first.")
    return Order(by=OrderKey.DISTANCE, field=name, longitude=longitude, latitude=latitude, descending=descending)


def ordered(count: int, keys: Sequence[tuple[Sequence[object], bool]]) -> list[int]:
    """The numbers 0 … `count`-1 sorted by keys, each `(values, descending)`, the first counting most; stable.

    None is less than anything.
    """
    order = list(range(count))
    for values, descending in reversed(keys):
        order.sort(key=lambda n: (values[n] is not None, values[n]), reverse=descending)
    return order


def sort_values(order: Order, definition: IndexDefinition, values: Sequence[Json]) -> list[object]:
    """What a clause compares: the values of its field in Python's terms, or distances in kilometres."""
    field = definition.plain(order.field)
    type_ = field.type if field else FieldType.STRING
    found = [scalar(type_, value) for value in values]
    if order.by is not OrderKey.DISTANCE:
        return list(found)
    return [_km(order, point) if isinstance(point, tuple) else None for point in found]


def _km(order: Order, point: tuple[float, float]) -> float:
    longitude, latitude, other_longitude, other_latitude = map(radians, (*point, order.longitude, order.latitude))
    half = (
        sin((latitude - other_latitude) / 2) ** 2
        + cos(latitude) * cos(other_latitude) * sin((longitude - other_longitude) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_KM * asin(sqrt(min(1.0, half)))
