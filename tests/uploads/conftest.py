from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import httpx
import pytest
from starlette.types import ASGIApp

from foveal.api.auth import Role
from foveal.api.native.upload_forms import FormLimits
from foveal.asgi import create_app
from foveal.testing.fakes_engine import FakeEngine
from foveal.testing.fakes_keys import InMemoryApiKeys
from foveal.types.keys import KeyGrant

LIMITS = FormLimits(request_bytes=3_000_000, files=5)


KEYS = InMemoryApiKeys()


@pytest.fixture(scope="session")
def served_engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture(scope="session")
def apps(served_engine: FakeEngine) -> tuple[ASGIApp, ASGIApp]:
    """Without keys and with; made once, for putting one together takes longer than most tests."""
    open_app = create_app(served_engine, form_limits=LIMITS)
    return open_app, create_app(served_engine, keys=KEYS, form_limits=LIMITS)


@pytest.fixture
def engine(served_engine: FakeEngine) -> FakeEngine:
    served_engine.__init__()  # type: ignore[misc]  # as new
    return served_engine


@pytest.fixture
def http(engine: FakeEngine, apps: tuple[ASGIApp, ASGIApp], serve: Callable[[ASGIApp], str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=serve(apps[0]), timeout=20, trust_env=False) as client:
        yield client


@pytest.fixture
def keyed(
    engine: FakeEngine, apps: tuple[ASGIApp, ASGIApp], serve: Callable[[ASGIApp], str]
) -> Iterator[Callable[..., httpx.Client]]:
    """A client with a key of that role and those groups."""
    base_url = serve(apps[1])
    clients: list[httpx.Client] = []

    def client(role: Role, groups: tuple[str, ...] | None = None) -> httpx.Client:
        _, key = KEYS.create(KeyGrant(name=uuid.uuid4().hex, role=role, groups=groups))
        clients.append(httpx.Client(base_url=base_url, timeout=20, trust_env=False, headers={"api-key": key}))
        return clients[-1]

    yield client
    for made in clients:
        made.close()
