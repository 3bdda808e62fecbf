"""Embeddings: texts or tokens in, vectors out as numbers or packed."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response

from foveal.api import bodies, versions
from foveal.api.azure_openai.addresses import DEPLOYMENT, ApiVersion
from foveal.api.azure_openai.embedding_schemas import EmbeddingBody, EmbeddingList, EmbeddingOut, EmbeddingUsage
from foveal.api.azure_openai.operations import require
from foveal.api.crowd import Threads
from foveal.api.engine import Engine
from foveal.api.errors import BodyError
from foveal.errors import InvalidRequestError
from foveal.retrieval.tokens import TokenCounter
from foveal.types.vectors import FloatArray

MAX_TOKENS = 8191
"""Of one text: the window of the service's embedding models. Local models cut earlier, at their own window."""
MAX_REQUEST_TOKENS = 300_000
"""Of all texts together: what OpenAI's API takes in one request."""
QUERY_TYPES = frozenset({"query", "search_query"})
TOKENS = TokenCounter("cl100k_base")
"""The vocabulary of the service's embedding models, in which token arrays come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedding:
    """Answers embeddings requests.

    Attributes:
        max_body_bytes: Longest request body.
    """

    engine: Engine
    threads: Threads
    max_body_bytes: int

    async def reply(self, request: Request, deployment: str | None) -> Response:
        """Embed the texts of a body.

        Args:
            request: The request.
            deployment: From the path; None where the body names it as `model`.
        """
        data = await bodies.read_body(request, limit_bytes=self.max_body_bytes)
        text = await self.threads.run(self._embed, data, deployment)
        return Response(text, media_type="application/json")

    def _embed(self, data: bytes, deployment: str | None) -> str:
        if deployment is not None:
            require(self.engine.deployment(deployment), "embeddings")
        body = bodies.check(EmbeddingBody, bodies.parse_json(data))
        name = deployment or body.model
        if not name:
            raise InvalidRequestError("`model` is missing: it names the deployment.")
        chosen = self.engine.deployment(name)
        require(chosen, "embeddings")
        texts = _texts(body)
        tokens = _count(texts)
        queries = (body.input_type or "").lower() in QUERY_TYPES
        rows = self.engine.embed(name, texts, queries=queries, dimensions=body.dimensions)
        return EmbeddingList(
            object="list",
            data=_written(rows, body.encoding_format or "float"),
            model=chosen.model,
            usage=EmbeddingUsage(prompt_tokens=tokens, total_tokens=tokens),
        ).json_text()


def router(embedding: Embedding) -> APIRouter:
    """All addresses of embeddings."""
    routes = APIRouter(tags=["Azure OpenAI"])
    body = bodies.documented(EmbeddingBody)

    @routes.post(f"{DEPLOYMENT}/embeddings", response_model=EmbeddingList, openapi_extra=body)
    async def embed(request: Request, deployment: str, api_version: ApiVersion = None) -> Response:
        """Vectors of texts."""
        versions.required(api_version)
        return await embedding.reply(request, deployment)

    @routes.post("/openai/v1/embeddings", response_model=EmbeddingList, openapi_extra=body)
    async def embed_v1(request: Request) -> Response:
        """The same with the deployment as `model` in the body."""
        return await embedding.reply(request, None)

    @routes.post("/v1/embeddings", response_model=EmbeddingList, openapi_extra=body)
    async def embed_openai(request: Request) -> Response:
        """The same for clients of OpenAI itself."""
        return await embedding.reply(request, None)

    return routes


def _texts(body: EmbeddingBody) -> list[str]:
    given = body.input
    if isinstance(given, str):
        return [given]
    if isinstance(given[0], int):
        return [_decoded(given, ())]
    return [item if isinstance(item, str) else _decoded(item, (number,)) for number, item in enumerate(given)]


def _decoded(ids: Sequence[object], where: tuple[int, ...]) -> str:
    try:
        return TOKENS.decode([i for i in ids if isinstance(i, int)])
    except ValueError as error:
        raise BodyError([(("input", *where), f"Not the tokens of a text: {error}")]) from None


def _count(texts: Sequence[str]) -> int:
    """Tokens of all texts.

    Raises:
        BodyError: One is over the window of the service's models, or all together are over a request's limit.
    """
    total = 0
    for number, text in enumerate(texts):
        tokens = TOKENS.count(text)
        if tokens > MAX_TOKENS:
            raise BodyError(
                [
                    (
                        ("input", number),
                        f"This model's maximum context length is {MAX_TOKENS} tokens, however you requested {tokens} "
                        f"tokens ({tokens} in your prompt; 0 for the completion). Please reduce your prompt",
                    )
                ]
            )
        total += tokens
    if total > MAX_REQUEST_TOKENS:
        raise BodyError([(("input",), f"The texts have {total} tokens; a request may have {MAX_REQUEST_TOKENS}")])
    return total


def _written(rows: FloatArray, encoding: Literal["float", "base64"]) -> list[EmbeddingOut]:
    return [
        EmbeddingOut(
            object="embedding",
            index=index,
            embedding=row.tolist() if encoding == "float" else base64.b64encode(row.astype("<f4").tobytes()).decode(),
        )
        for index, row in enumerate(rows)
    ]
