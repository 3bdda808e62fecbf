"""A model server on loopback for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from foveal.models.openai_client import Endpoint
from foveal.testing.openai_server import Faults, OpenAIServer


@pytest.fixture(scope="session")
def running_server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        yield server


@pytest.fixture
def server(running_server: OpenAIServer) -> Iterator[OpenAIServer]:
    running_server.calls.clear()
    running_server.captioner.calls = 0
    running_server.most_at_once = 0
    running_server.faults = Faults()
    yield running_server
    running_server.faults = Faults()


@pytest.fixture
def endpoint(server: OpenAIServer) -> Endpoint:
    return Endpoint(base_url=server.base_url, model="fake", api_key="secret", timeout_s=10.0, max_retries=0)
