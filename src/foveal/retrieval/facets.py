"""Facets: what to count, read from Azure AI Search's expressions, and the counting.

Source: "Search Documents (REST API)", parameter `facets`: a field, then `count:n`, `sort:count|-count|value|-value`,
`values:a|b|c`, `interval:x` and `timeoffset:±hh:mm`, by commas.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from math import floor

from foveal.errors import InvalidRequestError
from foveal.retrieval.document_values import Scalar, scalars
from foveal.types.documents import FacetBucket, FacetRequest, IndexDefinition, IndexField, Json
from foveal.types.filters import FieldType

PERIODS = ("minute", "hour", "day", "week", "month", "quarter", "year")
_SORTS = ("count", "-count", "value", "-value")
_NUMBERS = (FieldType.INT, FieldType.DOUBLE)
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")


def read_facet(text: str, definition: IndexDefinition) -> FacetRequest:
    """One expression.

    Raises:
        InvalidRequestError: It does not parse, or its field cannot be counted so.
    """
    name, *parameters = [part.strip() for part in text.split(",")]
    field = definition.plain(name)
    if field is None or not field.facetable:
        known = ", ".join(f.name for f in definition.fields if f.facetable)
        raise InvalidRequestError(f"{name!r} is not a facetable field.", remedy=f"Facetable fields: {known or 'none'}.")
    given: dict[str, str] = {}
    for parameter in parameters:
        key, colon, value = parameter.partition(":")
        if not colon or key not in ("count", "sort", "values", "interval", "timeoffset") or key in given:
            raise InvalidRequestError(
                f"The facet {text!r} cannot be read at {parameter!r}.",
                remedy="Write field,count:n,sort:value,values:a|b,interval:x,timeoffset:+hh:mm.",
            )
        given[key] = value
    return _checked(text, field, given)


def _checked(text: str, field: IndexField, given: dict[str, str]) -> FacetRequest:
    type_ = field.type.item or field.type
    ranges = "values" in given or "interval" in given
    if ranges and type_ not in (*_NUMBERS, FieldType.DATETIME):
        raise InvalidRequestError(f"The facet {text!r} has ranges, but {field.name!r} is {field.type.value}.")
    if ("values" in given and "interval" in given) or (ranges and given.keys() & {"count", "sort"}):
        raise InvalidRequestError(f"The facet {text!r} combines parameters that exclude one another.")
    sort, count = given.get("sort", "count"), given.get("count", "10")
    if sort not in _SORTS or not (count.isascii() and count.isdigit() and len(count) < 9):
        raise InvalidRequestError(
            f"The facet {text!r} has a wrong count or sort.", remedy=f"sort is one of {', '.join(_SORTS)}."
        )
    interval, period = _interval(text, type_, given.get("interval", ""))
    return FacetRequest(
        field=field.name,
        count=int(count),
        sort=sort,
        bounds=_bounds(text, type_, given["values"]) if "values" in given else (),
        interval=interval,
        period=period,
        offset_minutes=_offset(text, given.get("timeoffset", "")),
    )


def _interval(text: str, type_: FieldType, value: str) -> tuple[float | None, str]:
    if not value:
        return None, ""
    if type_ is FieldType.DATETIME and value in PERIODS:
        return None, value
    try:
        width = float(value)
    except ValueError:
        width = 0.0
    if type_ is FieldType.DATETIME or not 0 < width < 1e300:
        raise InvalidRequestError(
            f"The facet {text!r} has a wrong interval: {value!r}.",
            remedy=f"Give a number above 0, of dates one of {', '.join(PERIODS)}.",
        )
    return width, ""


def _bounds(text: str, type_: FieldType, value: str) -> tuple[float | str, ...]:
    parts = value.split("|")
    try:
        if type_ is FieldType.DATETIME:
            moments = [datetime.fromisoformat(part) for part in parts]
            aware = [m if m.tzinfo else m.replace(tzinfo=UTC) for m in moments]
            return tuple(_iso(moment) for moment in sorted(aware))
        return tuple(sorted(float(part) for part in parts))
    except ValueError:
        raise InvalidRequestError(f"The facet {text!r} has bounds that are not of the field's type.") from None


def _offset(text: str, value: str) -> int:
    if value in ("", "Z"):
        return 0
    match = _OFFSET.fullmatch(value)
    if match is None or int(match[2]) > 14 or int(match[3]) > 59:
        raise InvalidRequestError(f"The facet {text!r} has a wrong timeoffset.", remedy="Write +hh:mm or -hh:mm.")
    minutes = int(match[2]) * 60 + int(match[3])
    return -minutes if match[1] == "-" else minutes


def count_facet(request: FacetRequest, field: IndexField, values: Sequence[Json]) -> tuple[FacetBucket, ...]:
    """Buckets over the values of all documents found; a document counts once in a bucket."""
    found = [set(scalars(field, value)) for value in values]
    if request.bounds:
        return _between(request, field, found)
    if request.interval or request.period:
        return _stepped(request, field, found)
    counts = Counter(value for one in found for value in one)
    by_value = sorted(counts.items(), key=lambda item: item[0], reverse=request.sort == "-value")
    if request.sort in ("count", "-count"):
        sign = -1 if request.sort == "count" else 1
        by_value.sort(key=lambda item: sign * item[1])
    most = request.count or len(by_value)
    return tuple(FacetBucket(count=count, value=_json(value)) for value, count in by_value[:most])


def _between(request: FacetRequest, field: IndexField, found: Iterable[set[Scalar]]) -> tuple[FacetBucket, ...]:
    dates = (field.type.item or field.type) is FieldType.DATETIME
    edges = [datetime.fromisoformat(str(b)).timestamp() if dates else float(b) for b in request.bounds]
    counts: Counter[int] = Counter()
    for one in found:
        counts.update({bisect_right(edges, _number(value)) for value in one})
    shown: list[Json] = [None, *request.bounds, None]
    return tuple(
        FacetBucket(count=counts[n], from_=_plain(shown[n]), to=_plain(shown[n + 1])) for n in range(len(edges) + 1)
    )


def _stepped(request: FacetRequest, field: IndexField, found: Iterable[set[Scalar]]) -> tuple[FacetBucket, ...]:
    counts: Counter[float | datetime] = Counter()
    zone = timezone(timedelta(minutes=request.offset_minutes))
    for one in found:
        if request.period:
            counts.update(
                {_start(value.astimezone(zone), request.period) for value in one if isinstance(value, datetime)}
            )
        elif request.interval:
            width = request.interval
            counts.update({floor(_number(value) / width) * width for value in one})
    ordered = sorted(counts.items(), key=lambda item: item[0])
    return tuple(FacetBucket(count=count, value=_plain(_json(start))) for start, count in ordered)


def _start(moment: datetime, period: str) -> datetime:
    """Where the period that holds a moment begins; weeks begin on Sunday, as in Azure."""
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    match period:
        case "minute":
            return moment.replace(second=0, microsecond=0)
        case "hour":
            return moment.replace(minute=0, second=0, microsecond=0)
        case "week":
            return day - timedelta(days=(day.weekday() + 1) % 7)
        case "month":
            return day.replace(day=1)
        case "quarter":
            return day.replace(day=1, month=day.month - (day.month - 1) % 3)
        case "year":
            return day.replace(day=1, month=1)
    return day


def _number(value: Scalar) -> float:
    if isinstance(value, datetime):
        return value.timestamp()
    return float(value) if isinstance(value, int | float) else 0.0


def _json(value: Scalar) -> Json:
    if isinstance(value, datetime):
        return _iso(value)
    return None if isinstance(value, tuple) else value


def _plain(value: Json) -> Json:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
