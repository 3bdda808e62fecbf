"""Filters in the SQL of Lance (DataFusion).

Truth is two-valued as in Azure AI Search ("OData comparison operators", special cases for null): a comparison with
a field that is null is false, but `ne` is true; `not` turns any false into true. SQL has a third value, so negation
is carried down to the single conditions, which say what null means; above them are only AND and OR, for which null
and false are the same.

A condition on the items of a collection of strings is a set of strings or everything but a set: `any` and `all`
become set operations, and plain membership, on which document-level access rests, is one `array_has_any` that a
LABEL_LIST index answers. Of other collections `any` asks for the smallest and largest item.

`geo.distance` is the haversine on a sphere with the mean radius of the Earth (R1 of the International Union of
Geodesy and Geophysics, 6371.0088 km); Azure does not say which it uses, and the difference to an ellipsoid is at
most 0.6 %.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
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

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INT64 = 2**63
_NEGATED: dict[Operator, Operator] = {"eq": "ne", "ne": "eq", "gt": "le", "le": "gt", "lt": "ge", "ge": "lt"}
_SQL: dict[Operator, str] = {"eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterColumn:
    """What a field is in a table. All names are such that SQL needs no quotes around them.

    Attributes:
        name: Its column; of a point, nothing.
        nullable: Whether it may be null; collections never are.
        words: Column with its word line (`foveal.stores.words`), empty when it is not searchable.
        empty: SQL that a collection has no items.
        latitude: Column of a point's latitude; both are null where there is none.
        longitude: Column of its longitude.
    """

    type: FieldType
    name: str = ""
    nullable: bool = True
    words: str = ""
    empty: str = ""
    latitude: str = ""
    longitude: str = ""


FilterColumns = Mapping[str, FilterColumn]


def _chunk_column(name: str) -> FilterColumn:
    field = CHUNK_FIELDS[name]
    return FilterColumn(
        type=field.type,
        name={"id": "chunk_id"}.get(name, name),
        nullable=name in {"page", "start_ms", "end_ms", "taken_at", "modified_at"},
        words=f"words_{name}" if field.searchable else "",
        empty=f"has_{name} = false",
        latitude="latitude",
        longitude="longitude",
    )


CHUNK_COLUMNS: FilterColumns = {name: _chunk_column(name) for name in CHUNK_FIELDS}
"""Columns of the fields of chunks."""


def where_clause(filter_: Filter | None, columns: FilterColumns = CHUNK_COLUMNS) -> str | None:
    """The SQL condition, None for no filter.

    Raises:
        FilterError: It names a field or a comparison that the table does not have, or is nested too deeply.
    """
    if filter_ is None:
        return None
    clause = _Translation(columns).clause(filter_, negated=False)
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


@dataclass(frozen=True, slots=True)
class _Translation:
    """Filters over one table."""

    columns: FilterColumns

    def clause(self, filter_: Filter, *, negated: bool) -> _Clause:
        match filter_:
            case And(operands=operands):
                return _joined("OR" if negated else "AND", [self.clause(o, negated=negated) for o in operands])
            case Or(operands=operands):
                return _joined("AND" if negated else "OR", [self.clause(o, negated=negated) for o in operands])
            case Not(operand=operand):
                return self.clause(operand, negated=not negated)
            case Comparison():
                return _comparison(filter_, self._column(filter_.field), negated=negated)
            case SearchIn(field=field, values=values):
                return _search_in(self._column(field, FieldType.STRING), values, negated=negated)
            case SearchIsMatch():
                return self._is_match(filter_, negated=negated)
            case GeoDistance():
                return _distance(filter_, self._column(filter_.field, FieldType.GEO_POINT), negated=negated)
            case AnyItem(field=field, condition=condition):
                return self._any_item(field, condition, negated=negated)
            case AllItems(field=field, condition=condition):
                return self._any_item(field, Not(operand=condition), negated=not negated)
        raise TypeError(f"not a filter: {filter_!r}")

    def _column(self, name: str, *types: FieldType) -> FilterColumn:
        column = self.columns.get(name)
        if column is None:
            known = ", ".join(self.columns)
            raise FilterError(f"Unknown field {name!r} in the filter.", remedy=f"The fields are {known}.")
        if types and column.type not in types:
            raise FilterError(f"The field {name!r} is {column.type.value} and cannot be used like this in the filter.")
        return column

    def _is_match(self, match_: SearchIsMatch, *, negated: bool) -> _Clause:
        """Each term in some of the fields (all terms, as with Azure's searchMode), or any term in any field."""
        terms = dict.fromkeys(words(match_.text))
        for field in match_.fields:
            if not (field in self.columns and self.columns[field].words):
                raise FilterError(f"The field {field!r} is not searchable in the filter.")
        lines = [self.columns[field].words for field in match_.fields]
        inner, outer = ("AND", "OR") if negated else ("OR", "AND")
        if not match_.all_terms:
            outer = inner
        found = [
            _joined(inner, [_single(f"{'NOT ' * negated}contains({line}, {quoted(needle(t))})") for line in lines])
            for t in terms
        ]
        return _joined(outer, found) if found else _single("true" if negated else "false")

    def _any_item(self, field: str, condition: Filter | None, *, negated: bool) -> _Clause:
        column = self._column(field)
        if column.type.item is None:
            raise FilterError(f"The field {field!r} is {column.type.value}; any and all work on collections.")
        if condition is None:
            return _some_item(column, negated=negated)
        if column.type is FieldType.STRINGS:
            return _any_of_set(column, _item_set(condition), negated=negated)
        return _any_compared(column, condition, negated=negated, condition_negated=False)


# --- comparisons ------------------------------------------------------------------------------------------


def _comparison(comparison: Comparison, column: FilterColumn, *, negated: bool) -> _Clause:
    op = _NEGATED[comparison.op] if negated else comparison.op
    if comparison.value is None:
        return _null_test(column, op)
    test = _test(column.type, column.name, op, comparison)
    # Null passes `ne`, and every comparison that stands for the negation of another.
    null_passes = column.nullable and (op == "ne" or (negated and op != "eq"))
    return _joined("OR", [_single(test), _single(f"{column.name} IS NULL")]) if null_passes else _single(test)


def _test(type_: FieldType, sql: str, op: Operator, comparison: Comparison) -> str:
    """`sql op value`, where `sql` is of that type."""
    match type_, comparison.value:
        case FieldType.STRING, str(text):
            return f"{sql} {_SQL[op]} {quoted(text)}"
        case FieldType.BOOLEAN, bool(flag) if op in ("eq", "ne"):
            return f"{sql} {_SQL[op]} {str(flag).lower()}"
        case FieldType.DATETIME, datetime() as moment:
            return f"{sql} {_SQL[op]} {_timestamp(moment)}"
        case FieldType.INT, int() | float() as number if not isinstance(number, bool):
            return _integer_test(sql, op, number)
        case FieldType.DOUBLE, int() | float() as number if not isinstance(number, bool):
            if isnan(number):
                return f"{sql} IS NOT NULL" if op == "ne" else "false"
            return f"{sql} {_SQL[op]} CAST('{float(number)!r}' AS DOUBLE)"
        case _:
            raise _unfit(comparison.field, comparison.value)


def _null_test(column: FilterColumn, op: Operator) -> _Clause:
    if op not in ("eq", "ne"):
        raise FilterError(f"null goes with eq and ne only, not {op}.")
    word = "IS NULL" if op == "eq" else "IS NOT NULL"
    if column.type is FieldType.GEO_POINT:
        parts = [_single(f"{column.latitude} {word}"), _single(f"{column.longitude} {word}")]
        return _joined("OR" if op == "eq" else "AND", parts)
    if column.nullable:
        return _single(f"{column.name} {word}")
    return _single("true" if op == "ne" else "false")


def _search_in(column: FilterColumn, values: tuple[str, ...], *, negated: bool) -> _Clause:
    test = one_of(column.name, values)
    if not negated:
        return _single(test)
    missing = [_single(f"{column.name} IS NULL")] if column.nullable else []
    return _joined("OR", [_single(f"NOT {test}"), *missing])


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


# --- distance -------------------------------------------------------------------------------


def _distance(geo: GeoDistance, column: FilterColumn, *, negated: bool) -> _Clause:
    op = _NEGATED[geo.op] if negated else geo.op
    lat, lon = f"radians({geo.latitude!r})", f"radians({geo.longitude!r})"
    half_lat = f"sin((radians({column.latitude}) - {lat}) / 2)"
    half_lon = f"sin((radians({column.longitude}) - {lon}) / 2)"
    square = f"{half_lat} * {half_lat} + cos({lat}) * cos(radians({column.latitude})) * {half_lon} * {half_lon}"
    km = f"{2 * EARTH_RADIUS_KM!r} * asin(sqrt(least(1.0, {square})))"
    test = _single(f"{km} {_SQL[op]} {float(geo.km)!r}")
    if negated:
        missing = [_single(f"{column.latitude} IS NULL"), _single(f"{column.longitude} IS NULL")]
        return _joined("OR", [test, *missing])
    # `least` passes over null, so that without this a chunk without a place would be half-way round the Earth.
    placed = [_single(f"{column.latitude} IS NOT NULL"), _single(f"{column.longitude} IS NOT NULL")]
    box = _bounding_box(geo, column) if op in ("lt", "le", "eq") else []
    return _joined("AND", [*placed, *box, test])


def _bounding_box(geo: GeoDistance, column: FilterColumn) -> list[_Clause]:
    """Ranges that hold every point within the distance, so that an index can rule out the rest.

    Longitudes are left open near the poles and across the date line.
    """
    angle = max(geo.km, 0.0) / (EARTH_RADIUS_KM * radians(1)) * 1.0001 + 1e-6
    south, north = geo.latitude - angle, geo.latitude + angle
    box = [_single(f"{column.latitude} >= {south!r}"), _single(f"{column.latitude} <= {north!r}")]
    if south <= -89 or north >= 89:
        return box
    # The widest parallel inside the circle lies nearer the pole than its centre.
    half_width = angle / cos(radians(max(abs(south), abs(north)))) * 1.0001
    west, east = geo.longitude - half_width, geo.longitude + half_width
    if west < -180 or east > 180:
        return box
    return [*box, _single(f"{column.longitude} >= {west!r}"), _single(f"{column.longitude} <= {east!r}")]


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


def _some_item(column: FilterColumn, *, negated: bool) -> _Clause:
    """The collection has an item, or (negated) none."""
    return _single(column.empty if negated else f"NOT ({column.empty})")


def _any_of_set(column: FilterColumn, items: _ItemSet, *, negated: bool) -> _Clause:
    if not items.values:  # some item at all, or an item out of nothing
        return _some_item(column, negated=negated) if items.all_but else _single(str(negated).lower())
    listed = ", ".join(quoted(value) for value in sorted(items.values))
    if items.all_but:
        # Null for an empty array in some versions of DataFusion, 0 in others.
        others = f"coalesce(array_length(array_except({column.name}, [{listed}])), 0)"
        return _single(f"{others} {'=' if negated else '>'} 0")
    return _single(f"{'NOT ' * negated}array_has_any({column.name}, [{listed}])")


def _any_compared(column: FilterColumn, condition: Filter, *, negated: bool, condition_negated: bool) -> _Clause:
    """Some item for which the condition holds (or, `condition_negated`, does not); `negated`: there is none such."""
    match condition:
        case Not(operand=operand):
            return _any_compared(column, operand, negated=negated, condition_negated=not condition_negated)
        case Or(operands=operands) | And(operands=operands) if operands and (
            isinstance(condition, Or) is not condition_negated
        ):
            parts = [_any_compared(column, o, negated=negated, condition_negated=condition_negated) for o in operands]
            return _joined("AND" if negated else "OR", parts)
        case Comparison(field=field, value=value) if field == ITEM and value is not None:
            op = _NEGATED[condition.op] if condition_negated else condition.op
            return _single(f"{'NOT ' * negated}coalesce({_some_compared(column, replace(condition, op=op))}, false)")
    raise FilterError("Inside any, comparisons are joined with `or`; inside all, with `and`.")


def _some_compared(column: FilterColumn, comparison: Comparison) -> str:
    """SQL that is true when some item compares so, false or null when none does."""
    item = column.type.item
    if item is FieldType.BOOLEAN and isinstance(comparison.value, bool) and comparison.op in ("eq", "ne"):
        return f"array_has({column.name}, {str(comparison.value is (comparison.op == 'eq')).lower()})"
    if item is None or item is FieldType.BOOLEAN:
        raise _unfit(comparison.field, comparison.value)
    least, most = f"array_min({column.name})", f"array_max({column.name})"
    match comparison.op:
        case "gt" | "ge":
            return _test(item, most, comparison.op, comparison)
        case "lt" | "le":
            return _test(item, least, comparison.op, comparison)
        case "ne":
            tests = (_test(item, bound, "ne", comparison) for bound in (least, most))
            return f"({' OR '.join(tests)})"
    return _has_test(column, item, comparison)


def _has_test(column: FilterColumn, item: FieldType, comparison: Comparison) -> str:
    equal = _test(item, "", "eq", comparison)
    return equal if equal == "false" else f"array_has({column.name}, {equal.removeprefix(' = ')})"
