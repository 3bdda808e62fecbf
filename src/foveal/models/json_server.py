"""JSON calls to model servers that are not OpenAI's: retries, deadlines, and failures in Foveal's errors."""

from __future__ import annotations

import asyncio
import json
import threading
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING

from foveal.errors import (
    ModelError,
    ModelOverloadedError,
    ModelRejectedError,
    ModelTimeoutError,
    ModelUnavailableError,
)
from foveal.models.background_loop import spawn
from foveal.models.limits import LONGEST_RETRY_WAIT_S, retry_after_s
from foveal.retrieval.json_replies import JsonValue

if TYPE_CHECKING:
    import httpx

_FIRST_WAIT_S = 0.5
_SHOWN_CHARACTERS = 300


class JsonServer:
    """One server; its coroutines run on the background loop (`background_loop.wait`), where deadlines hold.

    Args:
        what: The server in the words of messages: `re-ranking server`.
        address: Of the server, for messages.
        settings: The group of settings that configures it, for remedies.
        headers: Sent with every call.
        timeout_s: Seconds one call may take; a server that trickles meets it too.
        max_retries: Further attempts after 429, 5xx and lost connections.
    """

    def __init__(
        self,
        what: str,
        address: str,
        *,
        settings: str,
        headers: Mapping[str, str],
        timeout_s: float,
        max_retries: int,
    ) -> None:
        self.name = f"{what} {address}"
        self._settings = settings
        self._headers = {"content-type": "application/json", **headers}
        self._timeout_s = timeout_s
        self._max_retries = max_retries
        self._lock = threading.Lock()
        self._client: httpx.AsyncClient | None = None

    async def post(self, url: str, body: Mapping[str, JsonValue]) -> httpx.Response:
        """One request with its retries; the last response whatever its status.

        Raises:
            ModelTimeoutError: No answer within the deadline.
            ModelUnavailableError: No connection, after retries.
        """
        import httpx

        content = json.dumps(body).encode()
        for attempt in range(self._max_retries + 1):
            last = attempt == self._max_retries
            wait_s = _FIRST_WAIT_S * 2**attempt
            try:
                async with asyncio.timeout(self._timeout_s):
                    response = await self._http().post(url, content=content)
            except (httpx.TimeoutException, TimeoutError) as error:
                raise ModelTimeoutError(
                    f"The {self.name} did not answer within {self._timeout_s:g} s.",
                    remedy=f"Raise `{self._settings}.timeout_s`, or try again.",
                ) from error
            except (httpx.RequestError, httpx.InvalidURL) as error:
                if last or isinstance(error, httpx.InvalidURL):
                    raise ModelUnavailableError(
                        f"The {self.name} cannot be reached ({type(error).__name__}).",
                        remedy=f"Check that it runs and that its address in `{self._settings}` is right.",
                    ) from error
            else:
                asked_s = retry_after_s(response.headers)
                transient = response.status_code == 429 or response.status_code >= 500
                if last or not transient or (asked_s or 0) > LONGEST_RETRY_WAIT_S:
                    return response
                wait_s = asked_s if asked_s is not None else wait_s
            await asyncio.sleep(wait_s)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def refused(self, response: httpx.Response) -> ModelError:
        """The error that an unsuccessful response means, by its status."""
        status = response.status_code
        if status == 429:
            return ModelOverloadedError(
                f"The {self.name} is over its rate limit.",
                remedy="Wait and try again.",
                retry_after_s=retry_after_s(response.headers),
            )
        if status in {408, 504}:
            return ModelTimeoutError(f"The {self.name} ran out of time.", remedy="Try again.")
        if status >= 500:
            return ModelUnavailableError(f"The {self.name} fails (HTTP {status}).", remedy="Look at that server's log.")
        return ModelRejectedError(
            f"The {self.name} refused the request (HTTP {status}): {response.text[:_SHOWN_CHARACTERS]}",
            remedy=f"Check address, model and key in `{self._settings}`.",
        )

    def misunderstood(self) -> ModelError:
        """The error for a successful reply of an unknown shape."""
        return ModelUnavailableError(
            f"The reply of the {self.name} has none of the known shapes.",
            remedy=f"Check the address in `{self._settings}`.",
        )

    def _http(self) -> httpx.AsyncClient:
        import httpx

        with self._lock:
            if self._client is None:
                self._client = httpx.AsyncClient(timeout=self._timeout_s, headers=self._headers)
                weakref.finalize(self, _close, self._client).atexit = False
            return self._client


def _close(client: httpx.AsyncClient) -> None:
    spawn(client.aclose())
