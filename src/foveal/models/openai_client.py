"""The one connection to an OpenAI-compatible server or to Azure OpenAI that all remote roles share.

Through the official `openai` SDK: its retries (429, 408, 409, 5xx, lost connections; exponential from 0.5 s to 8 s,
or what `retry-after` asks up to two minutes) stay on, and its errors are translated in `openai_errors`.
"""

from __future__ import annotations

import asyncio
import json
import threading
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from foveal.errors import ModelUnavailableError
from foveal.models.background_loop import spawn
from foveal.models.limits import Budget, CallLimit, Meter, Spending
from foveal.models.openai_errors import timed_out, translated
from foveal.types.chat import Sampling
from foveal.types.content import Usage

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_NO_KEY = "none"
"""Sent where no key is set: the SDK insists on one, and would otherwise take OPENAI_API_KEY from the environment
and send it to a server it was not meant for."""

_OPTIONAL = frozenset({"max_tokens", "temperature", "top_p", "stop", "seed"})
_UNTAKEN_CODES = frozenset({"unsupported_parameter", "unsupported_value"})
"""`error.code` of OpenAI's and Azure's 400 for a parameter, or a value of one, that a model does not take."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One model on one server.

    Attributes:
        base_url: Address up to and with `/v1`; for Azure the resource's endpoint without a path.
        model: Model name; for Azure the deployment's name.
        api_key: Empty for servers that need none.
        azure: Whether to speak Azure's wire (deployment in the path, `api-version`, `api-key` header).
        api_version: Azure's api-version; needed where `azure` is set.
        timeout_s: Seconds one attempt may take. Attempts and the waits between them together may take
            `timeout_s * (max_retries + 1)`.
        max_retries: Further attempts after 429, 408, 409, 5xx and lost connections.
        concurrency: Calls under way at once.
    """

    base_url: str
    model: str
    api_key: str = ""
    azure: bool = False
    api_version: str | None = None
    timeout_s: float = 120.0
    max_retries: int = 4
    concurrency: int = 4

    @property
    def host(self) -> str:
        """Server and path without credentials, for identities and messages."""
        parts = urlsplit(self.base_url)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.hostname or ''}{port}{parts.path.rstrip('/')}"

    @property
    def name(self) -> str:
        """`<model> at <host>`."""
        return f"{self.model} at {self.host}"

    @property
    def deadline_s(self) -> float:
        """Seconds a call may take with all its retries and waits."""
        return self.timeout_s * (self.max_retries + 1)


class Connection:
    """Calls to one endpoint: so many at once, each with a deadline and a reservation in the budget.

    Everything asynchronous here runs on the background loop (`foveal.models.background_loop`), whoever waits for it.

    Args:
        endpoint: Where.
        meter: What pays; without one nothing is limited.
        limit: Shared by connections that use the same server; by default one of its own.
        asset: Whether calls are about one file each (see `translated`).
    """

    def __init__(
        self, endpoint: Endpoint, *, meter: Meter | None = None, limit: CallLimit | None = None, asset: bool = False
    ) -> None:
        self.endpoint = endpoint
        self._meter = meter or Budget().meter("unmetered")
        self._limit = limit or CallLimit(endpoint.concurrency)
        self._asset = asset
        self._untaken: frozenset[str] = frozenset()
        self._lock = threading.Lock()
        self._client: AsyncOpenAI | None = None

    @property
    def client(self) -> AsyncOpenAI:
        """The SDK's client, made at first use (importing the SDK takes most of a second)."""
        with self._lock:
            if self._client is None:
                self._client = _sdk_client(self.endpoint)
                weakref.finalize(self, _close, self._client).atexit = False
            return self._client

    @asynccontextmanager
    async def call(self, most: Usage) -> AsyncIterator[Spending]:
        """Make one call in the body; whatever the SDK raises there leaves as an error of Foveal's tree.

        Args:
            most: What the call may use at most.

        Raises:
            BudgetError: Before the body, when `most` could pass the budget.
            ModelTimeoutError: The body took longer than the endpoint's deadline.
            ModelError: What the server answered, translated.
            AssetFilteredError: With `asset`, when a content filter refused.
        """
        async with self._limit:
            with self._meter.spending(most) as spending, self._translating():
                async with asyncio.timeout(self.endpoint.deadline_s):
                    yield spending

    async def sampled(self, sampling: Sampling, create: Callable[[dict[str, object]], Awaitable[T]]) -> T:
        """`create` called with the wire's names of what is set in `sampling`, without what the model does not take.

        OpenAI's reasoning models refuse `temperature`, `top_p`, `stop` and `max_tokens` (they want
        `max_completion_tokens`) with a 400 that names the parameter and costs nothing; each is learnt once.
        """
        from openai import BadRequestError

        while True:
            try:
                return await create(self._options(sampling))
            except BadRequestError as error:
                learnt = error.code in _UNTAKEN_CODES and error.param in _OPTIONAL and error.param not in self._untaken
                if not learnt:
                    raise
                self._untaken |= {str(error.param)}

    def _options(self, sampling: Sampling) -> dict[str, object]:
        options: dict[str, object] = {
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "stop": list(sampling.stop) or None,
            "seed": sampling.seed,
        }
        if "max_tokens" in self._untaken:
            options["max_completion_tokens"] = sampling.max_tokens
        return {name: value for name, value in options.items() if value is not None and name not in self._untaken}

    @contextmanager
    def _translating(self) -> Iterator[None]:
        import openai

        try:
            yield
        except openai.OpenAIError as error:
            raise translated(error, server=self.endpoint.name, asset=self._asset) from error
        except TimeoutError as error:
            raise timed_out(self.endpoint.name) from error
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise self.malformed("its reply is not JSON") from error

    def malformed(self, why: str) -> ModelUnavailableError:
        """The error for a reply that is not what the wire format says."""
        return ModelUnavailableError(
            f"{self.endpoint.name} does not speak the OpenAI wire format: {why}.",
            remedy="Check the address in the settings: most servers want it to end in /v1.",
        )


def _sdk_client(endpoint: Endpoint) -> AsyncOpenAI:
    from openai import AsyncAzureOpenAI, AsyncOpenAI

    if endpoint.azure:
        return AsyncAzureOpenAI(
            azure_endpoint=endpoint.base_url,
            api_version=endpoint.api_version or "",
            api_key=endpoint.api_key or _NO_KEY,
            timeout=endpoint.timeout_s,
            max_retries=endpoint.max_retries,
        )
    return AsyncOpenAI(
        base_url=endpoint.base_url,
        api_key=endpoint.api_key or _NO_KEY,
        timeout=endpoint.timeout_s,
        max_retries=endpoint.max_retries,
    )


def _close(client: AsyncOpenAI) -> None:
    spawn(client.close())
