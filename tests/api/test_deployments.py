"""C9: names that requests are sent to, what answers each, and what is said of names that do not exist."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from starlette.types import ASGIApp

from foveal.asgi import create_app
from foveal.errors import BudgetError, DeploymentNotFoundError, SettingsError
from foveal.models.cards import Card
from foveal.runtime import Foveal
from foveal.settings import load
from foveal.testing.openai_server import OpenAIServer
from foveal.types.chat import ChatRequest, Message

from .wire import ask, plain_body

SERVER = {"base_url": "http://127.0.0.1:9/v1", "model": "far"}


@pytest.fixture
def opened(tmp_path: Path, models_dir: Path) -> Iterator[Callable[..., Foveal]]:
    """Opens a home with these settings."""
    homes: list[Foveal] = []

    def make(**settings: object) -> Foveal:
        flags: dict[str, object] = {"home": tmp_path, "models": models_dir, "offline": True, "safety.on": False}
        homes.append(Foveal(load({**flags, **{k.replace("__", "."): v for k, v in settings.items()}}, environ={})))
        return homes[-1]

    yield make
    for home in homes:
        home.close()


def names(home: Foveal) -> list[str]:
    return [deployment.name for deployment in home.deployments()]


def test_without_a_table_the_local_answerer_and_the_local_text_model_are_there(opened: Callable[..., Foveal]) -> None:
    local, text = opened().deployments()
    assert (local.name, local.kind, local.sees, local.tools, local.json_mode) == ("foveal", "chat", True, False, False)
    assert (text.name, text.kind, text.model) == ("foveal-embedding", "embedding", "multilingual-e5-small")


def test_the_chat_server_answers_first_and_the_local_vision_model_is_listed(opened: Callable[..., Foveal]) -> None:
    home = opened(chat__base_url="http://127.0.0.1:9/v1", chat__model="gpt-4o", understanding__vision=True)
    assert names(home) == ["gpt-4o", "vision-chat", "foveal", "foveal-embedding"]
    assert home.deployment("").name == "gpt-4o"
    assert home.upstream("gpt-4o") is not None
    assert home.upstream("vision-chat") is None
    assert home.upstream("foveal") is None


def test_the_table_wins_and_says_what_each_can(opened: Callable[..., Foveal]) -> None:
    table = {
        "gpt-4-vision": {**SERVER, "context_tokens": 128_000},
        "small": {**SERVER, "sees": False, "tools": False, "json_mode": False},
        "foveal": SERVER,
        "ada": {**SERVER, "kind": "embedding", "dim": 3072},
        "gpt-35-turbo": {},
        "words": {"kind": "embedding"},
    }
    home = opened(deployments=table)
    vision, small, far = (home.deployment(name) for name in ("gpt-4-vision", "small", "foveal"))
    assert (vision.model, vision.sees, vision.tools, vision.json_mode) == ("far", True, True, True)
    assert vision.context_tokens == 128_000
    assert (small.sees, small.tools, small.json_mode) == (False, False, False)
    assert far.model == "far"
    assert home.deployment("ada").kind == "embedding"
    assert home.parts.deployments.embedder("ada").dim == 3072
    assert home.parts.deployments.embedder("words").identity == home.models.queries.identity
    assert home.upstream("gpt-35-turbo") is home.upstream("ada") is None
    assert home.upstream("gpt-4-vision") is not None


def test_a_deployment_without_a_server_is_another_name_for_one_of_the_home(opened: Callable[..., Foveal]) -> None:
    chat = {"chat__base_url": "http://127.0.0.1:9/v1", "chat__model": "gpt-4o"}
    home = opened(**chat, deployments={"gpt-4": {}, "offline": {"model": "foveal"}})
    assert home.deployment("gpt-4").model == "gpt-4o"
    assert home.upstream("gpt-4") is home.upstream("gpt-4o")
    assert home.deployment("offline").model == "foveal-extractive"
    with pytest.raises(SettingsError, match=r"no-such.*gpt-4o"):
        opened(**chat, deployments={"gpt-4": {"model": "no-such"}})


def test_an_unknown_name_is_refused_naming_the_others_unless_any_name_will_do(opened: Callable[..., Foveal]) -> None:
    with pytest.raises(DeploymentNotFoundError, match=r"gpt-4o.*foveal, foveal-embedding"):
        opened().deployment("gpt-4o")
    home = opened(deployments={"*": {}, "mine": SERVER})
    assert home.deployment("gpt-4o").name == "gpt-4o"
    assert home.deployment("gpt-4o").model == "foveal-extractive"
    assert home.deployment("mine").model == "far"
    assert names(home) == ["foveal", "foveal-embedding", "mine"]


def test_a_server_has_one_budget_for_all_that_call_it(opened: Callable[..., Foveal]) -> None:
    asked = ChatRequest(messages=(Message(role="user", text="Hello"),), deployment="gpt-4")
    with OpenAIServer() as server:
        table = {"gpt-4": {"base_url": server.base_url, "model": "fake"}}
        home = opened(deployments=table, budget__tokens=1600)
        assert home.ask(asked).text == "You said: Hello"
        upstream = home.upstream("gpt-4")
        assert upstream is not None
        with pytest.raises(BudgetError):
            asyncio.run(upstream.complete({"messages": [], "max_tokens": 1600}))
        assert asyncio.run(upstream.complete({"messages": [], "max_tokens": 1500})).body["choices"]
        assert len(server.calls) == 2


# --- over the wire


@pytest.fixture
def http(opened: Callable[..., Foveal], serve: Callable[[ASGIApp], str]) -> Iterator[httpx.Client]:
    table = {"gpt-4-vision": {}, "ada": {"kind": "embedding"}}
    with httpx.Client(base_url=serve(create_app(opened(deployments=table))), timeout=60, trust_env=False) as client:
        yield client


def chat(name: str) -> str:
    return f"/openai/deployments/{name}/chat/completions"


def test_the_local_answerer_says_what_it_is_under_any_of_its_names(http: httpx.Client) -> None:
    for name in ("foveal", "gpt-4-vision"):
        reply = ask(http, chat(name), plain_body("Who wrote Hamlet?")).json()
        assert "without a language model" in reply["choices"][0]["message"]["content"]


@pytest.mark.parametrize(
    ("param", "asked"),
    [
        ("tools", {"tools": [{"type": "function", "function": {"name": "f"}}]}),
        ("functions", {"functions": [{"name": "f"}]}),
        ("response_format", {"response_format": {"type": "json_object"}}),
        ("logprobs", {"logprobs": True}),
        ("n", {"n": 2}),
    ],
)
def test_what_the_local_answerer_cannot_is_refused_by_name(http: httpx.Client, param: str, asked: Any) -> None:
    refused = ask(http, chat("gpt-4-vision"), plain_body(**asked))
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)


def test_an_unknown_deployment_is_404_and_an_embedding_one_does_not_chat(http: httpx.Client) -> None:
    missing = ask(http, chat("gpt-5"), plain_body())
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "DeploymentNotFound")
    refused = ask(http, chat("ada"), plain_body())
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "OperationNotSupported")


def test_the_local_answerer_describes_a_photo_with_the_local_models(
    http: httpx.Client, pulled: Callable[[str], Card], test_data: Path
) -> None:
    for name in ("nanodet", "ssdlite", "efficientnet-lite2", "pp-ocr-v6"):
        pulled(name)
    photo = next(p for p in sorted((test_data / "photos").rglob("*.jpg")))
    file = io.BytesIO()
    Image.open(photo).convert("RGB").save(file, format="JPEG")
    url = "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
    content = [{"type": "text", "text": "Describe this picture."}, {"type": "image_url", "image_url": {"url": url}}]
    reply = ask(http, chat("gpt-4-vision"), {"messages": [{"role": "user", "content": content}]}).json()
    said = reply["choices"][0]["message"]["content"]
    assert "I see" in said or "looks like" in said
    assert "main colours" in said
    assert reply["usage"]["prompt_tokens"] > 85
