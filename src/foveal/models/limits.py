"""What calls to model servers may take: how many at once, how many tokens, how much money."""

from __future__ import annotations

import asyncio
import email.utils
import math
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from foveal.errors import BudgetError
from foveal.retrieval.tokens import TokenCounter
from foveal.types.content import Usage

_TOKENS_PER_MILLION = 1_000_000
_COUNTER = TokenCounter()
LONGEST_RETRY_WAIT_S = 120.0
"""Longest `retry-after` that is waited for; the same as in the OpenAI SDK (`MAX_RETRY_AFTER_DELAY`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Money for a million tokens, in the operator's currency."""

    prompt: float = 0.0
    completion: float = 0.0

    def of(self, usage: Usage) -> float:
        """What `usage` costs."""
        spent = usage.prompt_tokens * self.prompt + usage.completion_tokens * self.completion
        return spent / _TOKENS_PER_MILLION


class Budget:
    """What one process may spend on model servers, over all roles; thread-safe.

    A call first reserves what it may use at most and then settles for what it used, so calls under way together
    cannot pass the limit that each alone would keep.

    Args:
        max_tokens: Tokens in all, prompts and answers; None for no limit.
        max_cost: Money in all, in the currency of the prices; None for no limit.
    """

    def __init__(self, *, max_tokens: int | None = None, max_cost: float | None = None) -> None:
        self._max_tokens = max_tokens
        self._max_cost = max_cost
        self._lock = threading.Lock()
        self._tokens = 0
        self._cost = 0.0
        self._usage: dict[str, Usage] = {}
        self._calls: dict[str, int] = {}

    def meter(self, role: str, price: Price | None = None) -> Meter:
        """The part of the budget that one role spends, at its price."""
        return Meter(self, role, price or Price())

    @property
    def usage(self) -> Mapping[str, Usage]:
        """Tokens used, by role."""
        with self._lock:
            return dict(self._usage)

    @property
    def calls(self) -> Mapping[str, int]:
        """Calls made, by role, failed ones too."""
        with self._lock:
            return dict(self._calls)

    @property
    def cost(self) -> float:
        """Money spent, and reserved by calls under way."""
        with self._lock:
            return self._cost

    def take(self, role: str, tokens: int, cost: float) -> None:
        """Reserve for a call.

        Raises:
            BudgetError: It could pass a limit; nothing was reserved.
        """
        with self._lock:
            if self._max_tokens is not None and self._tokens + tokens > self._max_tokens:
                raise _spent(f"{self._tokens:,} of {self._max_tokens:,} tokens are spent", role, "FOVEAL_BUDGET_TOKENS")
            if self._max_cost is not None and self._cost + cost > self._max_cost:
                raise _spent(f"{self._cost:.4f} of {self._max_cost:.4f} is spent", role, "FOVEAL_BUDGET_COST")
            self._tokens += tokens
            self._cost += cost
            self._calls[role] = self._calls.get(role, 0) + 1

    def settle(self, role: str, tokens: int, cost: float, used: Usage, used_cost: float) -> None:
        """Replace a reservation by what was used."""
        with self._lock:
            self._tokens += used.prompt_tokens + used.completion_tokens - tokens
            self._cost += used_cost - cost
            self._usage[role] = self._usage.get(role, Usage()) + used


def _spent(what: str, role: str, setting: str) -> BudgetError:
    return BudgetError(
        f"The budget for model calls stops here: {what}, and the next call ({role}) could pass that.",
        remedy=f"Raise {setting} (`budget` in the settings) and run again; what is done is kept.",
    )


@dataclass(slots=True)
class Spending:
    """What a call under way has used; the last value set counts."""

    used: Usage = field(default_factory=Usage)


class Meter:
    """One role's way to the budget."""

    def __init__(self, budget: Budget, role: str, price: Price) -> None:
        self._budget = budget
        self._role = role
        self._price = price

    @contextmanager
    def spending(self, most: Usage) -> Iterator[Spending]:
        """Reserve `most` for one call, and settle for what it set in `Spending.used`, whatever becomes of it.

        Raises:
            BudgetError: Before the call, when it could pass a limit.
        """
        tokens, cost = most.prompt_tokens + most.completion_tokens, self._price.of(most)
        self._budget.take(self._role, tokens, cost)
        spending = Spending()
        try:
            yield spending
        finally:
            self._budget.settle(self._role, tokens, cost, spending.used, self._price.of(spending.used))


class CallLimit:
    """At most so many calls to one server at once; shared by the roles that use the server.

    To be entered on the background loop only.
    """

    def __init__(self, calls: int) -> None:
        self._slots = asyncio.Semaphore(calls)

    async def __aenter__(self) -> None:
        await self._slots.acquire()

    async def __aexit__(self, *_: object) -> None:
        self._slots.release()


def estimate_tokens(text: str) -> int:
    """Tokens of `text`, with a tenth more for vocabularies other than o200k and for the wrapping of messages.

    Used for reservations, and for settling with servers that report no usage.
    """
    return math.ceil(_COUNTER.count(text) * 1.1) + 4


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds a server asks to wait: `retry-after-ms` (Azure), else `retry-after` in seconds or as a date (RFC 9110,
    section 10.2.3); None when it does not say, or not understandably.
    """
    for name, per_second in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        wait_s = _number(headers.get(name))
        if wait_s is not None:
            return wait_s / per_second
    try:
        moment = email.utils.parsedate_to_datetime(headers.get("retry-after", ""))
        return max(0.0, moment.timestamp() - time.time())
    except (ValueError, OverflowError, OSError):
        return None


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
