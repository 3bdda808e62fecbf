"""Filters in the SQL of Lance (DataFusion).

Truth is two-valued as in Azure AI Search ("OData comparison operators", special cases for null): a comparison with
a field that is null is false, but `ne` is true; `not` turns any false into true. SQL has a third value, so negation
is carried down to the single conditions, which say what null means; above them are only AND and OR, for which null
and false are the same.

A condition on the items of a collection is a set of strings or everything but a set: `any` and `all` become set
operations, and plain membership, on which document-level access rests, is one `array_has_any` that a LABEL_LIST
index answers.

`geo.distance` is the haversine on a sphere with the mean radius of the Earth (R1 of the International Union of
Geodesy and Geophysics, 6371.0088 km); Azure does not say which it uses, and the difference to an ellipsoid is at
most 0.6 %.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil, cos, floor, isfinite, isnan, radians

from foveal.errors import FilterError
from foveal.stores.words import needle, words
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

EARTH_RADIUS_KM = 6371.0088
MAX_PARENTHESES = 12
"""Nested alternations of `and` and `or`. The engine's SQL parser gives up at 15."""

_COLUMNS = {"id": "chunk_id"}
_NULLABLE = frozenset({"page", "taken_at", "modified_at"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INT64 = 2**63
_NEGATED: dict[Operator, Operator] = {"eq": "ne", "ne": "eq", "gt": "le", "le": "gt", "lt": "ge", "ge": "lt"}
_SQL: dict[Operator, str] = {"eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}


def where_clause(filter_: Filter | None) -> str | None:
    """The SQL condition, None for no filter.

    Raises:
        FilterError: It names a field or a comparison that chunks do not have, or is nested too deeply.
    """
    if filter_ is None:
        return None
    clause = _clause(filter_, negated=False)
    if clause.depth > MAX_PARENTHESES:
        raise FilterError(
            f"The filter alternates `and` and `or` more than {MAX_PARENTHESES} levels deep.",
            remedy="Multiply it out: (a or b) and (c or d) is a and c or a and d or ….",
        )
    return clause.sql


def quoted(text: str) -> str:
    """A SQL string literal. The only character with a meaning inside is the quote itself."""
    return "'" + text.replace("'", "''") + "'"


def one_of(column: str, values: Iterable[str]) -> str:
    """`column` is one of `values`, as SQL."""
    listed = ", ".join(quoted(value) for value in values)
    return f"{column} IN ({listed})" if listed else "false"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Clause:
    """SQL and what joins its parts: `joint` is AND, OR, or empty for a single condition."""

    sql: str
    joint: str = ""
    depth: int = 0


def _single(sql: str) -> _Clause:
    return _Clause(sql=sql)


def _joined(joint: str, parts: list[_Clause]) -> _Clause:
    """Parts joined; only an OR inside an AND needs parentheses."""
    if not parts:
        return _single("true" if joint == "AND" else "false")
    if len(parts) == 1:
        return parts[0]
    shown = [f"({p.sql})" if joint == "AND" and p.joint == "OR" else p.sql for p in parts]
    depth = max(p.depth + (joint == "AND" and p.joint == "OR") for p in parts)
    return _Clause(sql=f" {joint} ".join(shown), joint=joint, depth=depth)


def _clause(filter_: Filter, *, negated: bool) -> _Clause:
    match filter_:
        case And(operands=operands):
            return _joined("OR" if negated else "AND", [_clause(o, negated=negated) for o in operands])
        case Or(operands=operands):
            return _joined("AND" if negated else "OR", [_clause(o, negated=negated) for o in operands])
        case Not(operand=operand):
            return _clause(operand, negated=not negated)
        case Comparison():
            return _comparison(filter_, negated=negated)
        case SearchIn(field=field, values=values):
            _field(field, FieldType.STRING)
            test = one_of(_column(field), values)
            return _single(f"NOT {test}" if negated else test)
        case SearchIsMatch():
            return _is_match(filter_, negated=negated)
        case GeoDistance():
            return _distance(filter_, negated=negated)
        case AnyItem(field=field, condition=None):
            _field(field, FieldType.STRINGS)
            return _single(f"has_{field} = {'false' if negated else 'true'}")
        case AnyItem(field=field, condition=condition) if condition is not None:
            return _any_item(field, _item_set(condition), negated=negated)
        case AllItems(field=field, condition=condition):
            return _any_item(field, _item_set(condition).complement(), negated=not negated)
    raise TypeError(f"not a filter: {filter_!r}")


def _column(field: str) -> str:
    return _COLUMNS.get(field, field)


def _field(name: str, *types: FieldType) -> FieldType:
    field = CHUNK_FIELDS.get(name)
    if field is None:
        raise FilterError(f"Unknown field {name!r} in the filter.", remedy=f"The fields are {', '.join(CHUNK_FIELDS)}.")
    if types and field.type not in types:
        raise FilterError(f"The field {name!r} is {field.type.value} and cannot be used like this in the filter.")
    return field.type


# --- comparisons ------------------------------------------------------------------------------------------


def _comparison(comparison: Comparison, *, negated: bool) -> _Clause:
    type_ = _field(comparison.field)
    op = _NEGATED[comparison.op] if negated else comparison.op
    if comparison.value is None:
        return _null_test(comparison.field, op)
    column = _column(comparison.field)
    match type_, comparison.value:
        case FieldType.STRING, str(text):
            test = f"{column} {_SQL[op]} {quoted(text)}"
        case FieldType.DATETIME, datetime() as moment:
            test = f"{column} {_SQL[op]} {_timestamp(moment)}"
        case FieldType.INT, int() | float() as number if not isinstance(number, bool):
            test = _integer_test(column, op, number)
        case _:
            raise _unfit(comparison.field, comparison.value)
    # Null passes `ne`, and every comparison that stands for the negation of another.
    null_passes = comparison.field in _NULLABLE and (op == "ne" or (negated and op != "eq"))
    return _joined("OR", [_single(test), _single(f"{column} IS NULL")]) if null_passes else _single(test)


def _null_test(field: str, op: Operator) -> _Clause:
    if op not in ("eq", "ne"):
        raise FilterError(f"null goes with eq and ne only, not {op}.")
    word = "IS NULL" if op == "eq" else "IS NOT NULL"
    if CHUNK_FIELDS[field].type is FieldType.GEO_POINT:
        parts = [_single(f"latitude {word}"), _single(f"longitude {word}")]
        return _joined("OR" if op == "eq" else "AND", parts)
    if field in _NULLABLE:
        return _single(f"{_column(field)} {word}")
    return _single("true" if op == "ne" else "false")


def _unfit(field: str, value: Value) -> FilterError:
    return FilterError(f"The field {field!r} cannot be compared with {value!r}.")


def _timestamp(moment: datetime) -> str:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return f"to_timestamp_micros({(aware - _EPOCH) // timedelta(microseconds=1)})"


def _integer_test(column: str, op: Operator, number: float) -> str:
    """A comparison of a 64-bit column with any number; the engine refuses literals that are no 64-bit integer."""
    whole = floor(number) if isfinite(number) else None
    if whole is not None and whole == number and -_INT64 < whole < _INT64:
        return f"{column} {_SQL[op]} {whole}"
    if op in ("eq", "ne") or isnan(number):
        return f"{column} IS NOT NULL" if op == "ne" else "false"
    if number >= _INT64 or number <= -_INT64:
        holds = (number > 0) == (op in ("lt", "le"))
        return f"{column} IS NOT NULL" if holds else "false"
    return f"{column} <= {floor(number)}" if op in ("lt", "le") else f"{column} >= {ceil(number)}"


# --- full text and distance -------------------------------------------------------------------------------


def _is_match(match_: SearchIsMatch, *, negated: bool) -> _Clause:
    """Each term in some of the fields (all terms, as with Azure's searchMode), or any term in any field."""
    terms = dict.fromkeys(words(match_.text))
    for field in match_.fields:
        if not (field in CHUNK_FIELDS and CHUNK_FIELDS[field].searchable):
            raise FilterError(f"The field {field!r} is not searchable in the filter.")
    inner, outer = ("AND", "OR") if negated else ("OR", "AND")
    if not match_.all_terms:
        outer = inner
    found = [
        _joined(inner, [_single(f"{'NOT ' * negated}contains(words_{f}, {quoted(needle(t))})") for f in match_.fields])
        for t in terms
    ]
    return _joined(outer, found) if found else _single("true" if negated else "false")


def _distance(geo: GeoDistance, *, negated: bool) -> _Clause:
    _field(geo.field, FieldType.GEO_POINT)
    op = _NEGATED[geo.op] if negated else geo.op
    lat, lon = f"radians({geo.latitude!r})", f"radians({geo.longitude!r})"
    half_lat = f"sin((radians(latitude) - {lat}) / 2)"
    half_lon = f"sin((radians(longitude) - {lon}) / 2)"
    square = f"{half_lat} * {half_lat} + cos({lat}) * cos(radians(latitude)) * {half_lon} * {half_lon}"
    km = f"{2 * EARTH_RADIUS_KM!r} * asin(sqrt(least(1.0, {square})))"
    test = _single(f"{km} {_SQL[op]} {float(geo.km)!r}")
    if negated:
        return _joined("OR", [test, _single("latitude IS NULL"), _single("longitude IS NULL")])
    # `least` passes over null, so that without this a chunk without a place would be half-way round the Earth.
    placed = [_single("latitude IS NOT NULL"), _single("longitude IS NOT NULL")]
    box = _bounding_box(geo) if op in ("lt", "le", "eq") else []
    return _joined("AND", [*placed, *box, test])


def _bounding_box(geo: GeoDistance) -> list[_Clause]:
    """Ranges that hold every point within the distance, so that an index can rule out the rest.

    Longitudes are left open near the poles and across the date line.
    """
    angle = max(geo.km, 0.0) / (EARTH_RADIUS_KM * radians(1)) * 1.0001 + 1e-6
    south, north = geo.latitude - angle, geo.latitude + angle
    box = [_single(f"latitude >= {south!r}"), _single(f"latitude <= {north!r}")]
    if south <= -89 or north >= 89:
        return box
    # The widest parallel inside the circle lies nearer the pole than its centre.
    half_width = angle / cos(radians(max(abs(south), abs(north)))) * 1.0001
    west, east = geo.longitude - half_width, geo.longitude + half_width
    if west < -180 or east > 180:
        return box
    return [*box, _single(f"longitude >= {west!r}"), _single(f"longitude <= {east!r}")]


# --- collections ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _ItemSet:
    """The strings a condition on an item holds for: `values`, or all but `values`."""

    values: frozenset[str]
    all_but: bool = False

    def complement(self) -> _ItemSet:
        return _ItemSet(values=self.values, all_but=not self.all_but)

    def union(self, other: _ItemSet) -> _ItemSet:
        match self.all_but, other.all_but:
            case False, False:
                return _ItemSet(values=self.values | other.values)
            case True, True:
                return _ItemSet(values=self.values & other.values, all_but=True)
            case True, False:
                return _ItemSet(values=self.values - other.values, all_but=True)
        return _ItemSet(values=other.values - self.values, all_but=True)


def _item_set(condition: Filter) -> _ItemSet:
    match condition:
        case Comparison(field=field, op="eq" | "ne" as op, value=str(value)) if field == ITEM:
            return _ItemSet(values=frozenset({value}), all_but=op == "ne")
        case Comparison(field=field, op="eq" | "ne" as op, value=None) if field == ITEM:
            return _ItemSet(values=frozenset(), all_but=op == "ne")
        case SearchIn(field=field, values=values) if field == ITEM:
            return _ItemSet(values=frozenset(values))
        case Not(operand=operand):
            return _item_set(operand).complement()
        case Or(operands=operands):
            found = _ItemSet(values=frozenset())
            for operand in operands:
                found = found.union(_item_set(operand))
            return found
        case And(operands=operands):  # De Morgan
            return _item_set(Or(operands=tuple(Not(operand=o) for o in operands))).complement()
    raise FilterError("Inside any and all, items are compared with eq, ne and search.in.")


def _any_item(field: str, items: _ItemSet, *, negated: bool) -> _Clause:
    _field(field, FieldType.STRINGS)
    if not items.values:
        exists = items.all_but  # some item at all, or an item out of nothing
        return _single(f"has_{field} = {'false' if negated else 'true'}" if exists else str(negated).lower())
    listed = ", ".join(quoted(value) for value in sorted(items.values))
    if items.all_but:
        # Null for an empty array in some versions of DataFusion, 0 in others.
        others = f"coalesce(array_length(array_except({field}, [{listed}])), 0)"
        return _single(f"{others} {'=' if negated else '>'} 0")
    return _single(f"{'NOT ' * negated}array_has_any({field}, [{listed}])")
