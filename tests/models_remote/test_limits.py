"""Retries, deadlines, concurrency and budget, against a server that misbehaves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.errors import BudgetError, ModelOverloadedError, ModelTimeoutError
from foveal.models.limits import Budget, CallLimit, Price, retry_after_s
from foveal.models.openai_captioner import OpenAICaptioner
from foveal.models.openai_chat import OpenAIChatModel
from foveal.models.openai_client import Endpoint
from foveal.models.openai_embedder import OpenAITextEmbedder
from foveal.testing.contracts.chat_model import events_of
from foveal.testing.openai_server import Faults, OpenAIServer
from foveal.types.chat import Finished, Message, Sampling, TextDelta
from foveal.types.content import Usage

_HELLO = (Message(role="user", text="Hello harbour"),)
_PICTURE = np.full((32, 48, 3), 120, dtype=np.uint8)


def _captioner(endpoint: Endpoint, budget: Budget | None = None) -> OpenAICaptioner:
    meter = (budget or Budget()).meter("caption")
    return OpenAICaptioner(endpoint, prompt="Describe the image", prompt_version="1", meter=meter)


def test_an_overloaded_server_is_asked_again_after_the_wait_it_asked_for(
    server: OpenAIServer, endpoint: Endpoint
) -> None:
    server.faults = Faults(overloaded=2, retry_after_s=0.2)
    started = time.monotonic()
    assert _captioner(replace(endpoint, max_retries=2)).caption(_PICTURE, "").text
    assert len(server.calls) == 3
    assert 0.4 <= time.monotonic() - started < 0.4 + 2


def test_retries_end(server: OpenAIServer, endpoint: Endpoint) -> None:
    server.faults = Faults(overloaded=9)
    with pytest.raises(ModelOverloadedError):
        _captioner(replace(endpoint, max_retries=2)).caption(_PICTURE, "")
    assert len(server.calls) == 3


def test_a_broken_server_is_asked_again(server: OpenAIServer, endpoint: Endpoint) -> None:
    server.faults = Faults(broken=1)
    events = asyncio.run(events_of(OpenAIChatModel(replace(endpoint, max_retries=1)), _HELLO))
    assert isinstance(events[-1], Finished)
    assert len(server.calls) == 2


def test_a_caption_is_exactly_one_call(server: OpenAIServer, endpoint: Endpoint) -> None:
    _captioner(endpoint).caption(_PICTURE, '{"camera": "box"}')
    assert len(server.calls) == 1
    assert server.captioner.calls == 1


@pytest.mark.parametrize("role", ["chat", "caption", "embedding"])
def test_a_server_that_hangs_is_left_at_the_deadline(server: OpenAIServer, endpoint: Endpoint, role: str) -> None:
    server.faults = Faults(hang_s=20)
    hasty = replace(endpoint, timeout_s=0.3)
    started = time.monotonic()
    call: dict[str, Callable[[], object]] = {
        "chat": lambda: asyncio.run(events_of(OpenAIChatModel(hasty), _HELLO)),
        "caption": lambda: _captioner(hasty).caption(_PICTURE, ""),
        "embedding": lambda: OpenAITextEmbedder(hasty, dim=64).embed_queries(["hello"]),
    }
    with pytest.raises(ModelTimeoutError):
        call[role]()
    assert time.monotonic() - started < 3


def test_a_server_that_trickles_is_left_at_the_deadline_too(server: OpenAIServer, endpoint: Endpoint) -> None:
    server.faults = Faults(trickle_s=0.1, reply="x" * 300)
    started = time.monotonic()
    with pytest.raises(ModelTimeoutError):
        asyncio.run(events_of(OpenAIChatModel(replace(endpoint, timeout_s=0.5)), _HELLO))
    assert time.monotonic() - started < 3


def test_no_more_calls_are_under_way_than_the_endpoint_allows(server: OpenAIServer, endpoint: Endpoint) -> None:
    server.faults = Faults(hang_s=0.05)
    captioner = _captioner(replace(endpoint, concurrency=2))
    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(lambda _: captioner.caption(_PICTURE, "").text, range(6)))
    assert server.most_at_once == 2


def test_roles_that_share_a_server_share_its_limit(server: OpenAIServer, endpoint: Endpoint) -> None:
    server.faults = Faults(hang_s=0.05)
    limit = CallLimit(1)
    first = OpenAITextEmbedder(endpoint, dim=64, limit=limit)
    second = OpenAITextEmbedder(endpoint, dim=64, limit=limit)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: (first, second)[n % 2].embed_queries(["x"]), range(4)))
    assert server.most_at_once == 1


def test_leaving_an_answer_early_gives_its_place_back(server: OpenAIServer, endpoint: Endpoint) -> None:
    server.faults = Faults(trickle_s=0.02, reply="word " * 500)
    chat = OpenAIChatModel(replace(endpoint, concurrency=1))

    async def leave() -> None:
        stream = chat.stream(_HELLO, Sampling())
        async for _ in stream:
            break
        await stream.aclose()  # type: ignore[attr-defined]

    asyncio.run(leave())
    server.faults = Faults()
    started = time.monotonic()
    assert isinstance(asyncio.run(events_of(chat, _HELLO))[-1], Finished)
    assert time.monotonic() - started < 5


def test_a_cancelled_answer_gives_its_place_back(server: OpenAIServer, endpoint: Endpoint) -> None:
    server.faults = Faults(hang_s=20)
    chat = OpenAIChatModel(replace(endpoint, concurrency=1))

    async def cancelled() -> None:
        async with asyncio.timeout(0.2):
            await events_of(chat, _HELLO)

    with pytest.raises(TimeoutError):
        asyncio.run(cancelled())
    server.faults = Faults()
    assert isinstance(asyncio.run(events_of(chat, _HELLO))[-1], Finished)


def test_the_budget_stops_before_the_call_that_could_pass_it(server: OpenAIServer, endpoint: Endpoint) -> None:
    budget = Budget(max_tokens=4_000)
    captioner = _captioner(endpoint, budget)
    with pytest.raises(BudgetError) as caught:
        list(map(captioner.caption, [_PICTURE] * 100, [""] * 100))
    used = budget.usage["caption"]
    assert 0 < used.prompt_tokens + used.completion_tokens <= 4_000
    assert len(server.calls) == budget.calls["caption"] < 100
    assert caught.value.remedy


def test_calls_under_way_together_cannot_pass_the_budget(server: OpenAIServer, endpoint: Endpoint) -> None:
    server.faults = Faults(hang_s=0.05)
    budget = Budget(max_tokens=3_000)
    captioner = _captioner(replace(endpoint, concurrency=8), budget)

    def caption(_: int) -> bool:
        try:
            return bool(captioner.caption(_PICTURE, "").text)
        except BudgetError:
            return False

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(caption, range(8)))
    assert 0 < sum(done) < 8
    used = budget.usage["caption"]
    assert used.prompt_tokens + used.completion_tokens <= 3_000


def test_money_is_counted_by_each_roles_price() -> None:
    budget = Budget(max_cost=1.0)
    meter = budget.meter("chat", Price(prompt=2.0, completion=10.0))
    with meter.spending(Usage(prompt_tokens=100_000, completion_tokens=50_000)) as spending:
        assert budget.cost == pytest.approx(0.7)
        spending.used = Usage(prompt_tokens=100_000, completion_tokens=10_000)
    assert budget.cost == pytest.approx(0.3)
    with pytest.raises(BudgetError, match=r"0\.3000 of 1\.0000"), meter.spending(Usage(completion_tokens=80_000)):
        pytest.fail("the call was made")


def test_a_call_that_fails_costs_nothing(server: OpenAIServer, endpoint: Endpoint) -> None:
    budget = Budget(max_tokens=2_000)
    server.faults = Faults(overloaded=9)
    for _ in range(3):
        with pytest.raises(ModelOverloadedError):
            _captioner(endpoint, budget).caption(_PICTURE, "")
    assert budget.usage["caption"] == Usage()


def test_usage_is_kept_by_role(server: OpenAIServer, endpoint: Endpoint) -> None:
    budget = Budget()
    asyncio.run(events_of(OpenAIChatModel(endpoint, meter=budget.meter("chat")), _HELLO))
    OpenAITextEmbedder(endpoint, dim=64, meter=budget.meter("embedding")).embed_passages(["one two three"])
    assert budget.usage["embedding"] == Usage(prompt_tokens=3)
    assert budget.usage["chat"].completion_tokens > 0


def test_a_server_that_reports_no_usage_is_charged_by_estimate(server: OpenAIServer, endpoint: Endpoint) -> None:
    server.faults = Faults(no_usage=True)
    budget = Budget()
    events = asyncio.run(events_of(OpenAIChatModel(endpoint, meter=budget.meter("chat")), _HELLO))
    words = "".join(event.text for event in events if isinstance(event, TextDelta))
    assert budget.usage["chat"].prompt_tokens > 0
    assert budget.usage["chat"].completion_tokens >= len(words.split())


@given(
    limit=st.integers(0, 500),
    calls=st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100)), max_size=20),
)
def test_a_budget_is_never_passed_while_reservations_hold(limit: int, calls: list[tuple[int, int]]) -> None:
    budget = Budget(max_tokens=limit)
    meter = budget.meter("any")
    spent = 0
    for most, used in calls:
        try:
            with meter.spending(Usage(prompt_tokens=most)) as spending:
                spending.used = Usage(prompt_tokens=min(used, most))
                spent += min(used, most)
        except BudgetError:
            assert spent + most > limit
    assert spent <= limit
    assert budget.usage.get("any", Usage()).prompt_tokens == spent


def test_waits_are_read_in_all_three_forms() -> None:
    assert retry_after_s({"retry-after-ms": "1500", "retry-after": "9"}) == 1.5
    assert retry_after_s({"retry-after": "2"}) == 2.0
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert 55 < (retry_after_s({"retry-after": soon}) or 0) <= 60


@given(st.text())
def test_a_wait_that_makes_no_sense_is_no_wait(value: str) -> None:
    wait_s = retry_after_s({"retry-after": value})
    assert wait_s is None or 0 <= wait_s < float("inf")


def test_answers_are_the_same_from_many_event_loops(server: OpenAIServer, endpoint: Endpoint) -> None:
    chat = OpenAIChatModel(endpoint)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: asyncio.run(events_of(chat, _HELLO)), range(8)))
    assert all(answer == answers[0] for answer in answers)
