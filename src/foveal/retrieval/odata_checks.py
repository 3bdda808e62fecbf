"""Operands of OData filters and the rules by which their types fit; every refusal is worded here.

Sources: see `foveal.retrieval.odata`.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import cast

from foveal.errors import FilterError
from foveal.retrieval.odata_tokens import Token, TokenKind
from foveal.types.filters import (
    ITEM,
    And,
    Comparison,
    Field,
    FieldType,
    Filter,
    GeoDistance,
    Not,
    Operator,
    Or,
    SearchIn,
    Value,
)

_INT64 = 2**63
_POINT = re.compile(r"\s*POINT\s*\(\s*(\S+)\s+([^\s)]+)\s*\)\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """A literal; dates stay text until the field's type is known."""

    value: Value
    text: str
    kind: TokenKind
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A field, or the range variable of a lambda (`name` is then `ITEM` and `shown` the variable)."""

    name: str
    shown: str
    type: FieldType
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """`geo.distance(…)` before it is compared."""

    field: str
    longitude: float
    latitude: float
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Something true or false. `call` marks functions, which may be compared with `true` and `false`."""

    filter: Filter
    at: int
    call: bool = False


Operand = Constant | Variable | Distance | Condition


def unknown_field(name: str, fields: Mapping[str, Field], at: int) -> FilterError:
    """The error for a field that is not there, naming its nearest neighbours (spelling, then case)."""
    folded = {known.casefold(): known for known in fields}
    near = difflib.get_close_matches(name.casefold()[:64], list(folded), n=3, cutoff=0.5)
    shown = [folded[key] for key in near] or sorted(fields)
    lead = "Did you mean" if near else "The fields are"
    return FilterError(
        f"Unknown field {short(name)!r} at character {at} of the filter.",
        remedy=f"{lead} {', '.join(shown)}{'?' if near else '.'}",
    )


def constant(token: Token) -> Constant:
    """The literal a token stands for."""
    value: Value = token.text
    if token.kind is TokenKind.NUMBER:
        value = _number(token.text)
    elif token.kind is TokenKind.NAME:
        value = {"true": True, "false": False, "null": None, "NaN": math.nan, "INF": math.inf}[token.text]
    return Constant(value=value, text=token.text, kind=token.kind, at=token.at)


def _number(text: str) -> int | float:
    """An integer that fits 64 bits, else a double."""
    if re.fullmatch(r"[+-]?\d{1,19}", text) and -_INT64 <= int(text) < _INT64:
        return int(text)
    return float(text)


def compare(variable: Variable, op: Operator, constant: Constant) -> Comparison:
    """`variable op constant`, if their types fit ("OData comparison operators", table of data types)."""
    if variable.type.item is not None:
        raise collection_error(variable)
    if constant.value is None:
        return _compare_null(variable, op)
    comparison = Comparison(field=variable.name, op=op, value=constant.value)
    number = isinstance(constant.value, int | float) and not isinstance(constant.value, bool)
    match variable.type:
        # Documented for strings are eq and ne alone; an order (by code point) is what pages through a whole index need.
        case FieldType.STRING if constant.kind is TokenKind.STRING:
            return comparison
        case FieldType.BOOLEAN if isinstance(constant.value, bool) and op in ("eq", "ne"):
            return comparison
        case FieldType.INT if number and math.isfinite(cast(float, constant.value)):
            return comparison
        case FieldType.DOUBLE if number:
            return replace(comparison, value=float(cast(float, constant.value)))
        case FieldType.DATETIME if constant.kind in (TokenKind.DATETIME, TokenKind.STRING):
            return replace(comparison, value=_datetime(constant))
        case FieldType.GEO_POINT:
            raise FilterError(
                f"{variable.shown!r} at character {variable.at} is a point and cannot be compared with {op}.",
                remedy=f"Write geo.distance({variable.shown}, geography'POINT(longitude latitude)') le kilometres.",
            )
        case _:
            raise _mismatch(variable, constant)


def _mismatch(variable: Variable, constant: Constant) -> FilterError:
    wanted = {
        FieldType.STRING: "a string in single quotes",
        FieldType.BOOLEAN: "true or false, with eq or ne",
        FieldType.INT: "a finite number",
        FieldType.DOUBLE: "a number",
        FieldType.DATETIME: "a date like 2024-05-31T12:00:00Z",
    }[variable.type]
    return FilterError(
        f"{variable.shown!r} at character {variable.at} is {variable.type.value} and cannot be compared with "
        f"{short(constant.text)!r}.",
        remedy=f"Compare it with {wanted}.",
    )


def _compare_null(variable: Variable, op: Operator) -> Comparison:
    if op not in ("eq", "ne"):
        raise FilterError(f"null at {variable.shown!r} (character {variable.at}) goes with eq and ne only, not {op}.")
    if variable.name == ITEM:
        raise FilterError(f"Items of a collection are never null (character {variable.at}).")
    return Comparison(field=variable.name, op=op, value=None)


def compare_distance(distance: Distance, op: Operator, constant: Constant) -> GeoDistance:
    """`geo.distance(…) op kilometres`."""
    km = constant.value
    if isinstance(km, bool) or not isinstance(km, int | float) or not math.isfinite(km):
        raise FilterError(f"geo.distance at character {distance.at} is compared with a number of kilometres.")
    if op in ("eq", "ne"):
        raise FilterError(f"geo.distance at character {distance.at} goes with lt, le, gt and ge only, not {op}.")
    return GeoDistance(
        field=distance.field, longitude=distance.longitude, latitude=distance.latitude, op=op, km=float(km)
    )


def compare_condition(condition: Condition, op: Operator, constant: Constant) -> Condition:
    """`search.in(…) eq true`: allowed for functions, as in Azure."""
    if not condition.call or op not in ("eq", "ne") or not isinstance(constant.value, bool):
        raise FilterError(f"The condition at character {condition.at} of the filter cannot be compared with {op}.")
    if constant.value is (op == "eq"):
        return condition
    return Condition(filter=Not(operand=condition.filter), at=condition.at)


def collection_error(variable: Variable) -> FilterError:
    """The error for a collection where one value is wanted."""
    return FilterError(
        f"{variable.shown!r} at character {variable.at} is a collection.",
        remedy=f"Write {variable.shown}/any(x: x eq 'value'), or {variable.shown}/any() for one that is not empty.",
    )


def _datetime(constant: Constant) -> datetime:
    try:
        moment = datetime.fromisoformat(cast(str, constant.value))
        return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise FilterError(
            f"{short(constant.text)!r} at character {constant.at} of the filter is not a date.",
            remedy="Write it like 2024-05-31T12:00:00Z or 2024-05-31T12:00:00+02:00.",
        ) from error


def point(token: Token) -> tuple[float, float]:
    """Longitude and latitude in degrees of `geography'POINT(longitude latitude)'`."""
    match = _POINT.fullmatch(token.text)
    try:
        longitude, latitude = (float(part) for part in match.groups()) if match else (math.nan, math.nan)
    except ValueError:
        longitude, latitude = math.nan, math.nan
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        raise FilterError(
            f"The geography at character {token.at} of the filter is not a point on the globe.",
            remedy="Write geography'POINT(longitude latitude)' in degrees, longitude first.",
        )
    return longitude, latitude


def check_lambda(condition: Filter, type_: FieldType, *, any_: bool, at: int, positive: bool = True) -> None:
    """Refuse what a lambda cannot say: conditions of `any` are joined by or, those of `all` by and.

    Over strings `any` tests for equality, as in Azure, and `all` is its mirror image; over other items any comparison
    may stand. Azure also lets ranges (`x gt 1 and x lt 5`) stand inside `any`; no index answers them here.
    """
    match condition:
        case Not(operand=operand):
            check_lambda(operand, type_, any_=any_, at=at, positive=not positive)
            return
        case And(operands=operands) | Or(operands=operands) if operands:
            fits = (isinstance(condition, Or) is positive) is any_
            for operand in operands:
                check_lambda(operand, type_, any_=any_, at=at, positive=positive)
        case Comparison(op=op):
            fits = type_ is not FieldType.STRING or ((op == "eq") is positive) is any_
        case SearchIn():
            fits = positive is any_
        case _:
            fits = False
    if fits:
        return
    if type_ is not FieldType.STRING:
        remedy = "comparisons joined with 'or' inside any, with 'and' inside all"
    elif any_:
        remedy = "x eq 'a' or search.in(x, 'a, b'), joined with 'or'"
    else:
        remedy = "x ne 'a', not (x eq 'a') or not search.in(x, 'a, b'), joined with 'and'"
    raise FilterError(
        f"The condition inside {'any' if any_ else 'all'} at character {at} is not supported.", remedy=f"Use {remedy}."
    )


def short(text: str) -> str:
    """Text from the filter, fit for a message."""
    return text if len(text) <= 64 else f"{text[:64]}…"
