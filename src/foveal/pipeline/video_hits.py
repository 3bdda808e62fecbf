"""Hits of the searched index → moments as video retrieval gives them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace

from foveal.types.assets import MediaKind
from foveal.types.chunks import Chunk, Feature
from foveal.types.filters import And, Filter, Or, SearchIn
from foveal.types.search import Hit
from foveal.types.videos import VideoHit

SEEN = (Feature.VISION.value, Feature.SCREEN_TEXT.value)
"""Moments that the service called vision: frames, and words on the screen."""


def where_of(document_ids: Sequence[str] | None, features: Set[str]) -> Filter:
    """Moments of these documents (None: of all) and of these features, in the service's words."""
    kinds = (*(SEEN if "vision" in features else ()), *((Feature.SPEECH.value,) if "speech" in features else ()))
    of_kind: Filter = SearchIn(field="feature", values=kinds)
    if "vision" in features:  # an image of an ingestion is all to be seen
        of_kind = Or(operands=(of_kind, SearchIn(field="kind", values=(MediaKind.IMAGE.value,))))
    if document_ids is None:
        return of_kind
    return And(operands=(SearchIn(field="document_id", values=tuple(document_ids)), of_kind))


def hits_of(index: str, hits: Sequence[Hit], ids: Mapping[str, str], *, dedup: bool) -> list[VideoHit]:
    """Moments in the order of the hits.

    A relevance is the greatest confidence of the hit and of those after it: so it falls along the list, which the
    order by several legs of the search need not do with what each of them is sure of.

    Args:
        ids: What callers call the documents, by what the index calls them.
        dedup: Whether of hits of one kind and document that overlap in time only the first is kept.
    """
    known = [hit for hit in hits if hit.chunk.document_id in ids]
    found, best = [], 0.0
    for hit in reversed(known):
        best = max(best, min(hit.confidence, 1.0))
        found.append(_moment(index, hit.chunk, ids[hit.chunk.document_id], best))
    found.reverse()
    return list(_distinct(found)) if dedup else found


def with_named(hits: Sequence[VideoHit], named: Sequence[VideoHit], shares: Mapping[str, float]) -> list[VideoHit]:
    """Hits together with those of documents that the question names by their metadata, most relevant first.

    What a moment is relevant by and what its document is named by are taken for independent signs: either is enough
    (noisy or).

    Args:
        named: Moments of these documents that answer the rest of the question.
        shares: Of each such document, which part of the question names it.
    """
    best: dict[str, VideoHit] = {}
    for hit in (*hits, *named):
        relevance = 1 - (1 - hit.relevance) * (1 - shares.get(hit.document_id, 0.0))
        known = best.get(hit.chunk_id)
        if known is None or relevance > known.relevance:
            best[hit.chunk_id] = replace(hit, relevance=relevance)
    return sorted(best.values(), key=lambda hit: -hit.relevance)


def _moment(index: str, chunk: Chunk, document_id: str, relevance: float) -> VideoHit:
    start_ms, end_ms = chunk.locator.start_ms or 0, chunk.locator.end_ms or 0
    frame_ms = chunk.locator.frame_ms
    is_speech = chunk.feature is Feature.SPEECH
    inside = frame_ms is not None and start_ms <= frame_ms <= end_ms
    best_ms = frame_ms if frame_ms is not None and inside and not is_speech else start_ms
    return VideoHit(
        index=index,
        document_id=document_id,
        is_speech=is_speech,
        start_ms=start_ms,
        end_ms=max(start_ms, end_ms),
        best_ms=best_ms,
        relevance=relevance,
        text=_said(chunk) if is_speech else chunk.shown_text,
        chunk_id=chunk.chunk_id,
    )


def _said(chunk: Chunk) -> str:
    """The sentence a passage was found by, or all of it."""
    here = [s.text for s in chunk.sentences if s.start_ms == chunk.locator.start_ms]
    return here[0].strip() if here else chunk.content


def _distinct(hits: Sequence[VideoHit]) -> Iterator[VideoHit]:
    kept: list[VideoHit] = []
    for hit in hits:
        same = (one for one in kept if (one.document_id, one.is_speech) == (hit.document_id, hit.is_speech))
        if not any(hit.start_ms < one.end_ms and one.start_ms < hit.end_ms for one in same):
            kept.append(hit)
            yield hit
