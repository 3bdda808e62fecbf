"""`Retrieved` → the `context` of an answer, in the forms of 2023 and 2024."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from foveal.api.azure_openai.convert import Asked
from foveal.api.azure_openai.schemas import (
    CitationOut,
    ContextOut,
    OldCitationOut,
    OldToolContent,
    RetrievedDocumentOut,
)
from foveal.api.links import Links
from foveal.types.chat import Citation, Retrieved
from foveal.types.chunks import Chunk
from foveal.types.search import Hit

FilterReason = str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextWriter:
    """Writes what an answer rests on.

    Attributes:
        rerank_score: Whether the version's citations have one.
    """

    asked: Asked
    links: Links
    rerank_score: bool

    def context(self, retrieved: Retrieved) -> ContextOut:
        """The form of 2024: what `include_contexts` asks for, citations in the order of `[docN]`."""
        context = ContextOut()
        if "citations" in self.asked.contexts:
            scores = {(r.index, h.chunk.chunk_id): h.rerank_score for r in retrieved.results for h in r.hits}
            cited = retrieved.citations
            context.citations = [self._citation(c, scores.get((c.index, c.chunk.chunk_id))) for c in cited]
        if "intent" in self.asked.contexts:
            context.intent = intent(retrieved)
        if "all_retrieved_documents" in self.asked.contexts:
            context.all_retrieved_documents = list(self._all(retrieved))
        return context

    def tool_content(self, retrieved: Retrieved) -> str:
        """The form of 2023: the tool message's content, a JSON string."""
        citations = [
            OldCitationOut(
                content=c.text,
                id=None,
                title=c.chunk.title or None,
                filepath=c.chunk.filepath,
                url=self._cited_url(c),
                metadata=None,
                chunk_id=c.chunk.chunk_id,
            )
            for c in retrieved.citations
        ]
        return OldToolContent(citations=citations, intent=intent(retrieved)).json_text()

    def _citation(self, citation: Citation, rerank_score: float | None) -> CitationOut:
        out = CitationOut(content=citation.text, **self._place(citation.index, citation.chunk))
        out.url = self._cited_url(citation)
        if self.rerank_score and rerank_score is not None:
            out.rerank_score = rerank_score
        return out

    def _all(self, retrieved: Retrieved) -> Iterator[RetrievedDocumentOut]:
        cited = {(c.index, c.chunk.chunk_id) for c in retrieved.citations}
        positions = self.asked.positions
        for number, result in enumerate(retrieved.results):
            position = positions[number] if number < len(positions) else number
            for hit in result.hits:
                document = self._retrieved(result.index, hit, retrieved, position)
                if (result.index, hit.chunk.chunk_id) not in cited:
                    document.filter_reason = "rerank"
                yield document
            for hit in result.rejected:
                document = self._retrieved(result.index, hit, retrieved, position)
                document.filter_reason = "score"
                yield document

    def _retrieved(self, index: str, hit: Hit, retrieved: Retrieved, position: int) -> RetrievedDocumentOut:
        out = RetrievedDocumentOut(
            content=hit.chunk.shown_text,
            **self._place(index, hit.chunk),
            search_queries=list(retrieved.found_by.get(hit.chunk.chunk_id, retrieved.intents)),
            data_source_index=position,
            original_search_score=sum(leg.contribution for leg in hit.legs) or hit.score,
        )
        if hit.rerank_score is not None:
            out.rerank_score = hit.rerank_score
        return out

    def _place(self, index: str, chunk: Chunk) -> dict[str, str | None]:
        return {
            "title": chunk.title or None,
            "url": self._url(index, chunk),
            "filepath": chunk.filepath,
            "chunk_id": chunk.chunk_id,
        }

    def _cited_url(self, citation: Citation) -> str | None:
        """Of an image that an image of the question relates to: a picture that points at what they share."""
        boxes = next((relation.boxes for relation in citation.relations if relation.boxes), ())
        if boxes:
            return self.links.boxed(citation.index, citation.chunk, boxes)
        return self._url(citation.index, citation.chunk)

    def _url(self, index: str, chunk: Chunk) -> str | None:
        """None for a document of a caller's own index that names no address: there are no bytes of it here."""
        return chunk.url or (self.links.bytes(index, chunk) if chunk.asset_id else None)


def intent(retrieved: Retrieved) -> str:
    """A string that holds a JSON array of the search queries, as recorded replies have it."""
    return json.dumps(list(retrieved.intents), ensure_ascii=False)
