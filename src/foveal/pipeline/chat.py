"""Chat: question → intent → search of every index → documents within the token budget → answer.

The whole answer is a stream of events; an answer that is not streamed is the stream, collected.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace

from foveal.errors import InvalidRequestError, ModelUnavailableError
from foveal.pipeline.search import Searcher
from foveal.ports import Answerer, ChatModel
from foveal.retrieval.grounding import Budget, budget, citations, cut_role_information, select_documents, trim_history
from foveal.retrieval.tokens import TokenCounter
from foveal.types.assets import MediaKind
from foveal.types.chat import (
    Answer,
    ChatEvent,
    ChatRequest,
    Document,
    Finished,
    Retrieved,
    TextDelta,
)
from foveal.types.chunks import Chunk
from foveal.types.content import Usage
from foveal.types.search import Hit, Query, SearchResult

PROMPT_TOKENS = 600
"""What the answerer's own instructions take of the window, with some room."""
PICTURE_TOKENS = 765
"""A retrieved picture of at most 1,024 px at high detail (85 + 170 x 4 tiles)."""
RRF_K = 60
"""Constant of reciprocal rank fusion (Cormack et al., SIGIR 2009) where several queries or indexes are joined."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A hit with the index it is from and what it collected over all queries."""

    index: str
    hit: Hit
    score: float


class Chat:
    """Answers conversations.

    Args:
        searcher: Finds.
        answerer: Writes the answer from documents.
        model: Answers a plain chat; None when no chat model is configured.
        tokens: Counts and cuts.
        picture: JPEG bytes of an image chunk for a model that sees; None when they cannot be had.
    """

    def __init__(
        self,
        *,
        searcher: Searcher,
        answerer: Answerer,
        model: ChatModel | None,
        tokens: TokenCounter,
        picture: Callable[[str, Chunk], bytes | None],
    ) -> None:
        self._searcher = searcher
        self._answerer = answerer
        self._model = model
        self._tokens = tokens
        self._picture = picture

    async def stream(self, request: ChatRequest) -> AsyncIterator[ChatEvent]:
        """Answer the last message: `Retrieved` (only with indexes), any `TextDelta`, one `Finished`.

        Raises:
            InvalidRequestError: There is no question.
            IndexNotFoundError: An index does not exist.
            ModelUnavailableError: A plain chat without a chat model.
            ModelError: The model failed.
        """
        if not request.messages or not (request.messages[-1].text.strip() or request.messages[-1].images):
            raise InvalidRequestError("There is no question.", remedy="End the conversation with words or an image.")
        if not request.sources:
            async for event in self._plain(request):
                yield event
            return
        request = self._within_budget(request)
        intents = await self._answerer.intents(request)
        results = await asyncio.to_thread(self._search, request, intents)
        documents = await asyncio.to_thread(self._documents, request, results)
        yield Retrieved(intents=intents, citations=citations(documents), results=tuple(results))
        async for event in self._answerer.answer(request, documents):
            yield event

    async def _plain(self, request: ChatRequest) -> AsyncIterator[ChatEvent]:
        if self._model is None:
            raise ModelUnavailableError(
                "No chat model is configured, so only questions about your data can be answered.",
                remedy="Name an index (data_sources), or set chat.base_url and chat.model.",
            )
        async for event in self._model.stream(request.messages, request.sampling):
            yield event

    def _within_budget(self, request: ChatRequest) -> ChatRequest:
        shares = self._shares(request)
        role = cut_role_information(
            request.grounding.role_information, shares.system_tokens, self._tokens, messages=request.messages
        )
        return replace(
            request,
            messages=trim_history(request.messages, shares.history_tokens, self._tokens),
            grounding=replace(request.grounding, role_information=role),
            sampling=replace(request.sampling, max_tokens=shares.answer_tokens),
        )

    def _shares(self, request: ChatRequest) -> Budget:
        return budget(
            self._answerer.context_tokens,
            prompt_tokens=PROMPT_TOKENS,
            max_answer_tokens=request.sampling.max_tokens,
        )

    def _search(self, request: ChatRequest, intents: Sequence[str]) -> list[SearchResult]:
        """One result an index: the hits of all intents joined by reciprocal rank fusion."""
        options = request.grounding
        images = tuple(image.pixels for image in request.messages[-1].images)
        texts: Sequence[str] = intents or ([""] if images else [])
        results: list[SearchResult] = []
        for source in request.sources:
            queries = [
                Query(
                    text=text,
                    images=images,
                    mode=source.mode,
                    filter=source.filter,
                    groups=options.groups,
                    strictness=options.strictness,
                    top=options.top_n_documents,
                )
                for text in texts
            ]
            found = [self._searcher.search(source.index, query) for query in queries]
            if found:
                results.append(_joined(found, options.top_n_documents))
        return results

    def _documents(self, request: ChatRequest, results: Sequence[SearchResult]) -> tuple[Document, ...]:
        hits = _interleaved(results)[: request.grounding.top_n_documents]
        room = self._shares(request).documents_tokens
        if self._answerer.sees:
            room -= PICTURE_TOKENS * sum(hit.chunk.kind is MediaKind.IMAGE for _, hit in hits)
        documents = select_documents(hits, tokens=room, counter=self._tokens)
        if not self._answerer.sees:
            return documents
        return tuple(replace(d, image=self._picture(d.index, d.hit.chunk)) for d in documents)


def _joined(results: Sequence[SearchResult], top: int) -> SearchResult:
    if len(results) == 1:
        return results[0]
    scores: dict[str, float] = {}
    best: dict[str, Hit] = {}
    for result in results:
        for rank, hit in enumerate(result.hits, 1):
            key = hit.chunk.chunk_id
            scores[key] = scores.get(key, 0.0) + 1 / (RRF_K + rank)
            if key not in best or hit.confidence > best[key].confidence:
                best[key] = hit
    order = sorted(best, key=lambda key: (-scores[key], key))
    rejected = {h.chunk.chunk_id: h for r in results for h in r.rejected if h.chunk.chunk_id not in best}
    return replace(
        results[0],
        hits=tuple(best[key] for key in order[:top]),
        rejected=tuple(sorted(rejected.values(), key=lambda h: -h.confidence)[:top]),
        answers=tuple(a for r in results for a in r.answers),
    )


def _interleaved(results: Sequence[SearchResult]) -> list[tuple[str, Hit]]:
    """Hits of all indexes in one order: by rank in their index, then by confidence."""
    ranked = [(rank, -hit.confidence, r.index, hit) for r in results for rank, hit in enumerate(r.hits)]
    return [(index, hit) for _, _, index, hit in sorted(ranked, key=lambda t: t[:3])]


def collect(events: Sequence[ChatEvent]) -> Answer:
    """The answer that a finished stream amounts to."""
    text = "".join(e.text for e in events if isinstance(e, TextDelta))
    retrieved = next((e for e in events if isinstance(e, Retrieved)), Retrieved(intents=(), citations=(), results=()))
    finished = next(
        (e for e in events if isinstance(e, Finished)),
        Finished(reason="stop", usage=Usage(), answered=True, model=""),
    )
    return Answer(text=text, retrieved=retrieved, finished=finished)
