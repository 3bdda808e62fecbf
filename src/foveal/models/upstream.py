"""Requests passed on to a model server as they came, through the official SDK's connection.

The SDK signs, addresses and sends; bodies go through it as plain JSON objects and come back as bytes, so nothing a
server knows is lost on the way and no chunk is validated or written anew.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from foveal.errors import FovealError, ModelFailedError, UpstreamRequestError
from foveal.models.background_loop import relay, spawn
from foveal.models.limits import CallLimit, Meter, Spending, estimate_tokens
from foveal.models.openai_client import Connection, Endpoint
from foveal.models.openai_errors import timed_out
from foveal.types.content import Usage
from foveal.types.upstream import JsonObject, UpstreamReply, UpstreamStart

if TYPE_CHECKING:
    from httpx2 import Response
    from openai import APIStatusError

_PATH = "/chat/completions"
_ANSWER_TOKENS = 1500
"""Reserved for an answer without a limit of its own."""
_PART_TOKENS = 765
"""Reserved for a part that is not text: an image of at most 1,024 px at high detail (85 + 170 x 4 tiles)."""
_CALLERS_FAULT = frozenset({400, 413, 415, 422})
"""Statuses that say something of the request itself; 401, 403 and 404 say something of the operator's settings."""
_FINISHED = re.compile(rb'"finish_reason":\s*"')
_USAGE = re.compile(rb'"usage":\s*\{')
_ERROR = re.compile(rb'^\s*\{\s*"error"')
_RAW = {"X-Stainless-Raw-Response": "stream"}
"""The SDK's own mark (`openai._constants.RAW_RESPONSE_HEADER`) of calls whose body it leaves unread."""


class OpenAIUpstream:
    """`ports.Upstream` over any OpenAI-compatible server or Azure OpenAI.

    A request is tried once, since its sender retries; only a kept connection that turns out to be closed is tried
    again.

    Args:
        endpoint: Server and model.
        meter: What pays for calls.
        limit: Shared limit on calls at once.
    """

    def __init__(self, endpoint: Endpoint, *, meter: Meter | None = None, limit: CallLimit | None = None) -> None:
        self._connection = Connection(endpoint, meter=meter, limit=limit)

    @property
    def identity(self) -> str:
        """Model and server."""
        endpoint = self._connection.endpoint
        return f"openai-upstream:{endpoint.model}@{endpoint.host}"

    async def complete(self, body: JsonObject) -> UpstreamReply:
        """See `ports.Upstream`."""
        return await asyncio.wrap_future(spawn(self._complete(body)))

    def stream(self, body: JsonObject) -> AsyncIterator[UpstreamStart | bytes]:
        """See `ports.Upstream`."""
        return relay(lambda: self._stream(body))

    async def _complete(self, body: JsonObject) -> UpstreamReply:
        async with self._connection.call(most_usage(body)) as spending:
            response = await self._send(body)
            with self._reading():
                reply = json.loads(await response.aread())
            if not isinstance(reply, dict):
                raise self._connection.malformed("its reply is not a JSON object")
            spending.used = _usage(reply.get("usage")) or spending.used
        return UpstreamReply(headers=_lowered(response), body=reply)

    async def _stream(self, body: JsonObject) -> AsyncGenerator[UpstreamStart | bytes, None]:
        most = most_usage(body)
        async with self._connection.call(most) as spending:
            response = await self._send(body)
            try:
                if "text/event-stream" not in response.headers.get("content-type", ""):
                    raise self._connection.malformed("its reply is not a stream")
                yield UpstreamStart(headers=_lowered(response))
                with self._reading():
                    async for data in self._events(response, spending, most.prompt_tokens):
                        yield data
            finally:
                await response.aclose()

    async def _events(self, response: Response, spending: Spending, prompt_tokens: int) -> AsyncGenerator[bytes, None]:
        finished, pieces = False, 0
        async for data in _event_data(response.aiter_bytes()):
            if data == b"[DONE]":
                break
            if _ERROR.match(data):
                raise self._mid_stream(data)
            finished = finished or _FINISHED.search(data) is not None
            pieces += 1  # servers send about a token an event
            reported = _usage(json.loads(data).get("usage")) if _USAGE.search(data) else None
            spending.used = reported or Usage(prompt_tokens=prompt_tokens, completion_tokens=pieces)
            yield data
        if not finished:
            raise self._broken_off()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Translate what the SDK's HTTP client raises while a body is read; before that the SDK translates."""
        import httpx2

        try:
            yield
        except httpx2.TimeoutException as error:
            raise timed_out(self._connection.endpoint.name) from error
        except httpx2.TransportError as error:
            raise self._broken_off() from error

    def _broken_off(self) -> ModelFailedError:
        name = self._connection.endpoint.name
        return ModelFailedError(f"{name} broke off in the middle of its answer.", remedy="Try again.")

    def _mid_stream(self, data: bytes) -> FovealError:
        error = json.loads(data).get("error")
        words = error.get("message") if isinstance(error, dict) else error
        return ModelFailedError(f"{self._connection.endpoint.name} failed in the middle of its answer: {words}")

    async def _send(self, body: JsonObject) -> Response:
        """The reply with its body unread.

        Raises:
            UpstreamRequestError: The server says that the request is wrong.
            ModelFailedError: It failed.
            openai.OpenAIError: Anything else, a content filter's refusal too.
        """
        import openai

        try:
            try:
                return await self._post(body)
            except openai.APITimeoutError:
                raise
            except openai.APIConnectionError:
                return await self._post(body)
        except openai.APIStatusError as error:
            if error.status_code in _CALLERS_FAULT and error.code != "content_filter":
                raise _refused(error) from error
            if error.status_code >= 500 and error.status_code != 504:
                raise ModelFailedError(
                    f"{self._connection.endpoint.name} failed (HTTP {error.status_code}): {_words(error)}",
                    remedy="Try again.",
                ) from error
            raise

    async def _post(self, body: JsonObject) -> Response:
        from httpx2 import Response

        return await self._connection.client.post(
            _PATH,
            cast_to=Response,
            body={**body, "model": self._connection.endpoint.model},
            options={"max_retries": 0, "headers": _RAW},
        )


def most_usage(body: Mapping[str, object]) -> Usage:
    """What a request may use at most, nearly: its counted words, a flat price for other parts, the answer's limit."""
    messages = body.get("messages")
    prompt = sum(_message_tokens(message) for message in messages) if isinstance(messages, list) else 0
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    answers = body.get("n")
    each = limit if isinstance(limit, int) else _ANSWER_TOKENS
    return Usage(prompt_tokens=prompt, completion_tokens=each * (answers if isinstance(answers, int) else 1))


def _message_tokens(message: object) -> int:
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, str):
        return estimate_tokens(content)
    parts = [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    return sum(estimate_tokens(text) if isinstance(text := part.get("text"), str) else _PART_TOKENS for part in parts)


async def _event_data(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The `data` of each event (WHATWG HTML, section 9.2); comments and other fields are read past."""
    rest, data = b"", b""
    async for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            bare = line.rstrip(b"\r")
            if bare.startswith(b"data:"):
                data = data + b"\n" + bare[5:].strip() if data else bare[5:].strip()
            elif not bare and data:
                yield data
                data = b""
    if data := data or rest.removeprefix(b"data:").strip():
        yield data


def _refused(error: APIStatusError) -> UpstreamRequestError:
    return UpstreamRequestError(
        _words(error),
        wire_code=str(error.code or ""),
        param=error.param if isinstance(error.param, str) else None,
    )


def _words(error: APIStatusError) -> str:
    body = error.body if isinstance(error.body, dict) else {}
    said = body.get("message")
    return (said if isinstance(said, str) and said else f"The model server answered HTTP {error.status_code}.")[:2000]


def _usage(reported: object) -> Usage | None:
    if not isinstance(reported, dict):
        return None
    prompt, completion = reported.get("prompt_tokens"), reported.get("completion_tokens")
    return Usage(
        prompt_tokens=prompt if isinstance(prompt, int) else 0,
        completion_tokens=completion if isinstance(completion, int) else 0,
    )


def _lowered(response: Response) -> Mapping[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}
