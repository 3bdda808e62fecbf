"""P2: the multimodal client of seed 003 against a running server."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from pathlib import Path

import openai
import pytest

import foveal
from foveal.clients.image_documents import image_part
from foveal.clients.responses import ChatMessage, ChatResponse
from foveal.errors import ImageError, InvalidRequestError
from foveal.testing.fakes_engine import FakeEngine

from .conftest import DOGS, KEY

PROMPT = "Describe the images as an alternative text"
VERSION = "2023-12-01-preview"
SOURCE = {"type": "azure_search", "parameters": {"index_name": "photos"}}


@pytest.fixture
def llm(address: str) -> Iterator[foveal.AzureOpenAIMultiModal]:
    with foveal.AzureOpenAIMultiModal(
        engine="foveal", model="gpt-4-vision-preview", api_version=VERSION, azure_endpoint=address, api_key=KEY
    ) as client:
        yield client


def test_the_seed_s_example_runs_with_only_the_import_changed(
    address: str, engine: FakeEngine, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", f"{address}/")
    monkeypatch.setenv("OPENAI_API_VERSION", VERSION)
    azure_openai_mm_llm = foveal.AzureOpenAIMultiModal(
        engine="foveal", api_version=VERSION, model="gpt-4-vision-preview", max_new_tokens=300
    )
    base64str = base64.b64encode(picture).decode("utf-8")
    image_document = foveal.ImageDocument(image=base64str, image_mimetype="image/jpeg")
    complete_response = azure_openai_mm_llm.complete(prompt=PROMPT, image_documents=[image_document])
    azure_openai_mm_llm.close()
    assert str(complete_response) == complete_response.text == f"You said: {PROMPT}"
    (message,) = engine.requests[0].messages
    assert [image.data for image in message.images] == [picture]
    assert engine.requests[0].sampling.max_tokens == 300
    assert engine.requests[0].sampling.temperature == 0.1


def test_everything_comes_from_the_environment_when_nothing_is_given(
    address: str, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", address)
    monkeypatch.setenv("OPENAI_API_VERSION", VERSION)
    with foveal.AzureOpenAIMultiModal(engine="foveal") as llm:
        assert llm.complete("Hi", []).text == "You said: Hi"


@dataclass
class TheirImage:
    """llama_index's `ImageDocument`, as far as it is read."""

    image: str | None = None
    image_url: str | None = None
    image_path: str | None = None
    image_mimetype: str | None = None
    metadata: dict[str, object] = field(default_factory=dict)


def test_images_come_from_files_addresses_base64_and_bytes(
    llm: foveal.AzureOpenAIMultiModal, engine: FakeEngine, picture: bytes, tmp_path: Path
) -> None:
    file = tmp_path / "a b.jpg"
    file.write_bytes(picture)
    url = "https://photos.example/a.jpg"
    engine.web = {url: picture}
    encoded = base64.b64encode(picture).decode()
    given = [
        picture,
        file,
        str(file),
        url,
        f"data:image/png;base64,{encoded}",
        foveal.ImageDocument(image=picture),
        foveal.ImageDocument(image=encoded),
        foveal.ImageDocument(image_path=file),
        foveal.ImageDocument(image_url=url),
        TheirImage(image=encoded),
    ]
    llm.complete(PROMPT, given)
    llm.complete(PROMPT, [TheirImage(image_path=str(file)), TheirImage(metadata={"file_path": str(file)})])
    assert [image.data for image in engine.requests[0].messages[0].images] == [picture] * len(given)
    assert [image.data for image in engine.requests[1].messages[0].images] == [picture] * 2
    assert {image.detail for image in engine.requests[0].messages[0].images} == {"low"}


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\1\2\3WEBPVP8 ", "image/webp"),
        (b"BM12", "image/bmp"),
        (b"II*\0", "image/tiff"),
        (b"nothing known", "image/jpeg"),
    ],
)
def test_the_media_type_is_told_from_the_bytes_unless_it_is_given(head: bytes, media_type: str) -> None:
    data = head + b"x" * 100
    part = image_part(foveal.ImageDocument(image=base64.b64encode(data).decode()), "high")
    assert part["image_url"]["url"].startswith(f"data:{media_type};base64,")  # type: ignore[index]
    named = image_part(foveal.ImageDocument(image=data, image_mimetype="image/x-own"), "high")
    assert named["image_url"]["url"].startswith("data:image/x-own;base64,")  # type: ignore[index]


def test_an_image_that_is_none_or_cannot_be_read_is_said_so(llm: foveal.AzureOpenAIMultiModal, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no image in ImageDocument"):
        llm.complete(PROMPT, [foveal.ImageDocument()])
    with pytest.raises(ImageError, match=r"gone\.jpg cannot be read"):
        llm.complete(PROMPT, [tmp_path / "gone.jpg"])


def test_a_stream_grows_by_its_deltas_into_the_whole(llm: foveal.AzureOpenAIMultiModal, picture: bytes) -> None:
    parts = list(llm.stream_complete(PROMPT, [picture]))
    assert len([part for part in parts if part.delta]) > 3
    assert "".join(part.delta or "" for part in parts) == parts[-1].text == f"You said: {PROMPT}"
    assert all(later.text.startswith(earlier.text) for earlier, later in pairwise(parts))


class TheirRole(StrEnum):
    USER = "user"


@dataclass
class TheirMessage:
    """llama_index's `ChatMessage`, as far as it is read."""

    role: TheirRole
    content: str
    additional_kwargs: dict[str, object] = field(default_factory=dict)


@pytest.mark.parametrize(
    "message", [ChatMessage("user", "Hi"), TheirMessage(TheirRole.USER, "Hi"), {"role": "user", "content": "Hi"}]
)
def test_chat_takes_messages_of_three_kinds(llm: foveal.AzureOpenAIMultiModal, message: object) -> None:
    response = llm.chat([message])
    assert response.message.role == "assistant"
    assert str(response) == "assistant: You said: Hi"
    assert response.additional_kwargs == {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    assert list(llm.stream_chat([message]))[-1].message == response.message


def test_the_asynchronous_calls_say_the_same_in_any_number_of_event_loops(
    llm: foveal.AzureOpenAIMultiModal, picture: bytes
) -> None:
    async def collected() -> tuple[str, str, list[str]]:
        whole = await llm.acomplete(PROMPT, [picture])
        words = [part.delta or "" async for part in await llm.astream_complete(PROMPT, [picture])]
        chatted: ChatResponse = await llm.achat([ChatMessage("user", "Hi")])
        streamed = [part async for part in await llm.astream_chat([ChatMessage("user", "Hi")])]
        assert streamed[-1].message == chatted.message
        return whole.text, str(chatted.message.content), words

    for _ in range(2):
        whole, chatted, words = asyncio.run(collected())
        assert whole == "".join(words) == f"You said: {PROMPT}"
        assert chatted == "You said: Hi"


def test_citations_of_an_answer_from_data_are_in_the_raw_reply(address: str) -> None:
    with foveal.AzureOpenAIMultiModal(
        engine="foveal",
        api_version="2024-10-21",
        azure_endpoint=address,
        api_key=KEY,
        additional_kwargs={"extra_body": {"data_sources": [SOURCE]}},
    ) as llm:
        response = llm.complete("dogs on the beach", [])
        assert response.text == f"{DOGS} [doc1]"
        assert response.raw.choices[0].message.model_extra["context"]["citations"][0]["filepath"] == "dogs.jpg"


def test_members_of_one_request_win_over_those_of_the_client(
    llm: foveal.AzureOpenAIMultiModal, engine: FakeEngine
) -> None:
    llm.complete("Hi", [], temperature=0.5, max_tokens=7)
    assert (engine.requests[0].sampling.temperature, engine.requests[0].sampling.max_tokens) == (0.5, 7)


def test_a_token_provider_stands_in_for_a_key(address: str) -> None:
    asked = []

    def token() -> str:
        asked.append(1)
        return KEY

    access = {"engine": "foveal", "api_version": VERSION, "azure_endpoint": address}
    with foveal.AzureOpenAIMultiModal(**access, azure_ad_token_provider=token) as llm:  # type: ignore[arg-type]
        assert llm.complete("Hi", []).text == "You said: Hi"
        assert asyncio.run(llm.acomplete("Hi", [])).text == "You said: Hi"
    assert len(asked) == 2


def test_the_sdk_s_own_errors_reach_the_caller(address: str) -> None:
    access = {"api_version": VERSION, "azure_endpoint": address, "max_retries": 0}
    with foveal.AzureOpenAIMultiModal(engine="foveal", api_key="wrong", **access) as llm:  # type: ignore[arg-type]
        with pytest.raises(openai.AuthenticationError):
            llm.complete("Hi", [])
    with foveal.AzureOpenAIMultiModal(engine="nothing", api_key=KEY, **access) as llm:  # type: ignore[arg-type]
        with pytest.raises(openai.NotFoundError):
            llm.complete("Hi", [])


def test_a_client_without_a_deployment_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="engine"):
        foveal.AzureOpenAIMultiModal(model="gpt-4o")
