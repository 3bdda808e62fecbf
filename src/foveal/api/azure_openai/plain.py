"""Replies of a model server to plain chats that were passed on to it.

Nothing in them is changed: what the contract wants and the server left out is added (contract notes, section 2), and
a stream's chunks go out unread but the first.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import AsyncGenerator, Iterator, Mapping

from fastapi import Request
from fastapi.responses import Response

from foveal.api import limits
from foveal.api.azure_openai.content_filters import ContentFilters, Verdicts
from foveal.api.azure_openai.passing import Passed
from foveal.api.azure_openai.relayed_filters import filter_events, filter_reply
from foveal.api.errors import azure_envelope
from foveal.api.sse import DONE, EventStream, closed_after, event, while_connected
from foveal.api.versions import Version
from foveal.errors import FovealError
from foveal.types.upstream import JsonObject, UpstreamReply, UpstreamStart

_CLIENT_CLOSED = 499
_HEADERS = ("x-ratelimit-", "x-ms-region", "azureml-model-session", "openai-processing-ms")
"""Beginnings of the server's headers that go on to the client."""


async def reply(passed: Passed, request: Request, version: Version, filters: ContentFilters) -> Response:
    """The server's reply, in one piece or as events."""
    if passed.stream:
        return Relayed(passed, version, filters)
    verdicts = Verdicts()
    whole = await while_connected(request.receive, lambda: _answered(passed, filters, verdicts))
    if whole is None:
        return Response(status_code=_CLIENT_CLOSED)
    limits.settle_reported(whole.body)
    body = json.dumps(completed(whole, passed, verdicts), ensure_ascii=False, separators=(",", ":"))
    return Response(body, media_type="application/json", headers=dict(_passed_on(whole.headers)))


async def _answered(passed: Passed, filters: ContentFilters, verdicts: Verdicts) -> UpstreamReply:
    await filters.prompt(passed.request, verdicts)
    whole = await passed.upstream.complete(passed.body)
    await filter_reply(whole.body, filters)
    return whole


def completed(whole: UpstreamReply, passed: Passed, verdicts: Verdicts) -> JsonObject:
    """The reply with what the contract wants and the server left out."""
    body = whole.body
    body.setdefault("id", f"chatcmpl-{uuid.uuid4()}")
    body.setdefault("object", "chat.completion")
    body.setdefault("created", int(time.time()))
    body.setdefault("model", passed.deployment.model)
    body.setdefault("system_fingerprint", None)
    body.setdefault("prompt_filter_results", _of_prompt(verdicts))
    choices = body.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict):
            choice.setdefault("logprobs", None)
            if isinstance(message := choice.get("message"), dict):
                message.setdefault("content", None)
                message.setdefault("refusal", None)
    return body


class Relayed(EventStream):
    """The server's events, each sent on when it comes. A failure before the first leaves as an ordinary error."""

    def __init__(self, passed: Passed, version: Version, filters: ContentFilters) -> None:
        super().__init__(self._relay(passed, version, filters))

    async def _relay(self, passed: Passed, version: Version, filters: ContentFilters) -> AsyncGenerator[bytes, None]:
        opened, verdicts = False, Verdicts()
        try:
            await filters.prompt(passed.request, verdicts)
            async with closed_after(_stream(passed, filters)) as events:
                async for got in events:
                    if isinstance(got, UpstreamStart):
                        self.headers.update(dict(_passed_on(got.headers)))
                        continue
                    limits.settle_event(got)
                    if opened:
                        yield b"data: " + got + b"\n\n"
                    else:
                        for first in _opening(got, version, verdicts):
                            yield first
                        opened = True
        except FovealError as error:
            if not opened:
                raise
            yield event(json.dumps(azure_envelope(error)))
            return
        yield DONE


def _opening(data: bytes, version: Version, verdicts: Verdicts) -> Iterator[bytes]:
    """The service's first event, which has no choices (of the server, or ours), then the first chunk with a role."""
    chunk = json.loads(data)
    key = version.prompt_filter_key
    if not isinstance(chunk, dict) or (chunk.get("choices") == [] and chunk.get("usage")):
        yield b"data: " + data + b"\n\n"
        return
    if chunk.get("choices") == []:
        if key:
            found = chunk.pop("prompt_filter_results", None) or chunk.pop("prompt_annotations", None)
            yield event(json.dumps({**chunk, key: found or _of_prompt(verdicts)}))
        return
    if key:
        first_event = {"id": "", "model": "", "created": 0, "object": "", "choices": []}
        yield event(json.dumps({**first_event, key: _of_prompt(verdicts)}))
    choices = chunk.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    if isinstance(first, dict) and isinstance(delta := first.get("delta"), dict) and "role" not in delta:
        first["delta"] = {"role": "assistant", **delta}
        data = json.dumps(chunk, ensure_ascii=False).encode()
    yield b"data: " + data + b"\n\n"


def _of_prompt(verdicts: Verdicts) -> list[JsonObject]:
    return [{"prompt_index": 0, "content_filter_results": verdicts.prompt.as_json()}]


async def _stream(passed: Passed, filters: ContentFilters) -> AsyncGenerator[UpstreamStart | bytes, None]:
    """The server's events, held back for the filters where an answer may be filtered."""
    wanted = passed.body.get("n")
    answers = wanted if isinstance(wanted, int) else 1
    async with closed_after(passed.upstream.stream(passed.body)) as events:
        async for got in filter_events(events, filters, answers=answers) if filters.engine.holds_answers else events:
            yield got


def _passed_on(headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    return ((name, value) for name, value in headers.items() if name.startswith(_HEADERS))
