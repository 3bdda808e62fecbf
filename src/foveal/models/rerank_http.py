"""Re-ranking by a server with a `/rerank` route.

Two dialects of one idea. *documents*: Cohere (v1, v2), Jina, vLLM, llama.cpp, Infinity, LocalAI:
`{model, query, documents, top_n}` → `{results: [{index, relevance_score}]}`. *texts*: Hugging Face's
text-embeddings-inference: `{query, texts}` → `[{index, score}]`; it answers 422 to the other one.
"""

from __future__ import annotations

import asyncio
import json
import math
import threading
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from foveal.errors import (
    ModelError,
    ModelOverloadedError,
    ModelRejectedError,
    ModelTimeoutError,
    ModelUnavailableError,
)
from foveal.models.background_loop import spawn, wait
from foveal.models.limits import LONGEST_RETRY_WAIT_S, retry_after_s
from foveal.retrieval.json_replies import JsonValue
from foveal.types.search import Passage, Reranked

if TYPE_CHECKING:
    import httpx

Dialect = Literal["documents", "texts"]

_BATCH = 32
"""Passages a request: the default `max_client_batch_size` of text-embeddings-inference."""

_FIRST_WAIT_S = 0.5
_BEST_SCORE = 4.0


class HttpReranker:
    """A `ports.Reranker` over HTTP.

    Servers score 0..1, or give raw logits (llama.cpp): the first score outside 0..1 tells which, and from then on
    scores pass through the logistic function. Either way 0..1 is stretched to the 0..4 of `Reranked.score`.

    Args:
        url: Address of the route, or of the server above it.
        model: Model name sent along; empty for servers with one model.
        api_key: Sent as a bearer token; empty sends none.
        timeout_s: Seconds a request may take.
        max_retries: Further attempts after 429, 5xx and lost connections.
    """

    def __init__(
        self, url: str, *, model: str = "", api_key: str = "", timeout_s: float = 30.0, max_retries: int = 2
    ) -> None:
        self._url = url if url.rstrip("/").endswith("rerank") else url.rstrip("/") + "/rerank"
        self._model = model
        self._headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
        self._timeout_s = timeout_s
        self._max_retries = max_retries
        self._dialect: Dialect = "documents"
        self._logits = False
        self._lock = threading.Lock()
        self._client: httpx.AsyncClient | None = None

    @property
    def identity(self) -> str:
        """Model and address."""
        return f"rerank:{self._model}@{self._url}"

    def rerank(self, query: str, passages: Sequence[Passage]) -> list[Reranked]:
        """See `ports.Reranker`; no extracts.

        Raises:
            ModelError: After retries.
        """
        raw = [
            score
            for start in range(0, len(passages), _BATCH)
            for score in self._scores(query, [passage.text for passage in passages[start : start + _BATCH]])
        ]
        self._logits = self._logits or any(not 0 <= score <= 1 for score in raw)
        scores = [_logistic(score) if self._logits else score for score in raw]
        return [
            Reranked(chunk_id=passage.chunk_id, score=_BEST_SCORE * score)
            for passage, score in zip(passages, scores, strict=True)
        ]

    def _scores(self, query: str, texts: list[str]) -> list[float]:
        response = self._post(self._body(query, texts))
        if response.status_code == 422 and self._dialect == "documents":
            response = self._post(_texts_body(query, texts))
            if response.is_success:
                self._dialect = "texts"
        if not response.is_success:
            raise self._refused(response)
        try:
            return _by_index(response.json(), len(texts))
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise ModelUnavailableError(
                f"The reply of the re-ranking server {self._url} has none of the known shapes.",
                remedy="Check `rerank.url`.",
            ) from error

    def _body(self, query: str, texts: list[str]) -> dict[str, JsonValue]:
        if self._dialect == "texts":
            return _texts_body(query, texts)
        documents: list[JsonValue] = [*texts]
        body: dict[str, JsonValue] = {"query": query, "documents": documents, "top_n": len(texts)}
        return {"model": self._model, **body} if self._model else body

    def _post(self, body: Mapping[str, JsonValue]) -> httpx.Response:
        """One request with its retries; the last response whatever its status."""
        import httpx

        content = json.dumps(body).encode()
        for attempt in range(self._max_retries + 1):
            last = attempt == self._max_retries
            wait_s = _FIRST_WAIT_S * 2**attempt
            try:
                response = wait(self._request(content))
            except (httpx.TimeoutException, TimeoutError) as error:
                raise ModelTimeoutError(
                    f"The re-ranking server {self._url} did not answer within {self._timeout_s:g} s.",
                    remedy="Raise `rerank.timeout_s`, or try again.",
                ) from error
            except (httpx.RequestError, httpx.InvalidURL) as error:
                if last or isinstance(error, httpx.InvalidURL):
                    raise ModelUnavailableError(
                        f"The re-ranking server {self._url} cannot be reached ({type(error).__name__}).",
                        remedy="Check that it runs and that `rerank.url` is right.",
                    ) from error
            else:
                asked_s = retry_after_s(response.headers)
                transient = response.status_code == 429 or response.status_code >= 500
                if last or not transient or (asked_s or 0) > LONGEST_RETRY_WAIT_S:
                    return response
                wait_s = asked_s if asked_s is not None else wait_s
            time.sleep(wait_s)
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _request(self, content: bytes) -> httpx.Response:
        """On the background loop, where a server that trickles meets the deadline too."""
        async with asyncio.timeout(self._timeout_s):
            return await self._http().post(self._url, content=content)

    def _http(self) -> httpx.AsyncClient:
        import httpx

        with self._lock:
            if self._client is None:
                headers = {"content-type": "application/json", **self._headers}
                self._client = httpx.AsyncClient(timeout=self._timeout_s, headers=headers)
                weakref.finalize(self, _close, self._client).atexit = False
            return self._client

    def _refused(self, response: httpx.Response) -> ModelError:
        status = response.status_code
        if status == 429:
            return ModelOverloadedError(
                f"The re-ranking server {self._url} is over its rate limit.",
                remedy="Wait and try again.",
                retry_after_s=retry_after_s(response.headers),
            )
        if status in {408, 504}:
            return ModelTimeoutError(f"The re-ranking server {self._url} ran out of time.", remedy="Try again.")
        if status >= 500:
            return ModelUnavailableError(
                f"The re-ranking server {self._url} fails (HTTP {status}).", remedy="Look at that server's log."
            )
        return ModelRejectedError(
            f"The re-ranking server {self._url} refused the request (HTTP {status}): {response.text[:300]}",
            remedy="Check `rerank.url`, `rerank.model` and `rerank.api_key`.",
        )


def _close(client: httpx.AsyncClient) -> None:
    spawn(client.aclose())


def _texts_body(query: str, texts: list[str]) -> dict[str, JsonValue]:
    listed: list[JsonValue] = [*texts]
    return {"query": query, "texts": listed, "truncate": True}


def _by_index(reply: object, count: int) -> list[float]:
    """Scores in the order of the texts; a text the server left out is the least of all.

    Raises:
        ValueError: Or KeyError, TypeError, IndexError: the reply has another shape.
    """
    scores: dict[int, float] = {}
    for index, score in _items(reply):
        if not 0 <= index < count or not math.isfinite(score):
            raise ValueError("index or score out of range")
        scores[index] = score
    if count and not scores:
        raise ValueError("no scores")
    worst = min(scores.values(), default=0.0)
    return [scores.get(index, min(worst, 0.0)) for index in range(count)]


def _items(reply: object) -> Iterator[tuple[int, float]]:
    results = reply
    if isinstance(reply, dict):
        results = reply["results"] if "results" in reply else reply["data"]
    if not isinstance(results, list):
        raise TypeError("no list of results")
    for item in results:
        yield int(item["index"]), float(item["relevance_score"] if "relevance_score" in item else item["score"])


def _logistic(logit: float) -> float:
    return 0.5 * (1.0 + math.tanh(0.5 * logit))
