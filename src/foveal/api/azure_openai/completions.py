"""Completions of before chats: refused, as the service did for every model it still had."""

from __future__ import annotations

from typing import NoReturn

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict

from foveal.api import bodies, versions
from foveal.api.azure_openai.addresses import DEPLOYMENT, ApiVersion
from foveal.api.azure_openai.answering import Answering
from foveal.api.azure_openai.operations import refusal
from foveal.errors import InvalidRequestError


class CompletionBody(BaseModel):
    """A completion request; only its deployment is looked at."""

    model_config = ConfigDict(protected_namespaces=())

    model: str | None = None


def router(answering: Answering) -> APIRouter:
    """All addresses of completions."""
    routes = APIRouter(tags=["Azure OpenAI"])
    body = bodies.documented(CompletionBody)

    async def refuse(request: Request, deployment: str | None) -> NoReturn:
        data = await bodies.read_body(request, limit_bytes=answering.max_body_bytes)
        if deployment is None:
            value = await answering.threads.run(bodies.parse_json, data)
            deployment = bodies.check(CompletionBody, value).model
        if not deployment:
            raise InvalidRequestError("`model` is missing: it names the deployment.")
        raise refusal(await answering.deployment(deployment), "completion")

    @routes.post(f"{DEPLOYMENT}/completions", openapi_extra=body)
    async def complete(request: Request, deployment: str, api_version: ApiVersion = None) -> None:
        """Not served: ask for a chat completion."""
        versions.required(api_version)
        await refuse(request, deployment)

    @routes.post("/openai/v1/completions", openapi_extra=body)
    async def complete_v1(request: Request) -> None:
        """The same with the deployment as `model` in the body."""
        await refuse(request, None)

    @routes.post("/v1/completions", openapi_extra=body)
    async def complete_openai(request: Request) -> None:
        """The same for clients of OpenAI itself."""
        await refuse(request, None)

    return routes
