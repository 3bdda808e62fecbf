"""C7 on the wire: every observed form of a question about videos, and its errors inside the answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from foveal.errors import NotFoundError
from foveal.testing.fakes_engine import fake_chunk
from foveal.testing.fakes_eyes import fake_vision
from foveal.types.assets import MediaKind
from foveal.types.chat import Citation, Retrieved
from foveal.types.chunks import Chunk
from foveal.types.locators import Locator

from .conftest import SeeingEngine, picture_of

PLAIN = "/openai/deployments/foveal/chat/completions"
EXTENSIONS = "/openai/deployments/foveal/extensions/chat/completions"
TALK = fake_chunk(
    "folder/talk.mp4", "words", kind=MediaKind.VIDEO, media_type="video/mp4", locator=Locator(start_ms=5000)
)
OTHER = fake_chunk("folder/other.mp4", "words", kind=MediaKind.VIDEO, media_type="video/mp4")
IMAGE = {"type": "image_url", "image_url": {"url": "https://x.org/a.png"}}


@pytest.fixture(autouse=True)
def opened(engine: SeeingEngine) -> list[tuple[str, str, str]]:
    seen: list[tuple[str, str, str]] = []

    def open_video(index: str, name: str, url: str, groups: tuple[str, ...] | None) -> Chunk:
        seen.append((index, name, url))
        if index == "my-video-index" and (name == "talk-id" or url.startswith("https://x.org/talk.mp4")):
            return TALK
        if index == "my-video-index" and name == "other-id":
            return OTHER
        raise NotFoundError(f"There is no video {name!r} in the index {index!r}.")

    engine.vision = fake_vision(open_video=open_video)
    engine.web = {"https://x.org/a.png": picture_of()}
    engine.requests.clear()
    engine.rests_on = None
    return seen


def source(here: str, **parameters: Any) -> dict[str, Any]:
    given = {
        "computerVisionBaseUrl": f"{here}/computervision",
        "computerVisionApiKey": "theirs",
        "indexName": "my-video-index",
        "videoUrls": ["https://x.org/talk.mp4?sas"],
    }
    return {"type": "AzureComputerVisionVideoIndex", "parameters": {**given, **parameters}}


def body(*content: dict[str, Any], **more: Any) -> dict[str, Any]:
    parts = content or (
        {"type": "acv_document_id", "acv_document_id": "talk-id"},
        {"type": "text", "text": "Describe:"},
    )
    messages = [{"role": "system", "content": "You help."}, {"role": "user", "content": list(parts)}]
    return {"enhancements": {"video": {"enabled": True}}, "messages": messages, "max_tokens": 100, **more}


def ask(
    http: httpx.Client, sent: dict[str, Any], path: str = PLAIN, version: str = "2024-02-15-preview"
) -> httpx.Response:
    return http.post(path, params={"api-version": version}, json=sent)


def asked_videos(engine: SeeingEngine) -> list[tuple[str, str]]:
    assert len(engine.requests) == 1
    return [(video.index, video.title) for message in engine.requests[0].messages for video in message.videos]


SOURCES: list[Callable[[str], dict[str, Any]]] = [
    lambda here: {"dataSources": [source(here)]},
    lambda here: {"dataSources": [source(here, computerVisionBaseUrl=here)]},
    lambda here: {"dataSources": [source(here, computerVisionBaseUrl="")]},
    lambda here: {"data_sources": [source(here, computerVisionBaseUrl=None, endpoint=here)]},
    lambda here: {
        "data_sources": [
            {
                "type": "azure_computer_vision_video_index",
                "parameters": {"computer_vision_base_url": f"{here}/computervision/", "index_name": "my-video-index"},
            }
        ]
    },
    lambda here: {"dataSources": [{"type": "AzureComputerVisionVideoIndex", "indexName": "my-video-index"}]},
    lambda here: {
        "dataSources": [
            {"type": "AzureComputerVision", "parameters": {"endpoint": here, "key": "k"}},
            source(here),
        ]
    },
]


@pytest.mark.parametrize("sources", SOURCES)
@pytest.mark.parametrize(("path", "version"), [(PLAIN, "2024-02-15-preview"), (EXTENSIONS, "2023-12-01-preview")])
def test_every_observed_form_of_the_source_opens_the_video(
    http: httpx.Client, engine: SeeingEngine, sources: Callable[[str], dict[str, Any]], path: str, version: str
) -> None:
    reply = ask(http, body(**sources(str(http.base_url).rstrip("/"))), path, version)
    assert reply.status_code == 200, reply.text
    assert asked_videos(engine) == [("my-video-index", "talk.mp4")]
    assert engine.requests[0].messages[-1].text == "Describe:"
    choice = reply.json()["choices"][0]
    assert (choice["finish_reason"], choice["message"]["role"]) == ("stop", "assistant")
    assert reply.json()["object"] == "chat.completion"


@pytest.mark.parametrize("stream", [False, True])
def test_what_the_answer_rests_on_is_its_context(http: httpx.Client, engine: SeeingEngine, stream: bool) -> None:
    moment = Citation(number=1, index="my-video-index", chunk=TALK, text="words")
    engine.rests_on = Retrieved(intents=("Describe:",), citations=(moment,), results=())
    reply = ask(http, body(dataSources=[source(str(http.base_url))], stream=stream))
    if stream:
        events = [json.loads(line[6:]) for line in reply.text.splitlines() if line.startswith("data: {")]
        contexts = [e["choices"][0]["delta"].get("context") for e in events if e["choices"]]
        assert contexts[1:] == [None] * (len(contexts) - 1)
        context = contexts[0]
    else:
        context = reply.json()["choices"][0]["message"]["context"]
    assert context["intent"] == '["Describe:"]'
    (citation,) = context["citations"]
    assert (citation["content"], citation["filepath"]) == ("words", "folder/talk.mp4")
    assert citation["url"].endswith("#t=5")


def test_the_video_has_an_address_that_opens_it_from_its_beginning(http: httpx.Client, engine: SeeingEngine) -> None:
    ask(http, body(dataSources=[source(str(http.base_url))]))
    address = engine.requests[0].messages[-1].videos[0].address
    assert f"/v1/indexes/my-video-index/chunks/{TALK.chunk_id}/bytes?" in address
    assert "signature=" in address
    assert "#" not in address


@pytest.mark.parametrize("enabled", [True, "true"])
def test_enabled_may_be_a_word(http: httpx.Client, engine: SeeingEngine, enabled: object) -> None:
    sent = body(dataSources=[source(str(http.base_url))], enhancements={"video": {"enabled": enabled}})
    assert ask(http, sent).status_code == 200
    assert len(asked_videos(engine)) == 1


@pytest.mark.parametrize("first", [True, False])
def test_a_video_may_stand_in_a_message_of_its_own_before_or_after_the_words(
    http: httpx.Client, engine: SeeingEngine, first: bool
) -> None:
    alone = {"role": "user", "content": [{"type": "acv_document_id", "acv_document_id": "talk-id"}]}
    words = {"role": "user", "content": "What is said?"}
    sent = body(dataSources=[source(str(http.base_url))])
    sent["messages"] = [alone, words] if first else [words, alone]
    assert ask(http, sent).status_code == 200
    assert len(engine.requests[0].messages) == 1
    assert engine.requests[0].messages[0].text == "What is said?"
    assert len(engine.requests[0].messages[0].videos) == 1


def test_images_and_several_videos_come_along(http: httpx.Client, engine: SeeingEngine) -> None:
    parts = [{"type": "acv_document_id", "acv_document_id": name} for name in ("talk-id", "other-id")]
    sent = body(*parts, IMAGE, {"type": "text", "text": "Same?"}, dataSources=[source(str(http.base_url))])
    assert ask(http, sent).status_code == 200
    assert asked_videos(engine) == [("my-video-index", "talk.mp4"), ("my-video-index", "other.mp4")]
    assert len(engine.requests[0].messages[-1].images) == 1


def test_without_an_id_the_address_of_the_source_names_the_video(
    http: httpx.Client, engine: SeeingEngine, opened: list[tuple[str, str, str]]
) -> None:
    sent = body({"type": "text", "text": "Describe:"}, dataSources=[source(str(http.base_url))])
    assert ask(http, sent).status_code == 200
    assert asked_videos(engine) == [("my-video-index", "talk.mp4")]
    assert opened == [("my-video-index", "", "https://x.org/talk.mp4?sas")]


def test_an_id_is_enough_where_the_enhancement_is_not_switched_on(http: httpx.Client, engine: SeeingEngine) -> None:
    sent = body(dataSources=[source(str(http.base_url))])
    del sent["enhancements"]
    assert ask(http, sent).status_code == 200
    assert len(asked_videos(engine)) == 1


def told(reply: httpx.Response) -> dict[str, Any]:
    """The error inside the answer; its words are the answer's too."""
    assert reply.status_code == 200, reply.text
    message = reply.json()["choices"][0]["message"]
    (tool,) = message["context"]["messages"]
    assert tool["role"] == "tool"
    error: dict[str, Any] = json.loads(tool["content"])
    assert message["content"] == error["ErrorMessage"]
    return error


@pytest.mark.parametrize("sources", [None, [], [{"type": "AzureComputerVision", "parameters": {"endpoint": "x"}}]])
def test_a_video_enhancement_without_a_source_of_videos_is_told_inside_the_answer(
    http: httpx.Client, engine: SeeingEngine, sources: object
) -> None:
    error = told(ask(http, body(dataSources=sources)))
    assert error["ErrorCode"] == 400
    assert "AzureComputerVisionVideoIndex" in error["ErrorMessage"]
    assert engine.requests == []


def test_an_unknown_document_is_404_inside_the_answer(http: httpx.Client) -> None:
    parts = ({"type": "acv_document_id", "acv_document_id": "nobody"}, {"type": "text", "text": "Describe:"})
    error = told(ask(http, body(*parts, dataSources=[source(str(http.base_url))])))
    assert error["ErrorCode"] == 404
    assert "nobody" in error["ErrorMessage"]


def test_a_service_elsewhere_is_out_of_reach_unless_the_operator_maps_it(
    http: httpx.Client, engine: SeeingEngine
) -> None:
    away = "https://westus.example.net/computervision"
    error = told(ask(http, body(dataSources=[source(str(http.base_url), computerVisionBaseUrl=away)])))
    assert error["ErrorCode"] == 400
    engine.mapped = {("westus.example.net", "their-index"): "my-video-index"}
    sent = body(dataSources=[source("", computerVisionBaseUrl=away, indexName="their-index")])
    assert ask(http, sent).status_code == 200
    assert asked_videos(engine) == [("my-video-index", "talk.mp4")]
    engine.mapped = {}


def test_the_error_is_streamed_too(http: httpx.Client) -> None:
    reply = ask(http, body(stream=True))
    lines = [line.removeprefix("data: ") for line in reply.text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    deltas = [choice["delta"] for line in lines[:-1] for choice in json.loads(line)["choices"]]
    tools = [delta["context"]["messages"][0] for delta in deltas if delta.get("context")]
    assert json.loads(tools[0]["content"])["ErrorCode"] == 400
    assert "AzureComputerVisionVideoIndex" in "".join(delta.get("content") or "" for delta in deltas)


def test_a_source_of_videos_without_a_question_about_them_changes_nothing(
    http: httpx.Client, engine: SeeingEngine
) -> None:
    sent = body({"type": "text", "text": "Hello"}, dataSources=[source(str(http.base_url))])
    del sent["enhancements"]
    assert ask(http, sent).status_code == 200
    assert asked_videos(engine) == []
