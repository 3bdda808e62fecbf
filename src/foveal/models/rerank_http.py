"""Re-ranking by a server with a `/rerank` route.

Two dialects of one idea. *documents*: Cohere (v1, v2), Jina, vLLM, llama.cpp, Infinity, LocalAI:
`{model, query, documents, top_n}` → `{results: [{index, relevance_score}]}`. *texts*: Hugging Face's
text-embeddings-inference: `{query, texts}` → `[{index, score}]`; it answers 422 to the other one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal

from foveal.models.background_loop import wait
from foveal.models.json_server import JsonServer
from foveal.retrieval.json_replies import JsonValue
from foveal.types.search import Passage, Reranked

Dialect = Literal["documents", "texts"]

_BATCH = 32
"""Passages a request: the default `max_client_batch_size` of text-embeddings-inference."""

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
        self._server = JsonServer(
            "re-ranking server",
            self._url,
            settings="rerank",
            headers={"authorization": f"Bearer {api_key}"} if api_key else {},
            timeout_s=timeout_s,
            max_retries=max_retries,
        )
        self._dialect: Dialect = "documents"
        self._logits = False

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
        response = wait(self._server.post(self._url, self._body(query, texts)))
        if response.status_code == 422 and self._dialect == "documents":
            response = wait(self._server.post(self._url, _texts_body(query, texts)))
            if response.is_success:
                self._dialect = "texts"
        if not response.is_success:
            raise self._server.refused(response)
        try:
            return _by_index(response.json(), len(texts))
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise self._server.misunderstood() from error

    def _body(self, query: str, texts: list[str]) -> dict[str, JsonValue]:
        if self._dialect == "texts":
            return _texts_body(query, texts)
        documents: list[JsonValue] = [*texts]
        body: dict[str, JsonValue] = {"query": query, "documents": documents, "top_n": len(texts)}
        return {"model": self._model, **body} if self._model else body


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
