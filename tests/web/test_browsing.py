"""Looking through an index: pages in order, what items have in common, and what is not for the caller left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from starlette.types import ASGIApp

from foveal.asgi import create_app
from foveal.testing.fakes_engine import FakeEngine, fake_chunk
from foveal.testing.fakes_keys import InMemoryApiKeys
from foveal.types.assets import MediaKind
from foveal.types.chunks import ChunkId
from foveal.types.content import DetectedObject
from foveal.types.keys import KeyGrant
from foveal.types.locators import Box, Locator

Serve = Callable[[ASGIApp], str]
FIRST = datetime(2019, 4, 12, 9, tzinfo=UTC)


def _photo(number: int, **fields: object) -> object:
    label = "dog" if number % 2 else "cat"
    box = Box(x=0.1, y=0.1, width=0.5, height=0.5)
    return fake_chunk(
        f"p{number}.jpg",
        f"picture {number}",
        **{
            "kind": MediaKind.IMAGE,
            "media_type": "image/jpeg",
            "taken_at": FIRST + timedelta(hours=9 * number),
            "objects": (DetectedObject(label=label, score=0.9, box=box),) * 2,
            "latitude": 54.3 + number / 1000,
            "longitude": 8.6,
            **fields,
        },
    )


@pytest.fixture
def engine() -> FakeEngine:
    photos = [_photo(number) for number in range(6)] + [_photo(6, group_ids=("board",), taken_at=None)]
    first = fake_chunk("rules.pdf", "The harbour opens at nine.", media_type="application/pdf", locator=Locator(page=2))
    second = fake_chunk("rules.pdf", "It closes at six.", chunk_id=ChunkId(f"{first.document_id}-1"))
    return FakeEngine({"photos": photos, "papers": [first, second]})  # type: ignore[list-item]


@pytest.fixture
def http(engine: FakeEngine, serve: Serve) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=serve(create_app(engine)), timeout=20, trust_env=False) as client:
        yield client


def _names(reply: httpx.Response) -> list[str]:
    return [item["filepath"] for item in reply.json()["items"]]


def test_items_come_newest_first_and_what_has_no_date_last(http: httpx.Client) -> None:
    reply = http.get("/v1/indexes/photos/chunks")
    assert _names(reply) == ["p5.jpg", "p4.jpg", "p3.jpg", "p2.jpg", "p1.jpg", "p0.jpg", "p6.jpg"]
    assert reply.json()["total"] == 7
    assert _names(http.get("/v1/indexes/photos/chunks?order=oldest&top=2")) == ["p0.jpg", "p1.jpg"]
    assert _names(http.get("/v1/indexes/photos/chunks?order=name&skip=5")) == ["p5.jpg", "p6.jpg"]
    assert _names(http.get("/v1/indexes/photos/chunks?skip=99")) == []


def test_a_document_is_one_item(http: httpx.Client) -> None:
    assert _names(http.get("/v1/indexes/papers/chunks")) == ["rules.pdf"]


def test_a_listing_is_filtered(http: httpx.Client) -> None:
    dogs = "objects/any(o: o eq 'dog')"
    reply = http.get("/v1/indexes/photos/chunks", params={"filter": dogs})
    assert _names(reply) == ["p5.jpg", "p3.jpg", "p1.jpg"]
    assert http.get("/v1/indexes/photos/chunks", params={"filter": "nonsense ("}).status_code == 400
    assert http.get("/v1/indexes/nowhere/chunks").status_code == 404
    assert http.get("/v1/indexes/photos/chunks?top=0").status_code == 400


def test_an_overview_counts_items_not_things(http: httpx.Client) -> None:
    overview = http.get("/v1/indexes/photos/overview").json()
    assert overview["total"] == 7
    assert [(one["value"], one["count"]) for one in overview["fields"]["objects"]] == [("cat", 4), ("dog", 3)]
    days = [(one["day"], one["count"], one["position"]) for one in overview["days"]]
    assert days == [("2019-04-14", 1, 0), ("2019-04-13", 3, 1), ("2019-04-12", 2, 4)]
    assert [place["count"] for place in overview["places"]] == [7]


def test_questions_are_suggested_from_what_is_there(http: httpx.Client) -> None:
    photos = http.get("/v1/indexes/photos/suggestions").json()["suggestions"]
    assert [(one["kind"], one["what"]) for one in photos] == [("object", "cat"), ("object", "dog")]
    papers = http.get("/v1/indexes/papers/suggestions").json()["suggestions"]
    assert [(one["kind"], one["what"]) for one in papers] == [("document", "rules")]


def test_what_is_for_a_group_is_neither_listed_nor_counted_for_others(engine: FakeEngine, serve: Serve) -> None:
    keys = InMemoryApiKeys()
    address = serve(create_app(engine, keys=keys))
    seen = {}
    for name, groups in (("outsider", ("staff",)), ("member", ("board",))):
        key = keys.create(KeyGrant(name=name, groups=groups))[1]
        with httpx.Client(base_url=address, headers={"api-key": key}, timeout=20, trust_env=False) as client:
            listed = _names(client.get("/v1/indexes/photos/chunks"))
            overview = client.get("/v1/indexes/photos/overview").json()
            seen[name] = ("p6.jpg" in listed, overview["total"], overview["fields"]["group_ids"])
    assert seen["outsider"] == (False, 6, [])
    assert seen["member"][:2] == (True, 7)


def test_the_page_of_a_pdf_can_be_had_as_a_picture(http: httpx.Client) -> None:
    (item,) = http.get("/v1/indexes/papers/chunks").json()["items"]
    address = f"/v1/indexes/papers/chunks/{item['chunk_id']}/page"
    reply = http.get(address, params={"size": 400, "q": "when"})
    assert reply.headers["content-type"] == "image/jpeg"
    assert reply.content == b"page 2 400 when"
    known = http.get(address, params={"size": 400, "q": "when"}, headers={"if-none-match": reply.headers["etag"]})
    assert known.status_code == 304
    other = http.get(address, params={"size": 400, "q": "who"}, headers={"if-none-match": reply.headers["etag"]})
    assert other.status_code == 200
    photo = http.get("/v1/indexes/photos/chunks").json()["items"][0]["chunk_id"]
    assert http.get(f"/v1/indexes/photos/chunks/{photo}/page").status_code == 404
