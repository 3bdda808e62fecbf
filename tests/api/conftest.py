from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest
from starlette.types import ASGIApp

from foveal.asgi import create_app
from foveal.testing.fakes_engine import IMAGE_MAGIC, FakeEngine, fake_chunk
from foveal.types.assets import MediaKind

DOGS = "Two dogs run along the beach at sunset."
PARROT = "A parrot needs a sturdy cage, perches and toys."
REPORT = "The annual report lists the revenue of every region."


@pytest.fixture
def engine() -> FakeEngine:
    photos = [
        fake_chunk("dogs.jpg", DOGS, kind=MediaKind.IMAGE, media_type="image/jpeg", description=DOGS),
        fake_chunk("secret dogs.jpg", "dogs for the board only", group_ids=("board",)),
    ]
    texts = [
        fake_chunk("parrot.md", PARROT, media_type="text/markdown"),
        fake_chunk("page.html", REPORT, media_type="text/html"),
        fake_chunk("logo.svg", "logo", media_type="image/svg+xml"),
    ]
    fake = FakeEngine({"photos": photos, "texts": texts})
    fake.files = {
        "dogs.jpg": b"\xff\xd8\xff jpeg",
        "page.html": b"<script>alert(1)</script>",
        "logo.svg": b"<svg onload='alert(1)'/>",
    }
    return fake


@pytest.fixture
def base_url(engine: FakeEngine, serve: Callable[[ASGIApp], str]) -> str:
    return serve(create_app(engine))


@pytest.fixture
def http(base_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=base_url, timeout=20, trust_env=False) as client:
        yield client


@pytest.fixture
def picture() -> bytes:
    return IMAGE_MAGIC + b" picture"
