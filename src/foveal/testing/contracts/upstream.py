"""What every `Upstream` must do. Subclass it in your tests and give the fixture `upstream`."""

from __future__ import annotations

import asyncio
import json

import pytest

from foveal.ports.models import Upstream
from foveal.types.upstream import JsonObject, UpstreamStart

ASKED: JsonObject = {"messages": [{"role": "user", "content": "Say something about the harbour at night."}]}


async def events_of(upstream: Upstream, body: JsonObject) -> list[UpstreamStart | bytes]:
    """All events of one reply."""
    return [event async for event in upstream.stream(body)]


class UpstreamContract:
    """The specification of `foveal.ports.Upstream` as tests."""

    @pytest.fixture
    def upstream(self) -> Upstream:
        """The server under test."""
        raise pytest.UsageError("a subclass of UpstreamContract gives the fixture `upstream`")

    def test_a_reply_in_one_piece_is_a_json_object_with_choices(self, upstream: Upstream) -> None:
        """And with its headers, in lower case."""
        reply = asyncio.run(upstream.complete(ASKED))
        choices = reply.body["choices"]
        assert isinstance(choices, list)
        assert choices[0]["message"]["content"]
        assert all(name == name.lower() for name in reply.headers)

    def test_a_stream_is_a_start_and_then_json_events_to_a_finish_reason(self, upstream: Upstream) -> None:
        """`[DONE]` is not among them."""
        start, *events = asyncio.run(events_of(upstream, {**ASKED, "stream": True}))
        assert isinstance(start, UpstreamStart)
        assert all(isinstance(event, bytes) for event in events)
        chunks = [json.loads(event) for event in events if isinstance(event, bytes)]
        choices = [choice for chunk in chunks for choice in chunk["choices"]]
        assert "".join(choice["delta"].get("content") or "" for choice in choices).strip()
        assert choices[-1]["finish_reason"] == "stop"

    def test_the_words_are_the_same_either_way(self, upstream: Upstream) -> None:
        """For a server that always says the same."""
        whole = asyncio.run(upstream.complete(ASKED)).body["choices"]
        events = asyncio.run(events_of(upstream, {**ASKED, "stream": True}))
        chunks = [json.loads(event) for event in events if isinstance(event, bytes)]
        said = "".join(c["delta"].get("content") or "" for chunk in chunks for c in chunk["choices"])
        assert isinstance(whole, list)
        assert whole[0]["message"]["content"] == said

    def test_a_request_is_not_changed_by_being_passed_on(self, upstream: Upstream) -> None:
        """The caller may send it again."""
        body: JsonObject = {**ASKED, "model": "the caller's own"}
        asyncio.run(upstream.complete(body))
        assert body == {**ASKED, "model": "the caller's own"}

    def test_a_stream_can_be_left_early(self, upstream: Upstream) -> None:
        """Leaving after the start disturbs neither this loop nor the next call."""

        async def first_only() -> object:
            return await anext(aiter(upstream.stream({**ASKED, "stream": True})))

        assert asyncio.run(first_only())
        assert asyncio.run(upstream.complete(ASKED)).body["choices"]

    def test_calls_under_way_together_do_not_mix(self, upstream: Upstream) -> None:
        """Four streams at once each come to their own end."""

        async def together() -> list[list[UpstreamStart | bytes]]:
            return await asyncio.gather(*(events_of(upstream, {**ASKED, "stream": True}) for _ in range(4)))

        streams = asyncio.run(together())
        assert [len(events) for events in streams] == [len(streams[0])] * 4

    def test_it_says_who_it_is(self, upstream: Upstream) -> None:
        """A constant."""
        assert upstream.identity
        assert upstream.identity == upstream.identity
