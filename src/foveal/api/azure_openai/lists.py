"""Lists: the deployments, as deployments and as models, with what each can be asked for."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from foveal.api.azure_openai.addresses import DATED, DEPLOYMENT
from foveal.api.azure_openai.answering import Answering
from foveal.api.azure_openai.schemas import (
    Capabilities,
    DeploymentList,
    DeploymentOut,
    ModelList,
    ModelOut,
    ScaleSettings,
)
from foveal.types.status import Deployment


def router(answering: Answering) -> APIRouter:
    """All addresses of lists."""
    routes = APIRouter(tags=["Azure OpenAI"])

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
        # Names of models have slashes in them where they come from a hub.
        routes.add_api_route(f"{prefix}/models/{{model:path}}", model, response_model=ModelOut, dependencies=needs)
    return routes


def _capabilities(deployment: Deployment) -> Capabilities:
    return Capabilities(
        chat_completion=deployment.kind == "chat",
        completion=False,
        embeddings=deployment.kind == "embedding",
        fine_tune=False,
        inference=True,
        vision=deployment.sees,
    )


def _model(deployment: Deployment) -> ModelOut:
    return ModelOut(
        id=deployment.name,
        object="model",
        created=deployment.created,
        created_at=deployment.created,
        owned_by="foveal",
        status="succeeded",
        lifecycle_status="generally-available",
        capabilities=_capabilities(deployment),
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
