"""What the addresses of Azure OpenAI have in common."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query

from foveal.api import versions

DEPLOYMENT = "/openai/deployments/{deployment}"
ApiVersion = Annotated[str | None, Query(alias="api-version", description="Required outside v1.")]


def dated_version(api_version: ApiVersion = None) -> None:
    """A dependency: 404 without an `api-version`."""
    versions.required(api_version)


DATED = [Depends(dated_version)]
