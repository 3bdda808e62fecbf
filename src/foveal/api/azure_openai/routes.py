"""Addresses of Azure OpenAI, outside and inside v1, and of clients of OpenAI itself (`/v1`)."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from foveal.api import versions
from foveal.api.azure_openai import completions, embeddings, ingestion, lists
from foveal.api.azure_openai.addresses import DEPLOYMENT, ApiVersion
from foveal.api.azure_openai.answering import Answering
from foveal.api.azure_openai.embeddings import Embedding
from foveal.api.azure_openai.schemas import ChatBody, ChatCompletion
from foveal.api.bodies import documented

STREAMED: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {}}}}
"""What an answer may be besides JSON."""


def router(answering: Answering) -> APIRouter:
    """All of them."""
    routes = APIRouter(tags=["Azure OpenAI"])
    body = documented(ChatBody)

    @routes.post(
        f"{DEPLOYMENT}/chat/completions", response_model=ChatCompletion, responses=STREAMED, openapi_extra=body
    )
    async def complete(request: Request, deployment: str, api_version: ApiVersion = None) -> Response:
        """Answer a conversation, from the indexes in `data_sources` where there are any."""
        return await answering.chat(request, versions.plain_path(api_version), deployment)

    @routes.post(
        f"{DEPLOYMENT}/extensions/chat/completions",
        response_model=ChatCompletion,
        responses=STREAMED,
        openapi_extra=body,
    )
    async def complete_extensions(request: Request, deployment: str, api_version: ApiVersion = None) -> Response:
        """The same in the forms of 2023 (`dataSources`)."""
        return await answering.chat(request, versions.extensions_path(api_version), deployment)

    @routes.post("/openai/v1/chat/completions", response_model=ChatCompletion, responses=STREAMED, openapi_extra=body)
    async def complete_v1(request: Request) -> Response:
        """The same with the deployment as `model` in the body."""
        return await answering.chat(request, versions.V1, None)

    @routes.post("/v1/chat/completions", response_model=ChatCompletion, responses=STREAMED, openapi_extra=body)
    async def complete_openai(request: Request) -> Response:
        """The same for clients of OpenAI itself: no first event without choices."""
        return await answering.chat(request, versions.OPENAI, None)

    embedding = Embedding(engine=answering.engine, threads=answering.threads, max_body_bytes=answering.max_body_bytes)
    for more in (
        embeddings.router(embedding),
        completions.router(answering),
        lists.router(answering),
        ingestion.router(answering),
    ):
        routes.include_router(more)
    return routes
