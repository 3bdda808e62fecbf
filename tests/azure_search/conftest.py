from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from foveal.asgi import create_app
from foveal.testing.fakes_engine import FakeEngine, fake_chunk

DOGS = "Two dogs run along the beach at sunset."
WIRE: dict[str, Any] = {
    "name": "hotels",
    "fields": [
        {"name": "id", "type": "Edm.String", "key": True},
        {"name": "title", "type": "Edm.String"},
        {"name": "body", "type": "Edm.String", "analyzer": "en.microsoft", "filterable": False, "facetable": False},
        {"name": "tags", "type": "Collection(Edm.String)"},
        {"name": "rating", "type": "Edm.Double"},
        {"name": "stars", "type": "Edm.Int32"},
        {"name": "rooms", "type": "Collection(Edm.Int32)"},
        {"name": "open", "type": "Edm.Boolean"},
        {"name": "built", "type": "Edm.DateTimeOffset"},
        {"name": "place", "type": "Edm.GeographyPoint"},
        {"name": "secret", "type": "Edm.String", "retrievable": False},
        {"name": "address", "type": "Edm.ComplexType", "fields": [{"name": "city", "type": "Edm.String"}]},
        {
            "name": "vector",
            "type": "Collection(Edm.Single)",
            "dimensions": 32,
            "vectorSearchProfile": "p",
            "retrievable": True,
        },
    ],
    "vectorSearch": {
        "profiles": [{"name": "p", "algorithm": "a"}],
        "algorithms": [{"name": "a", "kind": "hnsw", "hnswParameters": {"metric": "cosine"}}],
    },
    "semantic": {
        "configurations": [
            {
                "name": "default",
                "prioritizedFields": {
                    "titleField": {"fieldName": "title"},
                    "prioritizedContentFields": [{"fieldName": "body"}],
                },
            }
        ]
    },
}
DOCUMENTS: list[dict[str, Any]] = [
    {
        "id": "1",
        "title": "Grand beach hotel",
        "body": "Dogs may run on our beach. Cats may not.",
        "tags": ["pool", "wifi"],
        "rating": 4.5,
        "stars": 5,
        "rooms": [1, 2],
        "open": True,
        "built": "2001-02-03T04:05:06Z",
        "place": {"type": "Point", "coordinates": [2.35, 48.85]},
        "secret": "the code is swordfish",
        "address": {"city": "Paris"},
        "vector": [1.0, 0.0] + [0.0] * 30,
    },
    {
        "id": "2",
        "title": "Beach hostel",
        "body": "Cheap beds.",
        "tags": ["wifi"],
        "rating": 2.5,
        "stars": 1,
        "rooms": [8],
        "open": False,
        "built": "2011-12-31T23:59:59+02:00",
        "place": {"type": "Point", "coordinates": [-0.12, 51.5]},
        "address": {"city": "London"},
        "vector": [0.0, 1.0] + [0.0] * 30,
    },
    {"id": "3", "title": "Mountain lodge", "tags": [], "stars": 3},
]


@pytest.fixture
def engine() -> FakeEngine:
    photos = [
        fake_chunk("dogs.jpg", DOGS, description=DOGS, tags=("dog", "beach")),
        fake_chunk("cats.jpg", "A cat sleeps on a window sill."),
        fake_chunk("secret dogs.jpg", "dogs for the board only", group_ids=("board",), tags=("board",)),
    ]
    return FakeEngine({"photos": photos})


@pytest.fixture
def url(engine: FakeEngine, serve: Callable[[ASGIApp], str]) -> str:
    return serve(create_app(engine))


@pytest.fixture
def http(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=20, trust_env=False, params={"api-version": "2025-09-01"}) as client:
        yield client


@pytest.fixture
def hotels(http: httpx.Client) -> httpx.Client:
    """A client of a server with the index `hotels` and three documents in it."""
    assert http.post("/indexes", json=WIRE).status_code == 201
    assert http.post("/indexes/hotels/docs/index", json={"value": DOCUMENTS}).status_code == 200
    return http


def search(http: httpx.Client, index: str = "hotels", **body: Any) -> dict[str, Any]:
    reply = http.post(f"/indexes/{index}/docs/search", json=body)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def ids(found: dict[str, Any]) -> list[str]:
    return [document["id"] for document in found["value"]]
