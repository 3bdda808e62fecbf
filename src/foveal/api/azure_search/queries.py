"""From the wire to a query: what a search body of Azure AI Search asks of one index."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from foveal.api.azure_search.schemas import SearchIn, VectorQueryIn
from foveal.errors import InvalidRequestError
from foveal.retrieval.document_values import narrow_vector
from foveal.retrieval.facets import read_facet
from foveal.retrieval.filtering import optional_filter
from foveal.retrieval.orders import read_orders
from foveal.retrieval.text_queries import parse_full, parse_simple
from foveal.types.documents import DocumentQuery, Everything, IndexDefinition, Json, TextQuery, VectorQuery

PAGE = 50
"""Results of a page when the caller does not say."""
LONGEST_PAGE = 1_000
DEFAULT_K = 50
"""Neighbours of a vector query that does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Highlighting:
    """Which fields are highlighted, how many pieces of each, and the tags around what matches."""

    pieces: Mapping[str, int]
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """Semantic extras: captions, with highlights or without, and answers with their number and least score (0..1)."""

    captions: bool = False
    highlighted: bool = True
    answers: int = 0
    threshold: float = 0.7


def read_query(body: SearchIn, definition: IndexDefinition) -> DocumentQuery:
    """The query.

    Raises:
        InvalidRequestError: A parameter does not parse or names what the index does not have.
    """
    top = PAGE if body.top is None else min(body.top, LONGEST_PAGE)
    return DocumentQuery(
        text=_text(body, definition),
        words=body.semantic_query or body.search or "",
        search_fields=_names(body.search_fields),
        vectors=tuple(_vector(one, definition) for one in body.vector_queries or ()),
        filter=optional_filter(body.filter, definition.filter_fields),
        filter_after=body.vector_filter_mode == "postFilter",
        rerank=_semantic(body, definition),
        order=read_orders(body.orderby or "", definition),
        facets=tuple(read_facet(one, definition) for one in body.facets or ()),
        with_vectors=tuple(v.name for v in definition.vectors if v.name in set(read_select(body.select, definition))),
        top=top,
        skip=body.skip or 0,
    )


def read_select(select: str | None, definition: IndexDefinition) -> tuple[str, ...]:
    """Names of the fields to give back, parts of complex fields by path.

    Raises:
        InvalidRequestError: A field is unknown or not retrievable.
    """
    plain = [field.name for field in definition.fields if field.retrievable]
    known = [*plain, *(vector.name for vector in definition.vectors if vector.retrievable)]
    wanted = _names(select) or ("*",)
    if "*" in wanted:
        return tuple(known)
    for name in wanted:
        if not any(one == name or one.startswith(f"{name}/") for one in known):
            raise InvalidRequestError(
                f"Invalid expression: could not find a retrievable field named {name!r} in the index "
                f"{definition.name!r} ($select).",
                remedy=f"Retrievable fields: {', '.join(known)}.",
            )
    return tuple(one for one in known if any(one == name or one.startswith(f"{name}/") for name in wanted))


def read_highlighting(body: SearchIn, definition: IndexDefinition) -> Highlighting:
    """What `highlight` asks for: `field` or `field-pieces`, by commas.

    Raises:
        InvalidRequestError: A field is not searchable.
    """
    pieces: dict[str, int] = {}
    for part in _names(body.highlight):
        name, _, count = part.partition("-")
        if name not in definition.searchable or (count and not re.fullmatch(r"\d{1,4}", count)):
            raise InvalidRequestError(
                f"The highlight {part!r} does not name a searchable field.",
                remedy=f"Searchable fields: {', '.join(definition.searchable) or 'none'}.",
            )
        pieces[name] = int(count or 5)
    before, after = body.highlight_pre_tag, body.highlight_post_tag
    return Highlighting(
        pieces=pieces, before="<em>" if before is None else before, after="</em>" if after is None else after
    )


def read_extras(body: SearchIn) -> Extras:
    """What `captions` (`extractive|highlight-false`) and `answers` (`extractive|count-3,threshold-0.8`) ask for."""
    captions, _, caption_options = (body.captions or "none").partition("|")
    answers, _, answer_options = (body.answers or "none").partition("|")
    count = re.search(r"count-(\d+)", answer_options)
    threshold = re.search(r"threshold-(\d*\.?\d+)", answer_options)
    return Extras(
        captions=captions.strip().lower() == "extractive",
        highlighted="highlight-false" not in caption_options.lower(),
        answers=(int(count[1]) if count else 1) if answers.strip().lower() == "extractive" else 0,
        threshold=float(threshold[1]) if threshold else 0.7,
    )


def from_query_string(pairs: Iterable[tuple[str, str]]) -> dict[str, Json]:
    """A GET search as the body that POST would have: names with or without `$`, in any case; `facet` may repeat."""
    known = {name.lower(): name for name in _GET}
    body: dict[str, Json] = {}
    facets: list[Json] = []
    for key, value in pairs:
        name = known.get(key.lstrip("$").lower(), "")
        if name == "facet":
            facets.append(value)
        elif name in ("top", "skip", "minimumCoverage"):
            body[name] = _number(name, value)
        elif name == "count":
            body[name] = value.strip().lower() == "true"
        elif name:
            body[name] = value
    return {**body, **({"facets": facets} if facets else {})}


_GET = (
    "search",
    "filter",
    "queryType",
    "searchMode",
    "searchFields",
    "select",
    "top",
    "skip",
    "count",
    "orderby",
    "facet",
    "highlight",
    "highlightPreTag",
    "highlightPostTag",
    "semanticConfiguration",
    "semanticQuery",
    "captions",
    "answers",
    "minimumCoverage",
    "scoringProfile",
)


def _number(name: str, value: str) -> Json:
    try:
        return float(value) if name == "minimumCoverage" else int(value)
    except ValueError:
        raise InvalidRequestError(f"${name} is a number, not {value[:20]!r}.") from None


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def _text(body: SearchIn, definition: IndexDefinition) -> TextQuery:
    if body.search is None:
        return Everything()
    mode = body.search_mode or "any"
    if body.query_type == "full":
        return parse_full(body.search, mode, definition.searchable)
    return parse_simple(body.search, mode)


def _semantic(body: SearchIn, definition: IndexDefinition) -> str:
    wanted = body.query_type == "semantic" or body.semantic_query
    if not wanted and not (body.semantic_configuration and body.captions):
        return ""
    if not (body.semantic_query or body.search or "").strip("* "):
        return ""  # nothing to rank by
    name = body.semantic_configuration or definition.default_semantic
    if not name:
        raise InvalidRequestError(
            "A semantic query needs semanticConfiguration, and the index has no default one.",
            remedy=f"The index has: {', '.join(c.name for c in definition.semantic) or 'no configuration'}.",
        )
    if body.orderby:
        raise InvalidRequestError("A semantic query is ordered by its re-ranker.", remedy="Leave orderby out.")
    return name


def _vector(one: VectorQueryIn, definition: IndexDefinition) -> VectorQuery:
    fields = _names(one.fields) or tuple(vector.name for vector in definition.vectors[:1])
    if not fields:
        raise InvalidRequestError(f"The index {definition.name!r} has no vector field.")
    query = VectorQuery(fields=fields, k=one.k or DEFAULT_K, weight=one.weight or 1.0, exhaustive=bool(one.exhaustive))
    match one.kind:
        case "vector" if one.vector:
            vector = narrow_vector(one.vector)
            if vector is None:
                raise InvalidRequestError("A query vector takes finite numbers of 32 bits.")
            return replace(query, vector=vector)
        case "text" if one.text and one.text.strip():
            return replace(query, text=one.text)
        case "vector" | "text":
            raise InvalidRequestError(f"A vector query of the kind {one.kind!r} has no {one.kind}.")
    raise InvalidRequestError(
        f"Vector queries of the kind {one.kind!r} are not served.", remedy='Use kind "vector" or "text".'
    )
