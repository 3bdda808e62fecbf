"""Filters: the tree an OData filter parses to, and the fields it may name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal


class FieldType(StrEnum):
    """Type of a filterable field, in the words of the Entity Data Model."""

    STRING = "Edm.String"
    INT = "Edm.Int64"
    DOUBLE = "Edm.Double"
    BOOLEAN = "Edm.Boolean"
    DATETIME = "Edm.DateTimeOffset"
    GEO_POINT = "Edm.GeographyPoint"
    STRINGS = "Collection(Edm.String)"
    INTS = "Collection(Edm.Int64)"
    DOUBLES = "Collection(Edm.Double)"
    BOOLEANS = "Collection(Edm.Boolean)"
    DATETIMES = "Collection(Edm.DateTimeOffset)"

    @property
    def item(self) -> FieldType | None:
        """Type of the items of a collection, None for a single value."""
        return FieldType(self.value[len("Collection(") : -1]) if self.value.startswith("Collection(") else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of an index that a filter may name.

    Attributes:
        searchable: Whether it may stand in `search.ismatch`.
        filterable: Whether it may stand anywhere else.
    """

    name: str
    type: FieldType
    searchable: bool = False
    filterable: bool = True


def _f(name: str, type_: FieldType, *, searchable: bool = False) -> Field:
    return Field(name=name, type=type_, searchable=searchable)


CHUNK_FIELDS: dict[str, Field] = {
    f.name: f
    for f in (
        _f("id", FieldType.STRING),
        _f("document_id", FieldType.STRING),
        _f("asset_id", FieldType.STRING),
        _f("kind", FieldType.STRING),
        _f("feature", FieldType.STRING),
        _f("media_type", FieldType.STRING),
        _f("source", FieldType.STRING),
        _f("title", FieldType.STRING, searchable=True),
        _f("filepath", FieldType.STRING),
        _f("content", FieldType.STRING, searchable=True),
        _f("description", FieldType.STRING, searchable=True),
        _f("caption", FieldType.STRING, searchable=True),
        _f("ocr_text", FieldType.STRING, searchable=True),
        _f("tags", FieldType.STRINGS),
        _f("objects", FieldType.STRINGS),
        _f("colors", FieldType.STRINGS),
        _f("facts", FieldType.STRINGS),
        _f("group_ids", FieldType.STRINGS),
        _f("language", FieldType.STRING),
        _f("camera", FieldType.STRING),
        _f("taken_at", FieldType.DATETIME),
        _f("modified_at", FieldType.DATETIME),
        _f("location", FieldType.GEO_POINT),
        _f("width_px", FieldType.INT),
        _f("height_px", FieldType.INT),
        _f("size_bytes", FieldType.INT),
        _f("page", FieldType.INT),
        _f("start_ms", FieldType.INT),
        _f("end_ms", FieldType.INT),
        _f("hate", FieldType.INT),
        _f("self_harm", FieldType.INT),
        _f("sexual", FieldType.INT),
        _f("violence", FieldType.INT),
    )
}
"""The fields of every chunk. `objects` holds the labels of detected objects; `id` is the chunk id."""

Value = str | int | float | bool | datetime | None
Operator = Literal["eq", "ne", "gt", "ge", "lt", "le"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`field op value`. With `value` None only `eq` and `ne` are allowed."""

    field: str
    op: Operator
    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchIn:
    """`search.in(field, 'a, b')`: the field, a string, is one of the values."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchIsMatch:
    """`search.ismatch('words', 'fields')`: full text inside a filter."""

    text: str
    fields: tuple[str, ...]
    all_terms: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GeoDistance:
    """`geo.distance(field, geography'POINT(lon lat)') op km`."""

    field: str
    longitude: float
    latitude: float
    op: Operator
    km: float


ITEM = "$item"
"""The field name that stands for the range variable inside the condition of `AnyItem` and `AllItems`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyItem:
    """`collection/any(x: condition on x)`; `condition` None is `collection/any()`: not empty."""

    field: str
    condition: Filter | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AllItems:
    """`collection/all(x: condition on x)`; true of an empty collection."""

    field: str
    condition: Filter


@dataclass(frozen=True, slots=True, kw_only=True)
class And:
    """Every operand holds; no operands: true."""

    operands: tuple[Filter, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Or:
    """Some operand holds; no operands: false."""

    operands: tuple[Filter, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """The operand does not hold."""

    operand: Filter


@dataclass(frozen=True, slots=True, kw_only=True)
class Verbatim:
    """A condition in the words of another service, which alone can read it; whole and balanced."""

    text: str


Filter = Comparison | SearchIn | SearchIsMatch | GeoDistance | AnyItem | AllItems | And | Or | Not | Verbatim
