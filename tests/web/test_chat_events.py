"""`POST /v1/chat`: events that say everything an answer rests on, its words as text and as cleaned HTML."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator

import httpx
import pytest
from starlette.types import ASGIApp

from foveal.api.markdown import render
from foveal.asgi import create_app
from foveal.errors import ModelFailedError
from foveal.testing.fakes_engine import IMAGE_MAGIC, FakeEngine, fake_chunk
from foveal.types.assets import MediaKind

Serve = Callable[[ASGIApp], str]
DOGS = "Two dogs run along the beach at sunset."


@pytest.fixture
def engine() -> FakeEngine:
    photos = [fake_chunk("dogs.jpg", DOGS, kind=MediaKind.IMAGE, media_type="image/jpeg", description=DOGS)]
    return FakeEngine({"photos": photos})


@pytest.fixture
def http(engine: FakeEngine, serve: Serve) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=serve(create_app(engine)), timeout=20, trust_env=False) as client:
        yield client


def _body(text: str = "dogs on the beach", **more: object) -> dict[str, object]:
    sources = [{"type": "azure_search", "parameters": {"index_name": "photos"}}]
    return {"model": "foveal", "messages": [{"role": "user", "content": text}], "data_sources": sources, **more}


def _events(reply: httpx.Response) -> list[dict[str, object]]:
    lines = [line.removeprefix("data: ") for line in reply.text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def test_what_was_found_comes_first_then_words_then_the_end(http: httpx.Client) -> None:
    events = _events(http.post("/v1/chat", json=_body()))
    assert (events[0]["type"], events[-1]["type"]) == ("retrieved", "finished")
    (citation,) = events[0]["citations"]  # type: ignore[misc]
    assert (citation["number"], citation["index"], citation["description"]) == (1, "photos", DOGS)
    assert citation["legs"][0]["leg"] == "keyword"
    assert "".join(e["text"] for e in events if e["type"] == "text") == f"{DOGS} [doc1]"  # type: ignore[misc]
    assert events[-1]["answered"] is True


def test_html_comes_block_by_block_beside_the_text(http: httpx.Client, engine: FakeEngine) -> None:
    engine.say = "First **bold** words.\n\n| a | b |\n| - | - |\n| 1 | 2 |\n"
    events = _events(http.post("/v1/chat?format=html", json=_body() | {"data_sources": []}))
    blocks = {e["block"]: e["html"] for e in events if e["type"] == "block"}
    assert "<strong>bold</strong>" in str(blocks[0])
    assert "<td>2</td>" in str(blocks[1])
    assert "".join(str(e["text"]) for e in events if e["type"] == "text") == engine.say


def test_nothing_in_the_data_is_said_with_what_came_nearest(http: httpx.Client) -> None:
    events = _events(http.post("/v1/chat", json=_body("what is the price of beach umbrellas in winter in Oslo")))
    assert events[-1]["answered"] is False
    assert events[0]["citations"] == []
    assert [near["filepath"] for near in events[0]["nearest"]] == ["dogs.jpg"]  # type: ignore[union-attr, index]


def test_a_failure_before_the_first_event_has_its_own_status_and_after_it_is_an_event(
    http: httpx.Client, engine: FakeEngine
) -> None:
    assert http.post("/v1/chat", json=_body() | {"model": "nobody"}).status_code == 404
    assert http.post("/v1/chat", json=_body() | {"model": None}).status_code == 400
    engine.failure_after = ModelFailedError("The model broke off.")
    reply = http.post("/v1/chat", json=_body())
    assert reply.status_code == 200
    assert json.loads(reply.text.split("\n\n")[-2].removeprefix("data: "))["error"]["message"] == "The model broke off."


@pytest.mark.parametrize(
    ("text", "there", "absent"),
    [
        ("a <script>alert(1)</script>", "&lt;script&gt;", "<script"),
        ("[x](javascript:alert(1))", "javascript", "href"),
        ("![x](https://elsewhere.test/p.png)", "x", "<img"),
        ("<img src=x onerror=alert(1)>", "&lt;img", "<img"),
        ("[doc1] and [doc12]", 'data-doc="12"', "[doc"),
        ("`[doc1]` and [docs]", "<code>[doc1]</code>", "<button"),
        ("[a](https://b.test)", 'rel="noopener noreferrer nofollow"', "<script"),
    ],
)
def test_markup_is_rendered_and_cleaned(text: str, there: str, absent: str) -> None:
    assert there in render(text)
    assert absent not in render(text)


def test_a_snippet_of_the_chat_can_be_had(http: httpx.Client) -> None:
    body = _body() | {"temperature": 0.5}
    for language, mark in (("curl", "curl --silent"), ("python", "AzureOpenAI("), ("javascript", 'from "openai"')):
        text = http.post(f"/v1/snippet?language={language}", json=body).json()["text"]
        assert mark in text
        assert '"index_name": "photos"' in text
        assert "0.5" in text
    assert http.post("/v1/snippet?language=cobol", json=body).status_code == 400


def test_a_question_points_at_what_it_names(http: httpx.Client) -> None:
    chunk = http.post("/v1/search", json={"index": "photos", "text": "dogs"}).json()["hits"][0]["chunk_id"]
    assert http.get(f"/v1/indexes/photos/chunks/{chunk}").json()["pointed"] is None
    assert http.get(f"/v1/indexes/photos/chunks/{chunk}?q=dogs").json()["pointed"]["objects"] == []


def test_a_part_of_a_picture_can_be_asked_about(http: httpx.Client, engine: FakeEngine) -> None:
    url = "data:image/png;base64," + base64.b64encode(IMAGE_MAGIC + b" picture").decode()

    def ask(**box: float) -> httpx.Response:
        parts = [{"type": "text", "text": "dogs"}, {"type": "image_url", "image_url": {"url": url, "box": box}}]
        return http.post("/v1/chat", json=_body() | {"messages": [{"role": "user", "content": parts}]})

    whole = engine.open_image(IMAGE_MAGIC + b" picture").pixels
    assert ask(x=0, y=0, width=0.5, height=0.5).status_code == 200
    part = engine.requests[-1].messages[-1].images[0]
    assert part.pixels.shape[1] * 2 == whole.shape[1]
    assert ask(x=0.9, y=0.9, width=0.5, height=0.5).status_code == 400
