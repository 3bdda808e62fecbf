"""Addresses of Azure OpenAI, outside and inside v1, and of clients of OpenAI itself (`/v1`)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from foveal.api import versions
from foveal.api.azure_openai.answering import Answering
from foveal.api.azure_openai.schemas import (
    Capabilities,
    ChatBody,
    ChatCompletion,
    DeploymentList,
    DeploymentOut,
    ModelList,
    ModelOut,
    ScaleSettings,
)
from foveal.api.bodies import documented
from foveal.types.status import Deployment

DEPLOYMENT = "/openai/deployments/{deployment}"
ApiVersion = Annotated[str | None, Query(alias="api-version", description="Required outside v1.")]


def dated_version(api_version: ApiVersion = None) -> None:
    """A dependency: 404 without an `api-version`."""
    versions.required(api_version)


DATED = [Depends(dated_version)]


def router(answering: Answering) -> APIRouter:
    """All of them."""
    routes = APIRouter(tags=["Azure OpenAI"])
    body = documented(ChatBody)

    @routes.post(f"{DEPLOYMENT}/chat/completions", response_model=ChatCompletion, openapi_extra=body)
    async def complete(request: Request, deployment: str, api_version: ApiVersion = None) -> Response:
        """Answer a conversation, from the indexes in `data_sources` where there are any."""
        return await answering.chat(request, versions.plain_path(api_version), deployment)

    @routes.post(f"{DEPLOYMENT}/extensions/chat/completions", response_model=ChatCompletion, openapi_extra=body)
    async def complete_extensions(request: Request, deployment: str, api_version: ApiVersion = None) -> Response:
        """The same in the forms of 2023 (`dataSources`)."""
        return await answering.chat(request, versions.extensions_path(api_version), deployment)

    @routes.post("/openai/v1/chat/completions", response_model=ChatCompletion, openapi_extra=body)
    async def complete_v1(request: Request) -> Response:
        """The same with the deployment as `model` in the body."""
        return await answering.chat(request, versions.V1, None)

    @routes.post("/v1/chat/completions", response_model=ChatCompletion, openapi_extra=body)
    async def complete_openai(request: Request) -> Response:
        """The same for clients of OpenAI itself: no first event without choices."""
        return await answering.chat(request, versions.OPENAI, None)

    routes.include_router(_lists(answering))
    return routes


def _lists(answering: Answering) -> APIRouter:
    routes = APIRouter()

    async def models() -> Response:
        """The deployments, as models."""
        data = [_model(d) for d in await answering.deployments()]
        return _json(ModelList(object="list", data=data))

    async def model(model: str) -> Response:
        """One deployment, as a model."""
        return _json(_model(await answering.deployment(model)))

    @routes.get("/openai/deployments", response_model=DeploymentList, dependencies=DATED)
    async def deployments() -> Response:
        """The deployments."""
        data = [_deployment(d) for d in await answering.deployments()]
        return _json(DeploymentList(object="list", data=data))

    @routes.get(DEPLOYMENT, response_model=DeploymentOut, dependencies=DATED)
    async def deployment(deployment: str) -> Response:
        """One deployment."""
        return _json(_deployment(await answering.deployment(deployment)))

    for prefix in ("/openai", "/openai/v1", "/v1"):
        needs = DATED if prefix == "/openai" else []
        routes.add_api_route(f"{prefix}/models", models, response_model=ModelList, dependencies=needs)
        routes.add_api_route(f"{prefix}/models/{{model}}", model, response_model=ModelOut, dependencies=needs)
    return routes


def _model(deployment: Deployment) -> ModelOut:
    return ModelOut(
        id=deployment.name,
        object="model",
        created=deployment.created,
        created_at=deployment.created,
        owned_by="foveal",
        status="succeeded",
        lifecycle_status="generally-available",
        capabilities=Capabilities(
            chat_completion=True, completion=False, embeddings=False, fine_tune=False, inference=True
        ),
    )


def _deployment(deployment: Deployment) -> DeploymentOut:
    return DeploymentOut(
        id=deployment.name,
        object="deployment",
        model=deployment.model,
        owner="foveal",
        status="succeeded",
        created_at=deployment.created,
        updated_at=deployment.created,
        scale_settings=ScaleSettings(scale_type="standard"),
    )


def _json(value: ModelList | ModelOut | DeploymentList | DeploymentOut) -> Response:
    return Response(value.json_text(), media_type="application/json")
