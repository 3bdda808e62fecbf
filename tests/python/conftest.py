from __future__ import annotations

from collections.abc import Iterator

import pytest

from foveal.asgi import create_app
from foveal.testing.fakes_engine import IMAGE_MAGIC, FakeEngine, fake_chunk
from foveal.testing.serving import served

KEY = "s3cret"
DOGS = "Two dogs run along the beach at sunset."


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine({"photos": [fake_chunk("dogs.jpg", DOGS)]})


@pytest.fixture
def address(engine: FakeEngine) -> Iterator[str]:
    """A server that wants `KEY`."""
    with served(create_app(engine, api_keys=[KEY])) as url:
        yield url


@pytest.fixture
def picture() -> bytes:
    return IMAGE_MAGIC + b" picture"
