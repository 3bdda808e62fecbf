from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest
from starlette.types import ASGIApp

from foveal.asgi import create_app
from foveal.testing.fakes_engine import FakeEngine, fake_chunk
from foveal.testing.fakes_keys import InMemoryApiKeys
from foveal.types.assets import MediaKind
from foveal.types.keys import KeyGrant

DOGS = fake_chunk("dogs.jpg", "Two dogs run along the beach.", kind=MediaKind.IMAGE, media_type="image/jpeg")
SECRET = fake_chunk("plan.md", "The board plans a merger in Lisbon.", group_ids=("board",))


@pytest.fixture
def engine() -> FakeEngine:
    fake = FakeEngine({"photos": [DOGS], "papers": [SECRET]})
    fake.files = {"dogs.jpg": b"\xff\xd8\xff jpeg", "plan.md": b"The board plans a merger in Lisbon."}
    return fake


@pytest.fixture
def keys() -> InMemoryApiKeys:
    return InMemoryApiKeys()


@pytest.fixture
def url(engine: FakeEngine, keys: InMemoryApiKeys, serve: Callable[[ASGIApp], str]) -> str:
    return serve(create_app(engine, keys=keys))


Client = Callable[..., httpx.Client]


@pytest.fixture
def client(url: str, keys: InMemoryApiKeys) -> Iterator[Client]:
    """A client with a key of its own; arguments as in `KeyGrant`."""
    clients: list[httpx.Client] = []

    def made(name: str, **grant: object) -> httpx.Client:
        key = keys.create(KeyGrant(name=name, **grant))[1]  # type: ignore[arg-type]
        clients.append(httpx.Client(base_url=url, headers={"api-key": key}, timeout=20, trust_env=False))
        return clients[-1]

    yield made
    for each in clients:
        each.close()
