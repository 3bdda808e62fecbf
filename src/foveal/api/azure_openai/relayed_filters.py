"""Content filters on replies that go through as a model server wrote them.

What the server's own filters say is kept; ours are added where it says nothing, and stop an answer either way.
Arguments of tool calls are not judged: their results come without a category.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator

from foveal.api.azure_openai.content_filters import ContentFilters, Guard, sentences
from foveal.api.azure_openai.filter_results import UNFILTERED, FilterResults
from foveal.types.upstream import JsonObject, UpstreamStart


async def filter_reply(body: JsonObject, filters: ContentFilters) -> None:
    """Judge the answers of a reply, and cut off in place what may not be shown."""
    choices = body.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        message = choice.get("message") if isinstance(choice, dict) else None
        if isinstance(message, dict):
            await _filter_choice(choice, message, filters)


async def _filter_choice(choice: JsonObject, message: JsonObject, filters: ContentFilters) -> None:
    text = message.get("content")
    if not isinstance(text, str):
        choice.setdefault("content_filter_results", UNFILTERED.as_json())
        return
    found = await filters.answer(text)
    if found.filtered:  # where is found sentence by sentence, which harmless answers are spared
        guard = Guard(filters)
        message["content"] = "".join([await guard.take(step) + await guard.rest() for step in sentences(text)])
        choice["finish_reason"] = "content_filter"
        choice.pop("content_filter_results", None)
    choice.setdefault("content_filter_results", FilterResults.of(found).as_json())


async def filter_events(
    events: AsyncIterator[UpstreamStart | bytes], filters: ContentFilters, *, answers: int
) -> AsyncGenerator[UpstreamStart | bytes, None]:
    """The events of a stream as they may go out: sentences that were judged, and nothing after one that is filtered.

    Args:
        answers: How many the request asks for (`n`); when all are stopped, so is the stream.
    """
    guards: dict[object, Guard] = {}
    async for got in events:
        chunk: object = None if isinstance(got, UpstreamStart) else json.loads(got)
        choices = chunk.get("choices") if isinstance(chunk, dict) else None
        if not isinstance(chunk, dict) or not isinstance(choices, list) or not choices:
            yield got
            continue
        kept = [choice for choice in choices if isinstance(choice, dict) and await _goes_out(choice, guards, filters)]
        if kept:
            yield json.dumps({**chunk, "choices": kept}, ensure_ascii=False).encode()
        if sum(guard.stopped() for guard in guards.values()) == answers:
            return


async def _goes_out(choice: JsonObject, guards: dict[object, Guard], filters: ContentFilters) -> bool:
    """Rewrite one choice of a chunk; whether anything of it is left to send now."""
    guard = guards.setdefault(choice.get("index"), Guard(filters))
    if guard.stopped():
        return False
    delta = choice.get("delta")
    delta = dict(delta) if isinstance(delta, dict) else {}
    text, ends = delta.pop("content", None), choice.get("finish_reason") is not None
    words = await guard.take(text) if isinstance(text, str) else ""
    if ends:
        words += await guard.rest()
    if guard.stopped():
        delta, choice["finish_reason"] = {}, "content_filter"
    if words or "role" in delta:
        delta["content"] = words
    choice["delta"] = delta
    if words or guard.stopped():
        choice["content_filter_results"] = FilterResults.of(guard.latest).as_json()
    return bool(delta) or ends or guard.stopped()
