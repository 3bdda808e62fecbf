"""`/v1/embed`: what an embedded chat asks before its first question.

Visitors of another site are nobody in particular. The page in their frame is given a pass, which opens nothing but
asking and looking at what the groups of `embed.groups` may see, for some hours. Whoever asks for a pass gets one: what
visitors may see is to be chosen as what everybody may see.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from fastapi import APIRouter
from pydantic import BaseModel, Field

from foveal.api.callers import Caller
from foveal.api.crowd import Threads
from foveal.api.engine import Engine
from foveal.api.sessions import Sessions
from foveal.errors import NotFoundError
from foveal.types.keys import RateLimits, Role

PASS_PATH = "/v1/embed/pass"  # noqa: S105 - an address
MARK = "fve_"
"""Begins every pass."""
PASS_S = 12 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedding:
    """How a chat may be embedded.

    Attributes:
        origins: Of the sites that may frame it; none: nobody may.
        indexes: What is asked; empty: all there are.
        groups: What visitors see beside what is for everybody.
        requests_per_minute: Of all visitors together; None: no limit.
    """

    origins: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    requests_per_minute: int | None = None

    @property
    def visitor(self) -> Caller:
        """Who they are to the rest of the server."""
        limits = RateLimits(requests_per_minute=self.requests_per_minute)
        return Caller(name="(embedded chat)", role=Role.READER, groups=self.groups, limits=limits)

    def admits(self, sessions: Sessions, credential: str, method: str, path: str) -> Caller | None:
        """The visitor who comes with a pass, if that is for such a request."""
        if not (self.origins and credential.startswith(MARK)):
            return None
        if sessions.open_text(credential.removeprefix(MARK), PASS_S) != _written(self):
            return None
        asks = method == "POST" and path == "/v1/chat"
        looks = method in {"GET", "HEAD"} and path.startswith("/v1/indexes/") and "/chunks/" in path
        return self.visitor if asks or looks else None


class PassOut(BaseModel):
    """What opens asking and looking, and what is asked."""

    token: str = Field(description="To be sent as `Authorization: Bearer`, or for pictures as the parameter `pass`.")
    deployment: str
    indexes: list[str]


def router(engine: Engine, threads: Threads, embedding: Embedding, sessions: Sessions) -> APIRouter:
    """The one route."""
    routes = APIRouter(prefix="/v1", tags=["Foveal"])

    @routes.get(PASS_PATH.removeprefix("/v1"))
    async def give_pass() -> PassOut:
        """A pass for an embedded chat, where one may be embedded."""
        if not embedding.origins:
            raise NotFoundError("No chat may be embedded here.", remedy="Set embed.origins.")
        names = await threads.run(engine.index_names)
        deployments = await threads.run(engine.deployments)
        return PassOut(
            token=MARK + sessions.seal_text(_written(embedding)),
            deployment=next(d.name for d in deployments if d.kind == "chat"),
            indexes=[n for n in names if not embedding.indexes or n in embedding.indexes],
        )

    return routes


def _written(embedding: Embedding) -> str:
    """What a pass vouches for: with other groups in the settings, earlier ones open nothing."""
    return json.dumps(["embed", *embedding.groups])
