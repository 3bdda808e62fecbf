"""The product itself behind the HTTP interface: the engine contract, and the official client on an ingested folder."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import openai
import pytest
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from foveal.asgi import create_app
from foveal.models.cards import Card
from foveal.runtime import Foveal
from foveal.settings import load
from foveal.testing.contracts.engine import BOARD, INDEX, PARROT, QUESTION, EngineContract


@pytest.fixture(scope="module")
def png() -> bytes:
    from PIL import Image

    y, x = np.mgrid[0:120, 0:160]
    pixels = np.stack([x, y, 255 - x], axis=-1).astype(np.uint8)
    pixels[40:80, 60:110] = (200, 30, 30)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def product(
    tmp_path_factory: pytest.TempPathFactory, pulled: Callable[[str], Card], models_dir: Path, png: bytes
) -> Iterator[Foveal]:
    """A home with a small collection, ingested with the real models for words and pictures."""
    for name in ("multilingual-e5-small", "efficientnet-lite2"):
        pulled(name)
    root = tmp_path_factory.mktemp("engine")
    for folder, name, data in (
        ("open", "parrot.txt", PARROT.encode()),
        ("open", "picture.png", png),
        ("board", "board.txt", BOARD.encode()),
    ):
        (root / folder).mkdir(exist_ok=True)
        (root / folder / name).write_bytes(data)
    flags = {"home": root / "home", "models": models_dir, "index": INDEX, "fetch.allow": "127.0.0.1"}
    off = {"understanding.objects": False, "understanding.ocr": False, "understanding.safety": False}
    with Foveal(load({**flags, **off}, environ={})) as foveal:
        foveal.ingest([root / "open"])
        foveal.ingest([root / "board"], groups=("board",))
        yield foveal


class TestFoveal(EngineContract):
    @pytest.fixture
    def engine(self, product: Foveal) -> Foveal:
        return product

    @pytest.fixture
    def picture(self, png: bytes) -> bytes:
        return png

    @pytest.fixture
    def picture_url(self, png: bytes, serve: Callable[[ASGIApp], str]) -> str:
        async def only_this(scope: Scope, receive: Receive, send: Send) -> None:
            await Response(png)(scope, receive, send)

        return f"{serve(only_this)}/picture.png?sig=secret"


SOURCE = {"type": "azure_search", "parameters": {"endpoint": "http://localhost", "index_name": INDEX}}


@pytest.fixture
def azure(product: Foveal, serve: Callable[[ASGIApp], str]) -> Iterator[openai.AzureOpenAI]:
    url = serve(create_app(product))
    with openai.AzureOpenAI(azure_endpoint=url, api_key="any", api_version="2024-10-21", max_retries=0) as client:
        yield client


def test_the_official_client_gets_a_cited_answer_from_an_ingested_folder(azure: openai.AzureOpenAI) -> None:
    reply = azure.chat.completions.create(
        model="foveal", messages=[{"role": "user", "content": QUESTION}], extra_body={"data_sources": [SOURCE]}
    )
    message = reply.choices[0].message
    assert message.content is not None
    citations = message.model_extra["context"]["citations"]  # type: ignore[index]
    number = next(n for n, c in enumerate(citations, 1) if c["filepath"] == "parrot.txt")
    assert f"[doc{number}]" in message.content
    assert "cage" in message.content
    assert httpx.get(citations[number - 1]["url"], trust_env=False).content == PARROT.encode()


def test_the_stream_of_an_ingested_folder_says_the_same(azure: openai.AzureOpenAI) -> None:
    asked = {"model": "foveal", "messages": [{"role": "user", "content": QUESTION}]}
    body = {"data_sources": [SOURCE]}
    whole = azure.chat.completions.create(**asked, extra_body=body)  # type: ignore[call-overload]
    chunks = list(azure.chat.completions.create(**asked, stream=True, extra_body=body))  # type: ignore[call-overload]
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == whole.choices[0].message.content
    first = chunks[0].choices[0].delta.model_extra["context"]
    assert first == whole.choices[0].message.model_extra["context"]


def test_a_filter_of_the_request_keeps_documents_out_of_the_answer(azure: openai.AzureOpenAI) -> None:
    parameters = SOURCE["parameters"] | {"filter": "filepath ne 'parrot.txt'"}  # type: ignore[operator]
    reply = azure.chat.completions.create(
        model="foveal",
        messages=[{"role": "user", "content": QUESTION}],
        extra_body={"data_sources": [{"type": "azure_search", "parameters": parameters}]},
    )
    citations = reply.choices[0].message.model_extra["context"]["citations"]  # type: ignore[index]
    assert "parrot.txt" not in [c["filepath"] for c in citations]


def test_an_attached_picture_finds_itself(azure: openai.AzureOpenAI, png: bytes) -> None:
    url = "data:image/png;base64," + base64.b64encode(png).decode()
    content = [
        {"type": "text", "text": "Which picture is like this?"},
        {"type": "image_url", "image_url": {"url": url}},
    ]
    reply = azure.chat.completions.create(
        model="foveal",
        messages=[{"role": "user", "content": content}],  # type: ignore[list-item, misc]
        extra_body={"data_sources": [SOURCE]},
    )
    citations = reply.choices[0].message.model_extra["context"]["citations"]  # type: ignore[index]
    assert "picture.png" in [c["filepath"] for c in citations]


def test_a_question_outside_the_data_is_refused(azure: openai.AzureOpenAI) -> None:
    reply = azure.chat.completions.create(
        model="foveal",
        messages=[{"role": "user", "content": "Who won the chess olympiad in 1972?"}],
        extra_body={"data_sources": [SOURCE | {"strictness": 5}]},
    )
    assert "[doc" not in (reply.choices[0].message.content or "")


def test_a_plain_chat_without_a_chat_model_says_what_it_is(azure: openai.AzureOpenAI) -> None:
    reply = azure.chat.completions.create(model="foveal", messages=[{"role": "user", "content": "Hi, who are you?"}])
    assert "without a language model" in (reply.choices[0].message.content or "")


def test_native_search_on_an_ingested_folder_finds_by_picture(
    product: Foveal, serve: Callable[[ASGIApp], str], png: bytes
) -> None:
    with httpx.Client(base_url=serve(create_app(product)), trust_env=False, timeout=60) as http:
        body = {"images": [base64.b64encode(png).decode()], "explain": True}
        reply = http.post("/v1/search", json=body).json()
        assert reply["hits"][0]["filepath"] == "picture.png"
        assert "image" in [leg["leg"] for leg in reply["hits"][0]["legs"]]
        assert http.get(reply["hits"][0]["bytes_url"]).content == png
        thumbnail = http.get(reply["hits"][0]["thumbnail_url"], params={"size": 32})
        assert thumbnail.content.startswith(b"\xff\xd8")
        assert http.get("/v1/health").status_code == 200
