"""From what was found to the wire of Azure AI Search."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from foveal.api.azure_search.queries import (
    LONGEST_PAGE,
    PAGE,
    Extras,
    Highlighting,
    read_extras,
    read_highlighting,
    read_select,
)
from foveal.api.azure_search.schemas import SearchIn
from foveal.pipeline.document_finder import DocumentHit, FoundDocuments
from foveal.retrieval.document_values import scalars, value_of
from foveal.retrieval.sentences import highlights, sentences
from foveal.types.documents import DocumentQuery, FacetBucket, IndexDefinition, Json, StoredDocument
from foveal.types.search import Extract

BEST_SCORE = 4.0
"""Of a re-ranker; answers are scored 0..1 on the wire."""


def search_reply(
    body: SearchIn,
    query: DocumentQuery,
    definition: IndexDefinition,
    found: FoundDocuments,
    next_link: str,
) -> dict[str, Json]:
    """The reply to a search.

    Args:
        next_link: Address that the next page is asked of.
    """
    names = read_select(body.select, definition)
    marks, extras = read_highlighting(body, definition), read_extras(body)
    reply: dict[str, Json] = {}
    if body.count:
        reply["@odata.count"] = found.count
    if body.minimum_coverage is not None:
        reply["@search.coverage"] = 100.0
    if found.facets:
        reply["@search.facets"] = {name: [_bucket(one) for one in buckets] for name, buckets in found.facets}
    if query.rerank and extras.answers:
        reply["@search.answers"] = _answers(found, extras, marks)
    told = bool(query.vectors) and bool({"vector", "all"} & set(re.split(r"[\s,|]+", body.debug or "")))
    shown = _Shown(definition=definition, query=query, names=names, marks=marks, extras=extras, told=told)
    reply["value"] = [_result(hit, shown) for hit in found.hits]
    following = next_page(body, query, found)
    if following is not None:
        reply["@search.nextPageParameters"] = following
        reply["@odata.nextLink"] = next_link
    return reply


def next_page(body: SearchIn, query: DocumentQuery, found: FoundDocuments) -> dict[str, Json] | None:
    """The body that asks for the rest, where the caller wants more than a page holds; None at the end.

    Without `top` the service pages by 50, with one over 1,000 by 1,000 (contract notes, 8).
    """
    after = query.skip + query.top
    if found.count <= after or (body.top is not None and body.top <= LONGEST_PAGE) or not found.hits:
        return None
    rest = {"top": body.top - LONGEST_PAGE} if body.top is not None else {}
    wire: dict[str, Json] = body.model_dump(by_alias=True, exclude_none=True)
    return {**wire, **rest, "skip": query.skip + (PAGE if body.top is None else LONGEST_PAGE)}


def document_out(definition: IndexDefinition, names: Sequence[str], document: StoredDocument) -> dict[str, Json]:
    """The fields asked for, in the order of the definition; what is null is sent as null, or as an empty collection."""
    reply: dict[str, Json] = {}
    for field in definition.fields:
        if field.name in names:
            value = value_of(document, field.name)
            if value is None and field.type.item is not None:
                value = []
            _put(reply, document, field.name, value)
    for vector in definition.vectors:
        if vector.name in names:
            numbers = document.vectors.get(vector.name)
            reply[vector.name] = None if numbers is None else numbers.tolist()
    return reply


def _put(reply: dict[str, Json], document: StoredDocument, path: str, value: Json) -> None:
    """Set a value at its path; a complex field that is null itself is null as a whole."""
    *parents, name = path.split("/")
    place, walked = reply, ""
    for parent in parents:
        walked = f"{walked}/{parent}".lstrip("/")
        if value_of(document, walked) is None:
            place[parent] = None
            return
        inner = place.setdefault(parent, {})
        if not isinstance(inner, dict):
            return
        place = inner
    place[name] = value


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """What is shown of every result.

    Attributes:
        told: Whether it is told what words and vectors each say of it.
    """

    definition: IndexDefinition
    query: DocumentQuery
    names: Sequence[str]
    marks: Highlighting
    extras: Extras
    told: bool = False


def _result(hit: DocumentHit, shown: _Shown) -> dict[str, Json]:
    result: dict[str, Json] = {"@search.score": hit.score}
    if shown.query.rerank:
        result["@search.rerankerScore"] = hit.rerank_score
        if shown.extras.captions:
            result["@search.captions"] = [_caption(hit.extract, shown.extras, shown.marks)] if hit.extract else []
    if shown.told:
        result["@search.documentDebugInfo"] = _debug_info(hit)
    marked = _highlights(hit.document, shown.definition, shown.query.words, shown.marks)
    if marked:
        result["@search.highlights"] = marked
    return {**result, **document_out(shown.definition, shown.names, hit.document)}


def _debug_info(hit: DocumentHit) -> dict[str, Json]:
    """`DocumentDebugInfo` of api-version 2025-09-01: similarities as they are, not as distances."""
    scores = dict(hit.leg_scores)
    text = scores.pop("", None)
    vectors: list[Json] = [{name: {"searchScore": score, "vectorSimilarity": score}} for name, score in scores.items()]
    subscores: dict[str, Json] = {"vectors": vectors, "documentBoost": 1.0}
    if text is not None:
        subscores["text"] = {"searchScore": text}
    return {"vectors": {"subscores": subscores}}


def _caption(extract: Extract, extras: Extras, marks: Highlighting) -> dict[str, Json]:
    shown = _marked(extract.text, extract.highlights, marks) if extras.highlighted and extract.highlights else ""
    return {"text": extract.text, "highlights": shown}


def _answers(found: FoundDocuments, extras: Extras, marks: Highlighting) -> Json:
    best = [(hit, extract, (hit.rerank_score or 0.0) / BEST_SCORE) for hit, extract in found.answers]
    return [
        {
            "key": hit.document.key,
            "text": extract.text,
            "highlights": _marked(extract.text, extract.highlights, marks),
            "score": score,
        }
        for hit, extract, score in best[: extras.answers]
        if score >= extras.threshold
    ]


def _highlights(
    document: StoredDocument, definition: IndexDefinition, words: str, marks: Highlighting
) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for name, count in marks.pieces.items():
        field = definition.plain(name)
        texts = scalars(field, value_of(document, name)) if field else ()
        pieces: list[Json] = [piece for text in texts for piece in _pieces(str(text), words, marks)]
        if pieces:
            found[name] = pieces[:count]
    return found


def _pieces(text: str, words: str, marks: Highlighting) -> list[str]:
    """Sentences with a word of the query, the words between tags."""
    pieces = []
    for start, end in sentences(text):
        sentence = text[start:end]
        spans = highlights(sentence, words)
        if spans:
            pieces.append(_marked(sentence, spans, marks))
    return pieces


def _marked(text: str, spans: Sequence[tuple[int, int]], marks: Highlighting) -> str:
    parts, at = [], 0
    for start, end in spans:
        parts += [text[at:start], marks.before, text[start:end], marks.after]
        at = end
    return "".join([*parts, text[at:]])


def _bucket(bucket: FacetBucket) -> dict[str, Json]:
    if bucket.value is not None:
        return {"count": bucket.count, "value": bucket.value}
    edges: dict[str, Json] = {"from": bucket.from_, "to": bucket.to}
    return {"count": bucket.count, **{name: edge for name, edge in edges.items() if edge is not None}}
