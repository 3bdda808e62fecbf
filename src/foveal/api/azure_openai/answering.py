"""From a chat request to its reply: read, answer, write, in one piece or as events."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, replace

from fastapi import Request
from fastapi.responses import Response

from foveal.api.auth import caller_of
from foveal.api.azure_openai import plain
from foveal.api.azure_openai.content_filters import ContentFilters, Verdicts
from foveal.api.azure_openai.contexts import ContextWriter
from foveal.api.azure_openai.convert import Asked, of_version, read_chat, read_given
from foveal.api.azure_openai.enhancements import EnhancingWriter
from foveal.api.azure_openai.operations import require
from foveal.api.azure_openai.passing import Passed, is_passed, passed
from foveal.api.azure_openai.replies import Frame, Writer, writer
from foveal.api.azure_openai.schemas import ChatCompletion, ChatCompletionChunk
from foveal.api.azure_openai.video_failures import FailureWriter
from foveal.api.bodies import read_body
from foveal.api.crowd import Threads
from foveal.api.engine import Engine
from foveal.api.errors import GroundedError, azure_envelope, grounded_envelope
from foveal.api.limits import settle
from foveal.api.links import Links
from foveal.api.sse import DONE, EventStream, closed_after, event, while_connected
from foveal.api.versions import Version
from foveal.api.wire import request_id
from foveal.errors import FovealError, InvalidRequestError
from foveal.types.chat import Answer, ChatEvent, Finished, Grounded, Retrieved, TextDelta
from foveal.types.content import Usage
from foveal.types.status import Deployment

NOTHING_RETRIEVED = Retrieved(intents=(), citations=(), results=())
NOTHING_SAID = Finished(reason="stop", usage=Usage(), answered=True, model="")
CLIENT_CLOSED = 499
"""Status nobody reads: the caller hung up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """Answers chat requests.

    Attributes:
        max_body_bytes: Longest request body.
    """

    engine: Engine
    threads: Threads
    max_body_bytes: int

    async def chat(self, request: Request, version: Version, deployment: str | None) -> Response:
        """Answer a chat completion request.

        Args:
            deployment: From the path; None where the body names it as `model`.
        """
        data = await read_body(request, limit_bytes=self.max_body_bytes)
        read = await self.threads.run(self._read, data, deployment, request)
        if isinstance(read, Passed):
            return await plain.reply(read, request, version, self.filters)
        asked, chosen = read
        asked = of_version(asked, version)
        context = ContextWriter(asked=asked, links=Links.of(request), rerank_score=version.rerank_score)
        verdicts = Verdicts()
        wire = writer(Frame(model=chosen.model), version, context, verdicts)
        if asked.failure is not None:
            wire = FailureWriter(wire, asked.failure)
        elif asked.enhanced:
            images = sum(len(message.images) for message in asked.request.messages)
            wire = EnhancingWriter(wire, images, version.finish_details)
        if asked.stream:
            return EventStream(self._events(asked, wire, verdicts, request_id(request)))
        whole = await while_connected(request.receive, lambda: self._whole(asked, wire, verdicts))
        if whole is None:
            return Response(status_code=CLIENT_CLOSED)
        return Response(whole.json_text(), media_type="application/json")

    @property
    def filters(self) -> ContentFilters:
        """What judges prompts and answers."""
        return ContentFilters(engine=self.engine, threads=self.threads)

    async def deployments(self) -> list[Deployment]:
        """All of them."""
        return await self.threads.run(self.engine.deployments)

    async def deployment(self, name: str) -> Deployment:
        """One of them.

        Raises:
            DeploymentNotFoundError: No such deployment.
        """
        return await self.threads.run(self.engine.deployment, name)

    def _read(self, data: bytes, deployment: str | None, request: Request) -> tuple[Asked, Deployment] | Passed:
        if deployment is not None:
            self.engine.deployment(deployment)
        given = read_given(data)
        name = deployment or given.body.model
        if not name:
            raise InvalidRequestError("`model` is missing: it names the deployment.")
        chosen = self.engine.deployment(name)
        require(chosen, "chatCompletion")
        upstream = self.engine.upstream(name) if is_passed(given.body) else None
        if upstream is not None:
            return passed(given, chosen, upstream, self.engine)
        groups, here = caller_of(request).groups, str(request.base_url)
        asked = read_chat(given, self.engine, groups=groups, here=here, links=Links.of(request))
        return replace(asked, request=replace(asked.request, deployment=name)), chosen

    async def _whole(self, asked: Asked, wire: Writer, verdicts: Verdicts) -> ChatCompletion:
        text: list[str] = []
        retrieved, finished, grounded = NOTHING_RETRIEVED, NOTHING_SAID, None
        async with closed_after(self._answer(asked, verdicts)) as events:
            async for got in events:
                if isinstance(got, Retrieved):
                    retrieved = got
                elif isinstance(got, TextDelta):
                    text.append(got.text)
                elif isinstance(got, Grounded):
                    grounded = got
                elif isinstance(got, Finished):
                    finished = got
        return wire.whole(Answer(text="".join(text), retrieved=retrieved, finished=finished, grounded=grounded))

    async def _events(
        self, asked: Asked, wire: Writer, verdicts: Verdicts, request_id: str
    ) -> AsyncGenerator[bytes, None]:
        """The stream. Its opening waits for the first words, so that failures before them have their own status."""
        retrieved, opened = NOTHING_RETRIEVED, False
        try:
            async with closed_after(self._answer(asked, verdicts)) as events:
                async for got in events:
                    if isinstance(got, Retrieved):
                        retrieved = got
                        continue
                    if not opened:
                        for chunk in wire.opening(retrieved):
                            yield _line(chunk)
                        opened = True
                    for chunk in _chunks(got, wire, include_usage=asked.include_usage):
                        yield _line(chunk)
        except (FovealError, GroundedError) as error:
            if not opened:
                raise
            yield event(_failure(error, request_id))
            return
        if wire.done:
            yield DONE

    async def _answer(self, asked: Asked, verdicts: Verdicts) -> AsyncGenerator[ChatEvent, None]:
        filters = self.filters
        if asked.failure is not None:
            yield TextDelta(text=str(asked.failure))
            yield NOTHING_SAID
            return
        try:
            await filters.prompt(asked.request, verdicts)
            async with closed_after(filters.guarded(self.engine.chat(asked.request), verdicts)) as events:
                async for got in events:
                    if isinstance(got, Finished):
                        settle(got.usage)
                    yield got
        except FovealError as error:
            if asked.grounded:
                raise GroundedError(error) from error
            raise


def _chunks(
    got: TextDelta | Grounded | Finished, wire: Writer, *, include_usage: bool
) -> Iterator[ChatCompletionChunk]:
    if isinstance(got, TextDelta):
        yield wire.piece(got.text)
        return
    if isinstance(got, Grounded):
        yield from wire.places(got)
        return
    yield wire.closing(got)
    if include_usage:
        yield wire.usage(got.usage)


def _line(chunk: ChatCompletionChunk) -> bytes:
    return event(chunk.json_text())


def _failure(error: FovealError | GroundedError, request_id: str) -> str:
    """The JSON of an event for a failure in mid-stream: OpenAI clients raise on a top-level `error`."""
    if isinstance(error, GroundedError):
        return json.dumps(grounded_envelope(error.error, request_id))
    return json.dumps(azure_envelope(error))
