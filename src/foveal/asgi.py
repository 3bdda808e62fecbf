"""The HTTP application: puts the parts of `foveal.api` together around one engine."""

from __future__ import annotations

from collections.abc import Collection

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from foveal import __version__
from foveal.api import errors
from foveal.api.auth import Gate
from foveal.api.azure_openai import routes as azure_openai
from foveal.api.azure_openai.answering import Answering
from foveal.api.azure_openai.schemas import ChatBody
from foveal.api.bodies import schemas_of
from foveal.api.crowd import Crowd, Threads
from foveal.api.engine import Engine
from foveal.api.native import routes as native
from foveal.api.native.schemas import SearchBody
from foveal.api.wire import RequestIds, TidyPaths

MAX_BODY_BYTES = 64 * 2**20
"""Longest request body: three images of the default 16 MB as base64."""


def create_app(
    engine: Engine,
    *,
    title: str = "Foveal",
    api_keys: Collection[str] = (),
    concurrency: int = 8,
    queue: int = 64,
    max_body_bytes: int = MAX_BODY_BYTES,
) -> FastAPI:
    """The application.

    Args:
        engine: What answers; stays open as long as the application runs.
        title: Name in the OpenAPI document.
        api_keys: Any of them opens; none: only programs on this machine are answered (see `foveal.api.auth`).
        concurrency: Pieces of computing work done at once.
        queue: Requests that may wait beyond that; one more is answered 429.
        max_body_bytes: Longest request body.
    """
    threads = Threads(concurrency)
    app = _Application(
        title=title,
        version=__version__,
        redirect_slashes=False,
        docs_url=None,  # their scripts come from elsewhere; the product works offline
        redoc_url=None,
        responses={"default": {"model": errors.ErrorReply, "description": "Any failure"}},
    )
    app.include_router(azure_openai.router(Answering(engine=engine, threads=threads, max_body_bytes=max_body_bytes)))
    app.include_router(
        native.router(native.Native(engine=engine, threads=threads, max_body_bytes=max_body_bytes, version=__version__))
    )
    _add_probes(app, engine, threads)
    errors.install(app)
    # The last one added sees a request first.
    app.add_middleware(Crowd, limit=concurrency + queue)
    app.add_middleware(Gate, keys=api_keys)
    app.add_middleware(TidyPaths)
    app.add_middleware(RequestIds)
    return app


class _Application(FastAPI):
    """FastAPI with the schemas of the bodies that routes read by themselves in its OpenAPI document."""

    def openapi(self) -> dict[str, object]:
        if not self.openapi_schema:
            document = super().openapi()
            document.setdefault("components", {}).setdefault("schemas", {}).update(schemas_of(ChatBody, SearchBody))
        return self.openapi_schema or {}


def _add_probes(app: FastAPI, engine: Engine, threads: Threads) -> None:
    @app.get("/healthz", tags=["Probes"])
    async def alive() -> JSONResponse:
        """The process answers."""
        return JSONResponse({"status": "ok"})

    @app.get("/readyz", tags=["Probes"])
    async def ready() -> JSONResponse:
        """The catalog can be read."""
        await threads.run(engine.index_names)
        return JSONResponse({"status": "ready"})
