"""Chat: question → intent → search of every index → documents within the token budget → answer.

The whole answer is a stream of events; an answer that is not streamed is the stream, collected.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

from foveal.errors import InvalidRequestError
from foveal.pipeline.relating import (
    CutThings,
    Relate,
    no_things,
    unrelated,
    with_copies,
    with_relations,
    with_same_objects,
)
from foveal.pipeline.retrieving import Harvest, Retrieve, interleaved, search_sources, search_things
from foveal.ports.models import Answerer, ChatModel
from foveal.retrieval.grounding import Budget, budget, citations, cut_role_information, select_documents, trim_history
from foveal.retrieval.tokens import TokenCounter, image_tokens
from foveal.types.chat import (
    Answer,
    ChatEvent,
    ChatRequest,
    Document,
    Finished,
    Grounded,
    Retrieved,
    TextDelta,
)
from foveal.types.chunks import Chunk
from foveal.types.content import Usage
from foveal.types.search import SearchResult

PROMPT_TOKENS = 600
"""What the answerer's own instructions take of the window, with some room."""
PICTURE_TOKENS = 765
"""A retrieved picture of at most 1,024 px at high detail (85 + 170 x 4 tiles)."""
MOST_SOUGHT = 12
"""Objects of the question's images that are looked for by themselves; each is encoded and searched."""


class Chat:
    """Answers conversations.

    Args:
        retrieve: Searches one data source.
        answerers: What writes answers from documents, by the name of a deployment.
        models: What answers a plain chat, likewise.
        tokens: Counts and cuts.
        picture: JPEG bytes of an image chunk for a model that sees; None when they cannot be had.
        relate: Tells how an image of the question relates to what is found.
        things: Cuts the objects out of an image of the question, to be looked for where its relations are asked for.
    """

    def __init__(
        self,
        *,
        retrieve: Retrieve,
        answerers: Callable[[str], Answerer],
        models: Callable[[str], ChatModel],
        tokens: TokenCounter,
        picture: Callable[[str, Chunk], bytes | None],
        relate: Relate = unrelated,
        things: CutThings = no_things,
    ) -> None:
        self._retrieve = retrieve
        self._answerers = answerers
        self._models = models
        self._tokens = tokens
        self._picture = picture
        self._relate = relate
        self._things = things

    async def stream(self, request: ChatRequest) -> AsyncIterator[ChatEvent]:
        """Answer the last message: `Retrieved` (only with indexes), any `TextDelta`, one `Finished`.

        Raises:
            InvalidRequestError: There is no question.
            IndexNotFoundError: An index does not exist, and its source may not fail.
            FilterError: Likewise a filter that names a field which the index does not have.
            DeploymentNotFoundError: There is no such deployment.
            ModelError: The model failed.
        """
        if not request.messages or not (request.messages[-1].text.strip() or request.messages[-1].images):
            raise InvalidRequestError("There is no question.", remedy="End the conversation with words or an image.")
        if not request.sources:
            model = await asyncio.to_thread(self._models, request.deployment)  # may open model files
            async for event in model.stream(request.messages, request.sampling):
                yield event
            return
        answerer = await asyncio.to_thread(self._answerers, request.deployment)
        request = self._within_budget(request, answerer)
        intents = (await answerer.intents(request))[: request.grounding.max_queries]
        found = await asyncio.to_thread(search_sources, request, intents, self._retrieve)
        if request.messages[-1].images:
            found = replace(found, results=await asyncio.to_thread(self._related_first, request, found, not intents))
        documents = await asyncio.to_thread(self._documents, request, found, answerer)
        yield Retrieved(intents=intents, citations=citations(documents), results=found.results, found_by=found.found_by)
        async for event in answerer.answer(request, documents):
            yield event

    def _within_budget(self, request: ChatRequest, answerer: Answerer) -> ChatRequest:
        shares = _shares(request, answerer)
        role = cut_role_information(
            request.grounding.role_information,
            shares.system_tokens,
            self._tokens,
            messages=request.messages,
            own_limit=request.grounding.role_tokens,
        )
        return replace(
            request,
            messages=trim_history(request.messages, shares.history_tokens, self._tokens),
            grounding=replace(request.grounding, role_information=role),
            sampling=replace(request.sampling, max_tokens=shares.answer_tokens),
        )

    def _related_first(self, request: ChatRequest, found: Harvest, all_is_asked_for: bool) -> tuple[SearchResult, ...]:
        """What was found, copies of the question's images first; then, where relations are all that is asked for, what
        shows the very same objects.
        """
        images = request.messages[-1].images
        results = with_copies(found.results, images, self._relate)
        things = [thing for image in images for thing in self._things(image)] if all_is_asked_for else []
        if not things:
            return results
        sought = search_things(request, things[:MOST_SOUGHT], self._retrieve)
        return with_same_objects(results, sought, images, self._relate)

    def _documents(self, request: ChatRequest, found: Harvest, answerer: Answerer) -> tuple[Document, ...]:
        hits = interleaved(found.results)[: request.grounding.top_n_documents]
        room = _shares(request, answerer).documents_tokens
        pictures = sum(hit.chunk.has_picture for _, hit in hits) if answerer.sees else 0
        shown = min(pictures, room // 2 // PICTURE_TOKENS)  # at least half of the room is for words
        documents = select_documents(hits, tokens=room - shown * PICTURE_TOKENS, counter=self._tokens)
        documents = with_relations(request.messages[-1].images, documents, self._relate)
        return self._with_pictures(documents, shown)

    def _with_pictures(self, documents: Sequence[Document], most: int) -> tuple[Document, ...]:
        """The first so many images with their pictures."""
        images = [d.number for d in documents if d.hit.chunk.has_picture][:most]
        return tuple(
            replace(d, image=self._picture(d.index, d.hit.chunk)) if d.number in images else d for d in documents
        )


def _shares(request: ChatRequest, answerer: Answerer) -> Budget:
    prompt_tokens = PROMPT_TOKENS
    if answerer.sees:
        images = (image for message in request.messages for image in message.images)
        prompt_tokens += sum(image_tokens(i.pixels.shape[1], i.pixels.shape[0], i.detail) for i in images)
    return budget(answerer.context_tokens, prompt_tokens=prompt_tokens, max_answer_tokens=request.sampling.max_tokens)


def collect(events: Sequence[ChatEvent]) -> Answer:
    """The answer that a finished stream amounts to."""
    text = "".join(e.text for e in events if isinstance(e, TextDelta))
    retrieved = next((e for e in events if isinstance(e, Retrieved)), Retrieved(intents=(), citations=(), results=()))
    finished = next(
        (e for e in events if isinstance(e, Finished)),
        Finished(reason="stop", usage=Usage(), answered=True, model=""),
    )
    grounded = next((e for e in events if isinstance(e, Grounded)), None)
    return Answer(text=text, retrieved=retrieved, finished=finished, grounded=grounded)
