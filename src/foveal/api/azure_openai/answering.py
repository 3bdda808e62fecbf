"""From a chat request to its reply: read, answer, write, in one piece or as events."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import Response

from foveal.api.auth import Caller, caller_of
from foveal.api.azure_openai.contexts import ContextWriter
from foveal.api.azure_openai.convert import Asked, read_chat
from foveal.api.azure_openai.replies import Frame, Writer, writer
from foveal.api.azure_openai.schemas import ChatCompletion, ChatCompletionChunk
from foveal.api.bodies import read_body
from foveal.api.crowd import Threads
from foveal.api.engine import Engine
from foveal.api.errors import GroundedError, azure_envelope, grounded_envelope
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
        asked, chosen = await self.threads.run(self._read, data, deployment, caller_of(request))
        context = ContextWriter(asked=asked, links=Links.of(request), rerank_score=version.rerank_score)
        wire = writer(Frame(model=chosen.model), version, context)
        if asked.stream:
            return EventStream(self._events(asked, wire, request_id(request)))
        whole = await while_connected(request.receive, lambda: self._whole(asked, wire))
        if whole is None:
            return Response(status_code=CLIENT_CLOSED)
        return Response(whole.json_text(), media_type="application/json")

    async def deployments(self) -> list[Deployment]:
        """All of them."""
        return await self.threads.run(self.engine.deployments)

    async def deployment(self, name: str) -> Deployment:
        """One of them.

        Raises:
            DeploymentNotFoundError: No such deployment.
        """
        return await self.threads.run(self._deployment, name)

    def _read(self, data: bytes, deployment: str | None, caller: Caller) -> tuple[Asked, Deployment]:
        if deployment is not None:
            self.engine.check_deployment(deployment)
        asked = read_chat(data, self.engine, groups=caller.groups)
        name = deployment or asked.deployment
        if not name:
            raise InvalidRequestError("`model` is missing: it names the deployment.")
        return asked, self._deployment(name)

    def _deployment(self, name: str) -> Deployment:
        self.engine.check_deployment(name)
        known = {d.name: d for d in self.engine.deployments()}
        # A runtime may know more names than it lists (aliases): then the name is all there is to show.
        return known.get(name) or Deployment(name=name, model=name, sees=False, context_tokens=0)

    async def _whole(self, asked: Asked, wire: Writer) -> ChatCompletion:
        text: list[str] = []
        retrieved, finished = NOTHING_RETRIEVED, NOTHING_SAID
        async with closed_after(self._answer(asked)) as events:
            async for got in events:
                if isinstance(got, Retrieved):
                    retrieved = got
                elif isinstance(got, TextDelta):
                    text.append(got.text)
                elif isinstance(got, Finished):
                    finished = got
        return wire.whole(Answer(text="".join(text), retrieved=retrieved, finished=finished))

    async def _events(self, asked: Asked, wire: Writer, request_id: str) -> AsyncGenerator[bytes, None]:
        """The stream. Its opening waits for the first words, so that failures before them have their own status."""
        retrieved, opened = NOTHING_RETRIEVED, False
        try:
            async with closed_after(self._answer(asked)) as events:
                async for got in events:
                    if isinstance(got, Retrieved):
                        retrieved = got
                        continue
                    if isinstance(got, Grounded):
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

    async def _answer(self, asked: Asked) -> AsyncGenerator[ChatEvent, None]:
        try:
            async with closed_after(self.engine.chat(asked.request)) as events:
                async for got in events:
                    yield got
        except FovealError as error:
            if asked.grounded:
                raise GroundedError(error) from error
            raise


def _chunks(got: TextDelta | Finished, wire: Writer, *, include_usage: bool) -> Iterator[ChatCompletionChunk]:
    if isinstance(got, TextDelta):
        yield wire.piece(got.text)
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
