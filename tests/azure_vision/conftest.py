from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import httpx
import numpy as np
import pytest
from PIL import Image
from starlette.types import ASGIApp

from foveal.asgi import create_app
from foveal.errors import ImageError
from foveal.testing.fakes_engine import FakeEngine
from foveal.testing.fakes_eyes import fake_vision
from foveal.types.chat import ImageInput

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def picture_of(
    *boxes: tuple[tuple[int, int, int], tuple[int, int, int, int]], size: tuple[int, int] = (160, 80)
) -> bytes:
    """A PNG, grey but for coloured boxes (left, top, right, bottom) in pixels."""
    image = Image.new("RGB", size, (90, 90, 90))
    for colour, box in boxes:
        image.paste(colour, box)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


class SeeingEngine(FakeEngine):
    """The fake engine with real pixels."""

    def open_image(self, data: bytes) -> ImageInput:
        try:
            pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        except OSError:
            raise ImageError("The image's bytes are of no image type that is read.") from None
        return ImageInput(data=data, media_type="image/png", pixels=pixels)


@pytest.fixture(scope="session")
def served_engine() -> tuple[SeeingEngine, ASGIApp]:
    """Made once: building an application takes a second."""
    engine = SeeingEngine()
    return engine, create_app(engine)


@pytest.fixture
def engine(served_engine: tuple[SeeingEngine, ASGIApp]) -> SeeingEngine:
    served_engine[0].web = {}
    served_engine[0].vision = fake_vision()
    return served_engine[0]


@pytest.fixture
def http(
    engine: SeeingEngine, served_engine: tuple[SeeingEngine, ASGIApp], serve: Callable[[ASGIApp], str]
) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=serve(served_engine[1]), timeout=20, trust_env=False) as client:
        yield client
