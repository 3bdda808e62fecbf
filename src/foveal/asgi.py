"""The HTTP application: puts the parts of `foveal.api` together around one engine."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator

from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse
from starlette.middleware.cors import CORSMiddleware

from foveal import __version__
from foveal.api import denials, errors
from foveal.api.auth import Gate
from foveal.api.azure_openai import routes as azure_openai
from foveal.api.azure_openai.answering import Answering
from foveal.api.azure_openai.completions import CompletionBody
from foveal.api.azure_openai.embedding_schemas import EmbeddingBody
from foveal.api.azure_openai.ingestion_schemas import BODIES as INGESTION_BODIES
from foveal.api.azure_openai.schemas import ChatBody
from foveal.api.azure_search import routes as azure_search
from foveal.api.azure_search.document_routes import AzureSearch
from foveal.api.azure_search.schemas import BatchIn, IndexIn, SearchIn
from foveal.api.azure_vision import routes as azure_vision
from foveal.api.azure_vision.bodies import ImageAddress
from foveal.api.azure_vision.routes import AzureVision
from foveal.api.azure_vision.schemas import TextIn
from foveal.api.azure_vision.video_schemas import BODIES as VIDEO_BODIES
from foveal.api.bodies import schemas_of
from foveal.api.crowd import Crowd, Threads
from foveal.api.deadline import Deadline
from foveal.api.engine import Engine
from foveal.api.keyring import KeyRing
from foveal.api.limits import RateLimiter
from foveal.api.links import LinkSigner
from foveal.api.native import browsing, chat, embed, reading, session, snippet
from foveal.api.native import routes as native
from foveal.api.native.conversation_schemas import BODIES as CONVERSATION_BODIES
from foveal.api.native.embed import Embedding
from foveal.api.native.schemas import SearchBody
from foveal.api.native.source_schemas import BODIES as SOURCE_BODIES
from foveal.api.native.upload_forms import FormLimits
from foveal.api.native.upload_schemas import BODIES as UPLOAD_BODIES
from foveal.api.reception import Reception
from foveal.api.sessions import Sessions
from foveal.api.wire import HeaderLimits, Heads, RequestIds, TidyPaths
from foveal.ports.stores import ApiKeys
from foveal.web.brand import Brand
from foveal.web.site import Site
from foveal.web.site import router as pages

MAX_BODY_BYTES = 64 * 2**20
"""Longest request body: three images of the default 16 MB as base64."""
FORM_LIMITS = FormLimits(request_bytes=4 * 2**30, files=1000)
REQUEST_SECONDS = 600.0
"""Longest request; the OpenAI clients give up after as long."""
READ_HEADERS = (
    "apim-request-id",
    "x-request-id",
    "x-ms-client-request-id",
    "operation-location",
    "location",
    "foveal-file-id",
    "foveal-outcome",
    *(f"upload-{name}" for name in ("offset", "length", "expires")),
    *(f"tus-{name}" for name in ("resumable", "version", "extension", "max-size")),
    "retry-after",
    "retry-after-ms",
    "x-should-retry",
    "etag",
    "content-disposition",
    "content-range",
    "accept-ranges",
    *(f"x-ratelimit-{kind}-{what}" for kind in ("limit", "remaining", "reset") for what in ("requests", "tokens")),
)
"""Headers of replies that clients read, which a browser hides from a page of another origin unless told."""


def create_app(
    engine: Engine,
    *,
    title: str = "Foveal",
    api_keys: Collection[str] = (),
    keys: ApiKeys | None = None,
    link_secret: bytes = b"",
    open_links: bool = False,
    cors_origins: Collection[str] = (),
    public_url: str = "",
    brand: Brand | None = None,
    embedding: Embedding | None = None,
    request_seconds: float = REQUEST_SECONDS,
    concurrency: int = 8,
    queue: int = 64,
    max_body_bytes: int = MAX_BODY_BYTES,
    form_limits: FormLimits = FORM_LIMITS,
) -> FastAPI:
    """The application.

    Args:
        engine: What answers; stays open as long as the application runs.
        title: Name on the pages and in the OpenAPI document.
        api_keys: Any of them opens, with every right.
        keys: Keys that were made. As long as neither has one, only programs on this machine are answered (see
            `foveal.api.auth`).
        link_secret: Signs the links in replies and seals sessions; empty: one of this application's own, that no other
            one knows.
        open_links: Whether a signed link opens without a key.
        cors_origins: Origins whose pages may read replies.
        public_url: Address under which browsers reach the application; empty: the one they name.
        brand: How the pages look.
        embedding: Whether a chat may be embedded in pages of other sites; None: it may not.
        request_seconds: Longest request.
        concurrency: Pieces of computing work done at once.
        queue: Requests that may wait beyond that; one more is answered 429.
        max_body_bytes: Longest request body of any other kind than files.
        form_limits: Most bytes and files of a form of files.
    """
    threads = Threads(concurrency)
    secret = link_secret or secrets.token_bytes(32)
    reception = Reception(engine.desk)
    ring, sessions = KeyRing(api_keys, keys), Sessions(secret=secret)
    site = Site(brand or Brand(title=title), framed_by=embedding.origins if embedding else ())
    app = _application(title)
    app.include_router(pages(site))  # first: the many files of a page should not be compared with every other address
    for routes in _faces(engine, threads, max_body_bytes, form_limits):
        app.include_router(routes)
    signing_in = session.SigningIn(ring=ring, sessions=sessions, reception=reception, public_url=public_url)
    app.include_router(session.router(signing_in))
    app.include_router(embed.router(engine, threads, embedding or Embedding(), sessions))
    _add_probes(app, engine, threads)
    errors.install(app)
    denials.install(app)
    # The last one added sees a request first.
    app.add_middleware(Crowd, limit=concurrency + queue)
    app.add_middleware(Deadline, seconds=request_seconds)
    app.add_middleware(RateLimiter)
    app.add_middleware(
        Gate,
        ring=ring,
        signer=LinkSigner(secret=secret),
        open_links=open_links,
        origins=cors_origins,
        sessions=sessions,
        reception=reception,
        embedding=embedding,
        is_frame=site.opens,
    )
    if cors_origins:
        _open_to(app, cors_origins)
    for layer in (TidyPaths, Heads, HeaderLimits, RequestIds):
        app.add_middleware(layer)
    return app


def _application(title: str) -> FastAPI:
    """Without a route yet."""
    return _Application(
        title=title,
        version=__version__,
        redirect_slashes=False,
        docs_url=None,  # their scripts come from elsewhere; the product works offline
        redoc_url=None,
        responses={"default": {"model": errors.ErrorReply, "description": "Any failure"}},
    )


def _faces(engine: Engine, threads: Threads, max_body_bytes: int, form_limits: FormLimits) -> Iterator[APIRouter]:
    """What programs speak to: the services' interfaces, and this product's own."""
    yield azure_openai.router(Answering(engine=engine, threads=threads, max_body_bytes=max_body_bytes))
    yield native.router(
        native.Native(
            engine=engine,
            threads=threads,
            max_body_bytes=max_body_bytes,
            form_limits=form_limits,
            version=__version__,
        )
    )
    yield azure_search.router(AzureSearch(engine=engine, threads=threads, max_body_bytes=max_body_bytes))
    yield azure_vision.router(AzureVision(engine=engine, threads=threads, max_body_bytes=max_body_bytes))
    yield chat.router(chat.Chatting(engine=engine, threads=threads, max_body_bytes=max_body_bytes))
    yield browsing.router(engine, threads)
    yield reading.router(engine, threads)
    yield snippet.router()


def _open_to(app: FastAPI, origins: Collection[str]) -> None:
    """Let pages of these origins read replies; asking whether they may (a preflight) needs no key."""
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(origins),
        allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["*"],
        expose_headers=READ_HEADERS,
    )


BODIES = (
    *(ChatBody, CompletionBody, EmbeddingBody, SearchBody, SearchIn, BatchIn, IndexIn, ImageAddress, TextIn),
    *(session.SignInBody, snippet.SnippetBody),
    *VIDEO_BODIES,
    *INGESTION_BODIES,
    *SOURCE_BODIES,
    *UPLOAD_BODIES,
    *CONVERSATION_BODIES,
)
"""What routes read by themselves."""


class _Application(FastAPI):
    """FastAPI with the schemas of the bodies that routes read by themselves in its OpenAPI document."""

    def openapi(self) -> dict[str, object]:
        if not self.openapi_schema:
            document = super().openapi()
            document.setdefault("components", {}).setdefault("schemas", {}).update(schemas_of(*BODIES))
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
