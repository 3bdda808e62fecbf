"""Filters as values: read them from OData, write them back, put them together.

`parse_filter` reads the dialect of Azure AI Search (see `foveal.retrieval.odata` for its sources and limits);
`render_filter` writes it: for every filter that OData can say, `parse_filter(render_filter(f)) == f`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from foveal.errors import FilterError
from foveal.retrieval.odata import MAX_CHARACTERS, MAX_CLAUSES, MAX_DEPTH, parse_filter
from foveal.types.filters import (
    CHUNK_FIELDS,
    ITEM,
    AllItems,
    And,
    AnyItem,
    Comparison,
    Field,
    Filter,
    GeoDistance,
    Not,
    Or,
    SearchIn,
    SearchIsMatch,
    Value,
    Verbatim,
)

__all__ = [
    "MAX_CHARACTERS",
    "MAX_CLAUSES",
    "MAX_DEPTH",
    "both",
    "optional_filter",
    "parse_filter",
    "render_filter",
    "verbatim_filter",
    "visible_to",
]


def optional_filter(text: str | None, fields: Mapping[str, Field] = CHUNK_FIELDS) -> Filter | None:
    """The filter of a request; absent, blank and the word `None` (which clients were seen sending) mean no filter.

    Raises:
        FilterError: As `parse_filter`.
    """
    if text is None or text.strip() in ("", "None"):
        return None
    return parse_filter(text, fields)


def visible_to(groups: tuple[str, ...] | None, field: str = "group_ids") -> Filter | None:
    """What somebody in these groups may see: chunks without groups, and chunks with one of these.

    Args:
        groups: As in `Query.groups`: None lifts the restriction, empty leaves chunks without groups.
        field: Where a chunk's groups are.
    """
    if groups is None:
        return None
    open_to_all = Not(operand=AnyItem(field=field, condition=None))
    if not groups:
        return open_to_all
    return Or(operands=(open_to_all, AnyItem(field=field, condition=SearchIn(field=ITEM, values=groups))))


def verbatim_filter(text: str | None) -> Verbatim | None:
    """A filter of a request that is passed on as it is; absent, blank and `None` mean no filter.

    Raises:
        FilterError: Its parentheses or quotes are not closed: it could not be kept apart from what stands beside it.
    """
    if text is None or text.strip() in ("", "None"):
        return None
    depth, quoted = 0, False
    for character in text:
        if character == "'":
            quoted = not quoted
        elif not quoted and character in "()":
            depth += 1 if character == "(" else -1
            if depth < 0:
                break
    if depth or quoted:
        raise FilterError("The filter's parentheses or quotes are not closed.", remedy="Close them.")
    return Verbatim(text=text.strip())


def is_visible(group_ids: Collection[str], groups: tuple[str, ...] | None) -> bool:
    """Whether somebody in these groups may see what these groups may see: `visible_to`, of one thing at hand."""
    return groups is None or not group_ids or not set(group_ids).isdisjoint(groups)


def both(*filters: Filter | None) -> Filter | None:
    """All of these filters at once; None stands for no restriction."""
    given = tuple(filter_ for filter_ in filters if filter_ is not None)
    if len(given) > 1:
        return And(operands=given)
    return given[0] if given else None


def render_filter(filter_: Filter) -> str:
    """The filter in OData.

    `And` and `Or` of one operand are written as that operand. A `SearchIn` with an empty string among its values is
    written with `eq`, since `search.in` cannot say it.
    """
    match filter_:
        case And(operands=operands):
            return " and ".join(_inner(operand) for operand in operands) if operands else "true"
        case Or(operands=operands):
            return " or ".join(_inner(operand) for operand in operands) if operands else "false"
        case Not(operand=operand):
            return f"not {render_filter(operand)}" if _is_atom(operand) else f"not ({render_filter(operand)})"
        case Comparison(field=field, op=op, value=value):
            return f"{_name(field)} {op} {_literal(value)}"
        case SearchIn():
            return _search_in(filter_)
        case SearchIsMatch(text=text, fields=fields, all_terms=all_terms):
            mode = "all" if all_terms else "any"
            return f"search.ismatch({_quote(text)}, {_quote(','.join(fields))}, 'simple', '{mode}')"
        case GeoDistance(field=field, op=op, km=km):
            point = f"geography'POINT({filter_.longitude!r} {filter_.latitude!r})'"
            return f"geo.distance({_name(field)}, {point}) {op} {km!r}"
        case AnyItem(field=field, condition=None):
            return f"{field}/any()"
        case AnyItem(field=field, condition=condition) if condition is not None:
            return f"{field}/any({_VARIABLE}: {render_filter(condition)})"
        case AllItems(field=field, condition=condition):
            return f"{field}/all({_VARIABLE}: {render_filter(condition)})"
        case Verbatim(text=text):
            return f"({text})"
    raise TypeError(f"not a filter: {filter_!r}")


_VARIABLE = "x"
_DELIMITERS = "|;\t\n\x1f"


def _is_atom(filter_: Filter) -> bool:
    """Whether `not` may stand before it without parentheses."""
    return isinstance(filter_, AnyItem | AllItems | SearchIsMatch)


def _inner(operand: Filter) -> str:
    text = render_filter(operand)
    return f"({text})" if isinstance(operand, And | Or) and len(operand.operands) > 1 else text


def _name(field: str) -> str:
    return _VARIABLE if field == ITEM else field


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _literal(value: Value) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return _quote(value)
        case datetime():
            moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
            return moment.isoformat().replace("+00:00", "Z")
        case float() if math.isinf(value):
            return "INF" if value > 0 else "-INF"
        case float() if math.isnan(value):
            return "NaN"
        case _:
            return repr(value)


def _search_in(filter_: SearchIn) -> str:
    name = _name(filter_.field)
    if "" in filter_.values:
        return "(" + " or ".join(f"{name} eq {_quote(value)}" for value in filter_.values) + ")"
    used = set("".join(filter_.values))
    if used.isdisjoint(" ,"):
        return f"search.in({name}, {_quote(', '.join(filter_.values))})"
    candidates = (*_DELIMITERS, *map(chr, range(0xE000, 0xF8FF)))
    delimiter = next(character for character in candidates if character not in used)
    return f"search.in({name}, {_quote(delimiter.join(filter_.values))}, {_quote(delimiter)})"
