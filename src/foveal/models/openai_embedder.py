"""Text embeddings from an OpenAI-compatible server or Azure OpenAI."""

from __future__ import annotations

import asyncio
import copy
import threading
from collections.abc import Iterator, Sequence

import numpy as np

from foveal.errors import InvalidRequestError, ModelRejectedError
from foveal.models.background_loop import wait
from foveal.models.limits import CallLimit, Meter, estimate_tokens
from foveal.models.openai_client import Connection, Endpoint
from foveal.retrieval.tokens import TokenCounter
from foveal.types.content import Usage
from foveal.types.vectors import FloatArray

_WINDOW_TOKENS = 8191
"""Longest input of OpenAI's embedding models (8192, less one that servers have been seen to add)."""

_BATCH_TEXTS = 128
_BATCH_TOKENS = 200_000
"""Below the 2,048 texts and 300,000 tokens that the API takes in one request."""

_NOTHING = " "
"""Sent for a text without a character, which the API refuses."""


class OpenAITextEmbedder:
    """A `ports.TextEmbedder` over the wire.

    Args:
        endpoint: Server and model.
        dim: Length of the model's vectors; None asks the server once, at first use.
        dimensions: Asked of models that can shorten their vectors (text-embedding-3); None sends nothing.
        window_tokens: Longest text the model takes; longer ones are cut (counted with `vocabulary` o200k_base).
        query_prefix: Put before questions, for models that want one (`query: ` of E5).
        passage_prefix: Put before passages.
        meter: What pays for calls.
        limit: Shared limit on calls at once.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        dim: int | None = None,
        dimensions: int | None = None,
        window_tokens: int = _WINDOW_TOKENS,
        query_prefix: str = "",
        passage_prefix: str = "",
        meter: Meter | None = None,
        limit: CallLimit | None = None,
    ) -> None:
        self._connection = Connection(endpoint, meter=meter, limit=limit)
        self._dim = dim or dimensions
        self._dimensions = dimensions
        self._asked = False
        self._window_tokens = window_tokens
        self._prefixes = (query_prefix, passage_prefix)
        self._tokens = TokenCounter("cl100k_base")
        self._probing = threading.Lock()

    @property
    def identity(self) -> str:
        """Model, server, and what changes its vectors."""
        endpoint = self._connection.endpoint
        return f"openai-embedding:{endpoint.model}@{endpoint.host}:{self._dimensions or ''}:{'|'.join(self._prefixes)}"

    @property
    def dim(self) -> int:
        """Length of a vector; costs one call when it was not given."""
        with self._probing:
            if self._dim is None:
                self._dim = wait(self._batch(["dimension"])).shape[1]
            return self._dim

    def shortened(self, dimensions: int) -> OpenAITextEmbedder:
        """The same model over the same connection, asked for vectors of that length (`dimensions` on the wire).

        Its methods raise `InvalidRequestError` when the server does not take that.
        """
        other = copy.copy(self)
        other._dim = other._dimensions = dimensions
        other._asked = True
        return other

    def embed_passages(self, texts: Sequence[str]) -> FloatArray:
        """float32 [n, dim], rows L2-normalised."""
        return self._embed(texts, self._prefixes[1])

    def embed_queries(self, texts: Sequence[str]) -> FloatArray:
        """float32 [n, dim], rows L2-normalised."""
        return self._embed(texts, self._prefixes[0])

    def _embed(self, texts: Sequence[str], prefix: str) -> FloatArray:
        dim = self.dim
        if not texts:
            return np.zeros((0, dim), dtype=np.float32)
        inputs = [self._tokens.cut(prefix + (text or _NOTHING), self._window_tokens) or _NOTHING for text in texts]
        rows = wait(self._batches(inputs))
        if rows.shape[1] != dim:
            raise ModelRejectedError(
                f"{self._connection.endpoint.name} gives vectors of {rows.shape[1]} numbers, not {dim}.",
                remedy=f"Set its `dim` to {rows.shape[1]} and rebuild the index.",
            )
        return rows

    async def _batches(self, inputs: Sequence[str]) -> FloatArray:
        """All batches at once; the connection's limit says how many really are. The first failure stops the others."""
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._told(batch)) for batch in _batched(inputs)]
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return np.concatenate([task.result() for task in tasks])

    async def _told(self, inputs: list[str]) -> FloatArray:
        """A batch; that the server does not shorten is said to who asked for it."""
        try:
            return await self._batch(inputs)
        except ModelRejectedError as error:
            if self._asked and _is_bad_request(error.__cause__):
                raise InvalidRequestError(
                    f"This model does not support specifying dimensions: {error.message}", remedy="Leave them out."
                ) from None
            raise

    async def _batch(self, inputs: list[str]) -> FloatArray:
        from openai import omit

        most = Usage(prompt_tokens=sum(estimate_tokens(text) for text in inputs))
        async with self._connection.call(most) as spending:
            reply = await self._connection.client.embeddings.create(
                model=self._connection.endpoint.model,
                input=inputs,
                dimensions=self._dimensions if self._dimensions is not None else omit,
            )
            data = getattr(reply, "data", None) or []
            usage = getattr(reply, "usage", None)
            spending.used = Usage(prompt_tokens=usage.prompt_tokens) if usage else most
            if sorted(item.index for item in data) != list(range(len(inputs))):
                raise self._connection.malformed(f"{len(data)} embeddings for {len(inputs)} texts")
            return _unit_rows([item.embedding for item in sorted(data, key=lambda item: item.index)])


def _is_bad_request(error: BaseException | None) -> bool:
    from openai import BadRequestError

    return isinstance(error, BadRequestError)


def _batched(inputs: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    tokens = 0
    for text in inputs:
        more = estimate_tokens(text)
        if batch and (len(batch) == _BATCH_TEXTS or tokens + more > _BATCH_TOKENS):
            yield batch
            batch, tokens = [], 0
        batch.append(text)
        tokens += more
    yield batch


def _unit_rows(rows: list[list[float]]) -> FloatArray:
    """float32 rows at unit length; a row of zeros stays one."""
    vectors = np.asarray(rows, dtype=np.float32)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(norms == 0, 1, norms), dtype=np.float32)
