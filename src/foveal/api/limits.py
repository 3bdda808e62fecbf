"""How much one key may ask for in any minute: requests, and tokens of prompts and answers.

Both are counted in a sliding window of 60 seconds, so that no minute ever sees more than the limit. Tokens are not
known before the answer: a request is charged its prompt and the most it may answer (as the service did; contract
notes, section 10), and afterwards what it used. Counts live in the process: replicas count apart, so n of them allow n
times as much.
"""

from __future__ import annotations

import json
import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from foveal.api.auth import caller_of
from foveal.api.errors import azure_envelope, retry_headers
from foveal.errors import RateLimitError
from foveal.retrieval.tokens import TokenCounter
from foveal.types.content import Usage
from foveal.types.keys import RateLimits

WINDOW_S = 60.0
UNSAID_ANSWER_TOKENS = 16
"""Charged for an answer when the request sets no length (default of the GPT-4 vision models; notes, section 2)."""
IMAGE_TOKENS = 765
"""Charged for an image before it is opened: 1024 x 1024 pixels in high detail, 85 + 4 tiles of 170 tokens."""
MESSAGE_TOKENS = 4
"""Charged for the frame of a message (OpenAI cookbook, "How to count tokens with tiktoken")."""

_CHARGE: ContextVar[Charge | None] = ContextVar("foveal_charge", default=None)


class Window:
    """Amounts of the last `WINDOW_S` seconds, up to a limit. For one thread.

    Args:
        clock: Seconds, monotonic.
    """

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._clock = clock
        self._entries: deque[Entry] = deque()
        self._sum = 0

    @property
    def remaining(self) -> int:
        """What may still be taken now."""
        self._forget()
        return max(0, self.limit - self._sum)

    @property
    def reset_s(self) -> float:
        """Seconds until all of it may be taken again."""
        self._forget()
        return self._entries[-1].at_s + WINDOW_S - self._clock() if self._entries else 0.0

    def wait_s(self, amount: int) -> float | None:
        """Seconds until `amount` fits: 0 now, None never."""
        self._forget()
        if amount > self.limit:
            return None
        left = self._sum
        if left + amount <= self.limit:
            return 0.0
        for entry in self._entries:
            left -= entry.amount
            if left + amount <= self.limit:
                return entry.at_s + WINDOW_S - self._clock()
        return WINDOW_S

    def take(self, amount: int) -> Entry:
        """Count `amount`, whether or not it fits."""
        entry = Entry(at_s=self._clock(), amount=amount)
        self._entries.append(entry)
        self._sum += amount
        return entry

    def correct(self, entry: Entry, amount: int) -> None:
        """What `entry` really took."""
        if not entry.forgotten:
            self._sum += amount - entry.amount
            entry.amount = amount

    def _forget(self) -> None:
        while self._entries and self._entries[0].at_s <= self._clock() - WINDOW_S:
            entry = self._entries.popleft()
            entry.forgotten = True
            self._sum -= entry.amount


@dataclass(slots=True)
class Entry:
    """One amount in a window."""

    at_s: float
    amount: int
    forgotten: bool = False


class Meter:
    """The two windows of one key; None where it has no limit."""

    def __init__(self, limits: RateLimits, clock: Callable[[], float]) -> None:
        requests, tokens = limits.requests_per_minute, limits.tokens_per_minute
        self.requests = None if requests is None else Window(requests, clock)
        self.tokens = None if tokens is None else Window(tokens, clock)

    def headers(self) -> Iterator[tuple[str, str]]:
        """What clients are told: limit, remainder, whole seconds until all of it is back."""
        for name, window in (("requests", self.requests), ("tokens", self.tokens)):
            if window is not None:
                yield f"x-ratelimit-limit-{name}", str(window.limit)
                yield f"x-ratelimit-remaining-{name}", str(window.remaining)
                yield f"x-ratelimit-reset-{name}", str(math.ceil(window.reset_s))


class Charge:
    """What one request is charged in tokens."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._entry: Entry | None = None
        self.settled = False

    def estimate(self, tokens: int) -> None:
        """Charge before the work.

        Raises:
            RateLimitError: It does not fit now.
        """
        wait_s = self._window.wait_s(tokens)
        if wait_s != 0.0:
            raise _refusal("tokens", self._window.limit, wait_s, f" This request takes up to {tokens}.")
        self._entry = self._window.take(tokens)

    def settle(self, tokens: int) -> None:
        """Charge what was used. A request of several calls settles each: they add up."""
        if self._entry is None:
            self._entry = self._window.take(0)
        before = self._entry.amount if self.settled else 0
        self._window.correct(self._entry, before + tokens)
        self.settled = True


class RateLimiter:
    """Counts requests of keys that have limits, refuses what is too many, and tells every reply how much is left.

    Stands inside the gate, which says whose request it is.

    Args:
        clock: Seconds, monotonic.
    """

    def __init__(self, app: ASGIApp, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._clock = clock
        self._meters: dict[tuple[str, RateLimits], Meter] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        meter = self._meter(scope)
        if meter is None:
            await self._app(scope, receive, send)
            return
        refused = _counted(meter)
        charge = Charge(meter.tokens) if meter.tokens is not None else None
        status = 0

        async def send_with_limits(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message).update(dict(meter.headers()))
            await send(message)

        token = _CHARGE.set(charge)
        try:
            await (refused or self._app)(scope, receive, send_with_limits)
        finally:
            _CHARGE.reset(token)
            if charge is not None and not charge.settled and status >= 400:  # it failed: nothing was used
                charge.settle(0)

    def _meter(self, scope: Scope) -> Meter | None:
        if scope["type"] != "http":
            return None
        caller = caller_of(Request(scope))
        if caller.limits == RateLimits():
            return None
        key = (caller.name, caller.limits)
        if key not in self._meters:
            self._meters[key] = Meter(caller.limits, self._clock)
        return self._meters[key]


def is_metered() -> bool:
    """Whether this request's tokens are counted: only then is an estimate worth its time."""
    return _CHARGE.get() is not None


def charge(tokens: int) -> None:
    """Charge this request's key an estimate, before the work.

    Raises:
        RateLimitError: It does not fit now.
    """
    current = _CHARGE.get()
    if current is not None:
        current.estimate(tokens)


def settle(usage: Usage) -> None:
    """Charge this request's key what was used in place of the estimate; several calls of one request add up."""
    current = _CHARGE.get()
    if current is not None:
        current.settle(usage.prompt_tokens + usage.completion_tokens)


def settle_reported(reply: object) -> None:
    """The same by the `usage` that a model server's reply, or an event of one, has; nothing where it has none."""
    usage = reply.get("usage") if is_metered() and isinstance(reply, dict) else None
    if isinstance(usage, dict):
        prompt, answer = _whole(usage.get("prompt_tokens")), _whole(usage.get("completion_tokens"))
        settle(Usage(prompt_tokens=prompt or 0, completion_tokens=answer or 0))


def settle_event(data: bytes) -> None:
    """The same for the JSON of an event; a stream without such an event stays charged its estimate."""
    if is_metered() and b'"usage"' in data:
        with suppress(ValueError):
            settle_reported(json.loads(data))


def estimate(data: bytes) -> int:
    """Tokens that a request's JSON body may take: its words and images, and its answers at their longest.

    A body that is not JSON takes none: it will be refused.
    """
    try:
        body: object = json.loads(data.decode("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        return 0
    if not isinstance(body, dict):
        return 0
    prompt = sum(_tokens(body.get(name)) for name in ("messages", "prompt", "input", "tools", "functions"))
    if "messages" not in body and "prompt" not in body:
        return prompt  # nothing is written: embeddings
    longest = next((n for name in ("max_completion_tokens", "max_tokens") if (n := _whole(body.get(name)))), None)
    answers = max(_whole(body.get("n")) or 1, _whole(body.get("best_of")) or 1)
    return prompt + (longest or UNSAID_ANSWER_TOKENS) * answers


def _tokens(value: object) -> int:
    """Of all words inside; anything that looks like an image counts as one."""
    total, pending = 0, [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            total += TokenCounter().count(item)
        elif isinstance(item, list) and item and all(isinstance(n, int) for n in item):
            total += len(item)  # tokens already
        elif isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, dict) and not item.keys().isdisjoint({"image_url", "imageUrl"}):
            total += IMAGE_TOKENS
        elif isinstance(item, dict):
            total += MESSAGE_TOKENS if "role" in item else 0
            pending.extend(v for k, v in item.items() if k not in {"role", "context"})
    return total


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 10**7 else None


def _counted(meter: Meter) -> JSONResponse | None:
    """Count one request; the refusal when it is one too many."""
    window = meter.requests
    if window is None:
        return None
    wait_s = window.wait_s(1)
    if wait_s == 0.0:
        window.take(1)
        return None
    error = _refusal("requests", window.limit, wait_s)
    return JSONResponse(azure_envelope(error), error.status, retry_headers(error))


def _refusal(what: str, limit: int, wait_s: float | None, more: str = "") -> RateLimitError:
    remedy = "It never fits: shorten it." if wait_s is None else f"Please retry after {math.ceil(wait_s)} seconds."
    return RateLimitError(
        f"This key may use {limit} {what} a minute, and they are used.{more}", remedy=remedy, retry_after_s=wait_s
    )
