"""A stand-in for a model server that requests are passed on to."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator

from foveal.errors import FovealError
from foveal.types.upstream import JsonObject, UpstreamReply, UpstreamStart


class FakeUpstream:
    """Echoes the last message's words; a token is a word.

    Attributes:
        bodies: Every request, in order.
        failure: Raised before anything else, when set.
        failure_after: Raised by `stream` after its first word, when set.
        pause_s: Seconds before each word of a stream.
        closed: How many streams ended before their last word.
        headers: Of every reply.
    """

    def __init__(self) -> None:
        self.bodies: list[JsonObject] = []
        self.failure: FovealError | None = None
        self.failure_after: FovealError | None = None
        self.pause_s = 0.0
        self.closed = 0
        self.headers = {"x-ratelimit-remaining-requests": "7", "set-cookie": "never passed on"}

    @property
    def identity(self) -> str:
        """Constant."""
        return "fake-upstream/1"

    async def complete(self, body: JsonObject) -> UpstreamReply:
        """The echo, with a field that no contract knows."""
        words = self._heard(body)
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "".join(words)}}
        usage = {"prompt_tokens": len(words), "completion_tokens": len(words), "total_tokens": 2 * len(words)}
        reply: JsonObject = {"choices": [choice], "usage": usage, "x_unknown": {"kept": True}}
        return UpstreamReply(headers=self.headers, body=reply)

    async def stream(self, body: JsonObject) -> AsyncIterator[UpstreamStart | bytes]:
        """The same, a word an event."""
        words = self._heard(body)
        finished = False
        try:
            yield UpstreamStart(headers=self.headers)
            for number, word in enumerate(words):
                await asyncio.sleep(self.pause_s)
                if number and self.failure_after is not None:
                    raise self.failure_after
                yield _chunk({"content": word})
            finished = True
            yield _chunk({}, "stop")
        finally:
            self.closed += not finished

    def _heard(self, body: JsonObject) -> list[str]:
        self.bodies.append(body)
        if self.failure is not None:
            raise self.failure
        messages = body["messages"]
        content = messages[-1]["content"] if isinstance(messages, list) else ""
        text = content if isinstance(content, str) else " ".join(part.get("text", "") for part in content or ())
        return re.findall(r"\S+\s*", f"You said: {text}")


def _chunk(delta: JsonObject, reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return json.dumps({"id": "chatcmpl-fake", "object": "chat.completion.chunk", "choices": [choice]}).encode()
