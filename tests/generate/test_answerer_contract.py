"""The answerer's contract over the fake, over the real one with a fake model, and over a client and a server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from foveal.models.openai_chat import OpenAIChatModel
from foveal.models.openai_client import Endpoint
from foveal.pipeline.generate import GeneratedAnswerer
from foveal.ports.models import Answerer
from foveal.testing.contracts.answerer import AnswererContract
from foveal.testing.fakes_remote import FakeAnswerer, FakeChatModel
from foveal.testing.openai_server import OpenAIServer


@pytest.fixture(scope="module")
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        yield server


class TestFakeAnswerer(AnswererContract):
    @pytest.fixture
    def answerer(self) -> Answerer:
        return FakeAnswerer()


class TestGeneratedAnswerer(AnswererContract):
    @pytest.fixture
    def answerer(self) -> Answerer:
        return GeneratedAnswerer(FakeChatModel())


class TestGeneratedAnswererOverTheWire(AnswererContract):
    @pytest.fixture
    def answerer(self, server: OpenAIServer) -> Answerer:
        return GeneratedAnswerer(OpenAIChatModel(Endpoint(base_url=server.base_url, model="fake"), sees=True))
