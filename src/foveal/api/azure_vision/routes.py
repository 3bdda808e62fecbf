"""Addresses of Azure AI Vision, with `/computervision` before them and without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from foveal.api import versions
from foveal.api.azure_openai.addresses import ApiVersion
from foveal.api.azure_vision.analysis import Feature, analysis_out, read_wanted
from foveal.api.azure_vision.bodies import ImageAddress, read_image, read_json
from foveal.api.azure_vision.errors import VisionError, VisionRoute
from foveal.api.azure_vision.schemas import AnalysisOut, TextIn, VectorOut, Wire
from foveal.api.azure_vision.video_routes import VideoFace, video_router
from foveal.api.bodies import check, documented, read_body
from foveal.api.crowd import Threads
from foveal.api.engine import Engine
from foveal.pipeline.vectorizing import Vectorized

PREFIXES = ("/computervision", "")
MODEL_VERSIONS = frozenset({"", "latest", "2023-04-15", "2022-04-11"})
"""What may be asked for: whichever it is, the reply says which space its vector lies in."""
MAX_WORDS = 70
MAX_TEXT_BYTES = 64 * 2**10


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureVision:
    """What the routes work with."""

    engine: Engine
    threads: Threads
    max_body_bytes: int


def router(face: AzureVision) -> APIRouter:
    """All of them."""
    routes = APIRouter(tags=["Azure AI Vision"])
    for prefix in PREFIXES:
        inner = APIRouter(prefix=prefix, route_class=VisionRoute, include_in_schema=bool(prefix))
        _add_vectors(inner, face)
        _add_analysis(inner, face)
        routes.include_router(inner)
        routes.include_router(video_router(VideoFace(engine=face.engine, threads=face.threads, prefix=prefix)))
    return routes


ModelVersion = Annotated[str, Query(alias="model-version", description="`latest`, or a version of the service's.")]
OldModelVersion = Annotated[str, Query(alias="modelVersion", description="The same as the previews spelt it.")]


def _add_vectors(routes: APIRouter, face: AzureVision) -> None:
    engine, threads = face.engine, face.threads

    @routes.post(
        "/retrieval:vectorizeText", response_model=VectorOut, response_class=Response, openapi_extra=documented(TextIn)
    )
    async def vectorize_text(
        request: Request,
        api_version: ApiVersion = None,
        model_version: ModelVersion = "",
        old_model_version: OldModelVersion = "",
    ) -> Response:
        """The vector of some words, to be compared with those of images."""
        versions.required(api_version)
        await _check_version(face, model_version or old_model_version)
        body = check(TextIn, read_json(await read_body(request, limit_bytes=MAX_TEXT_BYTES)))
        _check_words(body.text)
        return _vector_reply(await threads.run(engine.vision.vectorizer.of_text, body.text))

    @routes.post(
        "/retrieval:vectorizeImage",
        response_model=VectorOut,
        response_class=Response,
        openapi_extra=documented(ImageAddress),
    )
    async def vectorize_image(
        request: Request,
        api_version: ApiVersion = None,
        model_version: ModelVersion = "",
        old_model_version: OldModelVersion = "",
    ) -> Response:
        """The vector of an image, given by its address or as bytes."""
        versions.required(api_version)
        await _check_version(face, model_version or old_model_version)
        body = await read_image(request)

        def vectorized() -> Vectorized:
            return engine.vision.vectorizer.of_image(body.open(engine).pixels)

        return _vector_reply(await threads.run(vectorized))


def _add_analysis(routes: APIRouter, face: AzureVision) -> None:
    engine, threads = face.engine, face.threads

    @routes.post(
        "/imageanalysis:analyze",
        response_model=AnalysisOut,
        response_class=Response,
        openapi_extra=documented(ImageAddress),
    )
    async def analyze(
        request: Request,
        *,
        features: str = "",
        api_version: ApiVersion = None,
        language: str | None = None,
        neutral: Annotated[bool, Query(alias="gender-neutral-caption")] = False,
        ratios: Annotated[str | None, Query(alias="smartcrops-aspect-ratios")] = None,
    ) -> Response:
        """What is in an image: caption, tags, objects, text, people, crops."""
        versions.required(api_version)
        wanted = read_wanted(
            features=features, language=language, ratios=ratios, neutral=neutral, api_version=api_version or ""
        )
        body = await read_image(request)
        written = bool(wanted.features & {Feature.CAPTION, Feature.DENSE_CAPTIONS})

        def analyzed() -> AnalysisOut:
            image = body.open(engine)
            found = engine.vision.caption(image) if written else engine.vision.look(image)
            height, width = image.pixels.shape[:2]
            if image.facts is not None:
                width, height = image.facts.width_px, image.facts.height_px
            return analysis_out(found, wanted, width_px=width, height_px=height)

        return json_reply(await threads.run(analyzed))


def json_reply(out: Wire, status: int = 200) -> Response:
    """A reply's JSON."""
    return Response(out.json_text(), status, media_type="application/json")


def _vector_reply(got: Vectorized) -> Response:
    return json_reply(VectorOut(model_version=got.space, vector=[float(number) for number in got.vector]))


async def _check_version(face: AzureVision, asked: str) -> None:
    """Refuse a version that is neither the service's nor the name of the present space."""
    if asked in MODEL_VERSIONS or asked == await face.threads.run(lambda: face.engine.vision.vectorizer.name):
        return
    raise VisionError(
        f"The model version {asked[:40]!r} is not supported.",
        remedy="Use latest, 2023-04-15 or 2022-04-11; the reply names the space that its vector lies in.",
        inner="InvalidArgument",
    )


def _check_words(text: str) -> None:
    count = len(text.split())
    if not 1 <= count <= MAX_WORDS:
        raise VisionError(
            f"The text has {count} words.", remedy=f"Send between 1 and {MAX_WORDS}.", inner="BadArgument"
        )
