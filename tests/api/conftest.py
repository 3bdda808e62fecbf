from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest
from starlette.types import ASGIApp

from foveal.asgi import create_app
from foveal.testing.fakes_engine import IMAGE_MAGIC, FakeEngine, fake_chunk
from foveal.testing.fakes_keys import InMemoryApiKeys
from foveal.types.assets import MediaKind
from foveal.types.keys import KeyGrant, Role

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


@pytest.fixture
def keyed(engine: FakeEngine, serve: Callable[[ASGIApp], str]) -> Iterator[Callable[..., httpx.Client]]:
    """A client with a key of that role and those groups."""
    keys = InMemoryApiKeys()
    base_url = serve(create_app(engine, keys=keys))
    clients: list[httpx.Client] = []

    def client(role: Role, groups: tuple[str, ...] | None = None) -> httpx.Client:
        _, key = keys.create(KeyGrant(name=f"k{len(clients)}", role=role, groups=groups))
        clients.append(httpx.Client(base_url=base_url, timeout=20, trust_env=False, headers={"api-key": key}))
        return clients[-1]

    yield client
    for made in clients:
        made.close()
