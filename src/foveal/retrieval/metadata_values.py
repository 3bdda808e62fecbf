"""Metadata of documents of video indexes: dates as callers write them, and filters over them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from foveal.errors import InvalidRequestError
from foveal.types.videos import DateRange, MetadataField, VideoDocument, VideoIndex, VideoQuery

_WORD = re.compile(r"\w+")


def read_moment(text: str, name: str) -> datetime:
    """A date with or without time, ISO 8601 or with a blank in the middle; without an offset it is UTC.

    Raises:
        InvalidRequestError: It is none; `name` says of what.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InvalidRequestError(
            f"{name}: {text[:60]!r} is no date.", remedy="Write it as 2023-06-30T17:40:33Z."
        ) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def select_documents(index: VideoIndex, documents: Sequence[VideoDocument], query: VideoQuery) -> list[VideoDocument]:
    """Those that pass every filter; names of fields and string values are compared without case.

    Raises:
        InvalidRequestError: A filter names a field that the index does not have, or that is not filterable, or is of
            the other type.
    """
    values = [(_field(index, name, "string"), {v.casefold() for v in wanted}) for name, wanted in query.values]
    dates = [(_field(index, span.field, "datetime"), span) for span in query.dates]
    return [
        document
        for document in documents
        if all(document.metadata.get(field.name, "").casefold() in wanted for field, wanted in values)
        and all(_within(document.metadata.get(field.name), span) for field, span in dates)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Documents that a question names by their metadata.

    Attributes:
        shares: Of each, by its id, which part of the question's words names it, 0..1.
        rest: The question without the words that name any; whole where nothing else is left.
    """

    shares: Mapping[str, float]
    rest: str


def named_documents(index: VideoIndex, documents: Sequence[VideoDocument], text: str) -> Named:
    """Those of which every word of a value of a searchable field stands in the question, without case."""
    fields = [field.name for field in index.fields if field.searchable and field.type == "string"]
    asked = _words(text)
    shares: dict[str, float] = {}
    naming: set[str] = set()
    for document in documents:
        values = [set(_words(document.metadata.get(field, ""))) for field in fields]
        words = set().union(*(value for value in values if value and value <= set(asked)))
        if words:
            shares[document.document_id] = sum(word in words for word in asked) / len(asked)
            naming |= words
    rest = " ".join(word for word in text.split() if not set(_words(word)) & naming)
    return Named(shares=shares, rest=rest if _words(rest) else text)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _field(index: VideoIndex, name: str, kind: str) -> MetadataField:
    found = next((field for field in index.fields if field.name == name.lower()), None)
    if found is None or not found.filterable or found.type != kind:
        fit = [field.name for field in index.fields if field.filterable and field.type == kind]
        raise InvalidRequestError(
            f"{name!r} is no filterable {kind} field of the index {index.name!r}.",
            remedy=f"There is: {', '.join(fit)}." if fit else "The index has none.",
        )
    return found


def _within(value: str | None, span: DateRange) -> bool:
    if value is None:
        return False
    try:
        moment = read_moment(value, span.field)
    except InvalidRequestError:  # it was there before the field was one of dates
        return False
    return (span.start is None or moment >= span.start) and (span.end is None or moment <= span.end)
