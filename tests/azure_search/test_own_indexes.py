"""Indexes made by ingestion, shown and searched as if they were indexes of fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest
from starlette.types import ASGIApp

from foveal.asgi import create_app
from foveal.testing.fakes_engine import FakeEngine
from foveal.testing.fakes_keys import InMemoryApiKeys
from foveal.types.keys import KeyGrant

from .conftest import DOGS, ids, search


def test_its_definition_is_made_from_what_chunks_have(http: httpx.Client) -> None:
    shown = http.get("/indexes('photos')").json()
    fields = {field["name"]: field for field in shown["fields"]}
    assert fields["id"]["key"]
    assert fields["content"]["searchable"]
    assert fields["text_vector"]["dimensions"] == 32
    assert not fields["text_vector"]["retrievable"]
    assert http.get("/indexes/photos/stats").json()["documentCount"] == 3


def test_words_find_what_the_search_of_the_product_finds(http: httpx.Client, engine: FakeEngine) -> None:
    found = search(http, "photos", search="dogs beach", count=True)
    assert found["value"][0]["content"] == DOGS
    assert engine.queries[-1][1].text == "dogs beach"
    assert found["@odata.count"] == 2


def test_everything_is_filtered_ordered_counted_and_looked_up(http: httpx.Client) -> None:
    everything = search(http, "photos", search="*", orderby="filepath", facets=["tags"])
    assert [one["filepath"] for one in everything["value"]] == ["cats.jpg", "dogs.jpg", "secret dogs.jpg"]
    assert {one["value"]: one["count"] for one in everything["@search.facets"]["tags"]} == {
        "beach": 1,
        "board": 1,
        "dog": 1,
    }
    assert len(search(http, "photos", filter="tags/any(t: t eq 'dog')")["value"]) == 1
    key = everything["value"][0]["id"]
    assert http.get(f"/indexes/photos/docs/{key}").json()["filepath"] == "cats.jpg"
    assert http.get("/indexes/photos/docs/$count").text == "3"


@pytest.fixture
def outsider(engine: FakeEngine, serve: Callable[[ASGIApp], str]) -> Iterator[httpx.Client]:
    """A client with a key that reads, as somebody of the staff."""
    keys = InMemoryApiKeys()
    _, key = keys.create(KeyGrant(name="outsider", groups=("staff",)))
    url = serve(create_app(engine, keys=keys))
    with httpx.Client(base_url=url, trust_env=False, timeout=20, headers={"api-key": key}) as client:
        yield client


def test_a_caller_outside_the_group_never_sees_its_documents(outsider: httpx.Client, engine: FakeEngine) -> None:
    hidden = next(c for c in engine.indexes["photos"] if c.group_ids)
    vector = {"kind": "text", "text": "board", "fields": "text_vector", "k": 10}
    for body in (
        {"search": "*"},
        {"search": "board"},
        {"search": "dogs"},
        {"search": "*", "filter": "group_ids/any(g: g eq 'board')"},
        {"search": "*", "filter": f"id eq '{hidden.chunk_id}'"},
        {"search": "*", "orderby": "filepath desc"},
        {"search": "board", "queryType": "semantic", "captions": "extractive"},
        {"vectorQueries": [vector]},
        {"vectorQueries": [vector], "vectorFilterMode": "postFilter", "filter": "tags/any(t: t eq 'board')"},
    ):
        found = search(outsider, "photos", count=True, facets=["tags", "group_ids"], **body)
        assert hidden.chunk_id not in ids(found), body
        assert "board" not in str(found), body
    assert search(outsider, "photos", search="*", count=True)["@odata.count"] == 2
    assert outsider.get("/indexes/photos/docs/$count").text == "2"
    assert outsider.get("/indexes/photos/stats").json()["documentCount"] == 2
    assert outsider.get(f"/indexes/photos/docs/{hidden.chunk_id}").status_code == 404


def test_a_reader_writes_nothing(outsider: httpx.Client) -> None:
    definition = {"name": "mine", "fields": [{"name": "id", "type": "Edm.String", "key": True}]}
    assert outsider.post("/indexes", json=definition).status_code == 403
    assert outsider.put("/indexes/mine", json=definition).status_code == 403
    assert outsider.delete("/indexes/photos").status_code == 403
    assert outsider.post("/indexes/photos/docs/index", json={"value": [{"id": "1"}]}).status_code == 403
