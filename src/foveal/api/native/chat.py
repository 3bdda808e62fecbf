"""Chat as Foveal's own pages read it: the request of Azure OpenAI On Your Data, answered with everything known.

The body is that of `chat/completions` with `data_sources`, its deployment as `model`; so a program that was tried out
here goes on to the standard addresses with the same request. The reply is a stream of the events in `chat_schemas`.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from foveal.api import markdown
from foveal.api.auth import Caller, caller_of
from foveal.api.azure_openai.content_filters import ContentFilters, Verdicts
from foveal.api.azure_openai.convert import read_chat, read_given
from foveal.api.azure_openai.operations import require
from foveal.api.azure_openai.schemas import ChatBody
from foveal.api.bodies import documented, read_body
from foveal.api.crowd import Threads
from foveal.api.engine import Engine
from foveal.api.errors import GroundedError, azure_envelope
from foveal.api.limits import settle
from foveal.api.links import Links
from foveal.api.native import convert
from foveal.api.native.chat_schemas import (
    BlockEvent,
    ChatCitationOut,
    ChatEventOut,
    FinishedEvent,
    NearestOut,
    RelationOut,
    RetrievedEvent,
    TextEvent,
)
from foveal.api.sse import DONE, EventStream, closed_after, event
from foveal.errors import FovealError, InvalidRequestError
from foveal.types.chat import ChatEvent, ChatRequest, Citation, Finished, Retrieved, TextDelta
from foveal.types.relations import Relation
from foveal.types.search import Hit

NEAREST = 6
"""Things offered where there is no answer."""
STREAM: dict[int | str, dict[str, object]] = {200: {"content": {"text/event-stream": {}}}}
Format = Literal["text", "html"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chatting:
    """What the route works with."""

    engine: Engine
    threads: Threads
    max_body_bytes: int

    def read(self, data: bytes, caller: Caller, here: str) -> ChatRequest:
        """The request in a body. It computes: call it in a worker thread.

        Raises:
            FovealError: Anything is wrong with it.
        """
        try:
            given = read_given(data)
            if not given.body.model:
                raise InvalidRequestError("`model` is missing: it names the deployment.")
            chosen = self.engine.deployment(given.body.model)
            require(chosen, "chatCompletion")
            asked = read_chat(given, self.engine, groups=caller.groups, here=here)
        except GroundedError as error:
            raise error.error from None
        if asked.failure is not None:
            raise asked.failure
        return replace(asked.request, deployment=chosen.name)

    async def events(self, request: ChatRequest, links: Links, format_: Format) -> AsyncGenerator[bytes, None]:
        """The stream. What goes wrong after its first event is an event with `error`."""
        started = False
        filters, verdicts = ContentFilters(engine=self.engine, threads=self.threads), Verdicts()
        writer = _Writer(links=links, html=format_ == "html")
        try:
            await filters.prompt(request, verdicts)
            async with closed_after(filters.guarded(self.engine.chat(request), verdicts)) as got:
                async for one in got:
                    for out in writer.written(one):
                        yield event(out.model_dump_json())
                        started = True
        except FovealError as error:
            if not started:
                raise
            yield event(json.dumps(azure_envelope(error)))
            return
        yield DONE


@dataclass(slots=True, kw_only=True)
class _Writer:
    """Events of the engine → events of the wire; as HTML, the blocks that changed."""

    links: Links
    html: bool
    text: str = ""
    shown: dict[int, str] = field(default_factory=dict)

    def written(self, got: ChatEvent) -> Iterator[ChatEventOut]:
        if isinstance(got, Retrieved):
            yield _retrieved(got, self.links)
        elif isinstance(got, TextDelta):
            yield from self._blocks(got.text) if self.html else (TextEvent(text=got.text),)
        elif isinstance(got, Finished):
            settle(got.usage)
            yield FinishedEvent(
                id=f"chatcmpl-{uuid.uuid4()}",
                reason=got.reason,
                answered=got.answered,
                model=got.model,
                prompt_tokens=got.usage.prompt_tokens,
                completion_tokens=got.usage.completion_tokens,
            )

    def _blocks(self, more: str) -> Iterator[ChatEventOut]:
        """The text goes out too: it is what is copied and sent back as history."""
        self.text += more
        yield TextEvent(text=more)
        for number, html in markdown.render_blocks(self.text, max(0, len(self.shown) - 1)):
            if self.shown.get(number) != html:
                self.shown[number] = html
                yield BlockEvent(block=number, html=html)


def router(chatting: Chatting) -> APIRouter:
    """The one route."""
    routes = APIRouter(prefix="/v1", tags=["Foveal"])

    @routes.post("/chat", response_class=Response, responses=STREAM, openapi_extra=documented(ChatBody))
    async def chat(
        request: Request,
        format: Annotated[
            Format, Query(description="`html` adds the answer as cleaned HTML, block by block.")
        ] = "text",
    ) -> Response:
        """Answer a conversation as a stream of events that say everything about what it rests on."""
        data = await read_body(request, limit_bytes=chatting.max_body_bytes)
        asked = await chatting.threads.run(chatting.read, data, caller_of(request), str(request.base_url))
        return EventStream(chatting.events(asked, Links.of(request), format))

    return routes


def _retrieved(got: Retrieved, links: Links) -> RetrievedEvent:
    hits = {(result.index, hit.chunk.chunk_id): hit for result in got.results for hit in result.hits}
    return RetrievedEvent(
        intents=list(got.intents),
        citations=[_citation(c, hits.get((c.index, c.chunk.chunk_id)), links) for c in got.citations],
        nearest=_nearest(got, links),
    )


def _citation(citation: Citation, hit: Hit | None, links: Links) -> ChatCitationOut:
    return ChatCitationOut(
        **convert.chunk_out(citation.chunk, citation.index, links).model_dump(),
        number=citation.number,
        index=citation.index,
        text=citation.text,
        extract=convert.extract_out(citation.extract) if citation.extract else None,
        relations=[_relation(one) for one in citation.relations],
        confidence=hit.confidence if hit else 0.0,
        legs=convert.legs_out(hit) if hit else [],
    )


def _relation(relation: Relation) -> RelationOut:
    return RelationOut(
        kind=relation.kind,
        score=relation.score,
        reason=relation.reason,
        boxes=[convert.box_out(box) for box in relation.boxes],
        shown_boxes=[convert.box_out(box) for box in relation.shown_boxes],
        image=relation.image,
    )


def _nearest(got: Retrieved, links: Links) -> list[NearestOut]:
    cited = {(c.index, c.chunk.chunk_id) for c in got.citations}
    found: Sequence[tuple[str, Hit]] = [
        (result.index, hit) for result in got.results for hit in (*result.hits, *result.rejected)
    ]
    best = sorted(
        (one for one in found if (one[0], one[1].chunk.chunk_id) not in cited), key=lambda o: -o[1].confidence
    )
    return [
        NearestOut(**convert.hit_out(hit, index, links, explain=True).model_dump(), index=index)
        for index, hit in best[:NEAREST]
    ]
