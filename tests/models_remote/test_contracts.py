"""The contract suites over the fakes, and over the real clients through a server on loopback."""

from __future__ import annotations

import pytest

from foveal.models.chat_reranker import ChatReranker
from foveal.models.openai_captioner import OpenAICaptioner
from foveal.models.openai_chat import OpenAIChatModel
from foveal.models.openai_client import Endpoint
from foveal.models.openai_embedder import OpenAITextEmbedder
from foveal.models.rerank_http import HttpReranker
from foveal.pipeline.prompting import prompt
from foveal.ports.models import Captioner, ChatModel, Reranker, TextEmbedder
from foveal.testing.contracts.captioner import CaptionerContract
from foveal.testing.contracts.chat_model import ChatModelContract
from foveal.testing.contracts.reranker import RerankerContract
from foveal.testing.contracts.text_embedder import TextEmbedderContract
from foveal.testing.fakes_remote import FakeCaptioner, FakeChatModel, FakeReranker
from foveal.testing.injections import ObedientChatModel
from foveal.testing.openai_server import OpenAIServer


class TestFakeChatModel(ChatModelContract):
    @pytest.fixture
    def chat(self) -> ChatModel:
        return FakeChatModel()


class TestObedientChatModel(ChatModelContract):
    @pytest.fixture
    def chat(self) -> ChatModel:
        return ObedientChatModel()


class TestOpenAIChatModel(ChatModelContract):
    @pytest.fixture
    def chat(self, endpoint: Endpoint) -> ChatModel:
        return OpenAIChatModel(endpoint, sees=True)


class TestFakeCaptioner(CaptionerContract):
    @pytest.fixture
    def captioner(self) -> Captioner:
        return FakeCaptioner()


class TestOpenAICaptioner(CaptionerContract):
    @pytest.fixture
    def captioner(self, endpoint: Endpoint) -> Captioner:
        caption = prompt("caption")
        return OpenAICaptioner(endpoint, prompt=caption.text, prompt_version=caption.version)


class TestOpenAITextEmbedder(TextEmbedderContract):
    @pytest.fixture
    def embedder(self, endpoint: Endpoint) -> TextEmbedder:
        return OpenAITextEmbedder(endpoint)


class TestFakeReranker(RerankerContract):
    @pytest.fixture
    def reranker(self) -> Reranker:
        return FakeReranker()


class TestChatReranker(RerankerContract):
    @pytest.fixture
    def reranker(self) -> Reranker:
        rerank = prompt("rerank")
        return ChatReranker(FakeChatModel(), prompt=rerank.text, prompt_version=rerank.version)


class TestHttpReranker(RerankerContract):
    @pytest.fixture
    def reranker(self, server: OpenAIServer) -> Reranker:
        return HttpReranker(f"{server.base_url}/rerank", model="fake")


class TestHttpRerankerInTheTextsDialect(RerankerContract):
    @pytest.fixture
    def reranker(self, server: OpenAIServer) -> Reranker:
        return HttpReranker(f"{server.address}/texts")
