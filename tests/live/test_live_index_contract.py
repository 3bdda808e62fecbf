"""Every kind of live index against the same specification."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse

from foveal.errors import SourceUnusableError
from foveal.sources.azure_search import AzureSearchIndex
from foveal.sources.elasticsearch_index import ElasticsearchIndex
from foveal.sources.mongo import AtlasIndex, CosmosMongoIndex
from foveal.sources.pinecone_index import PineconeIndex
from foveal.testing.contracts.live_index import DIM, DOCUMENTS, SETTINGS, LiveIndexContract
from foveal.testing.elasticsearch_server import elasticsearch_app
from foveal.testing.fakes_live import InMemoryLiveIndex
from foveal.testing.mongo_server import MongoServer, serving
from foveal.testing.serving import served
from foveal.types.sources import Credential, CredentialKind, Secret

from .conftest import OPENER, Service


class TestInMemoryLiveIndex(LiveIndexContract):
    @pytest.fixture
    def index(self) -> InMemoryLiveIndex:
        return InMemoryLiveIndex(settings=SETTINGS, documents=DOCUMENTS)


class TestAzureSearchIndex(LiveIndexContract):
    """The official SDK, over a socket, against Foveal's own face of the service."""

    takes_filters = "id eq 'parking' or (id eq 'salaries' and title eq 'nothing')"

    @pytest.fixture
    def index(self, handbook: Service) -> Iterator[AzureSearchIndex]:
        with closing(AzureSearchIndex(replace(SETTINGS, endpoint=handbook.url), OPENER)) as opened:
            yield opened


def cosmos_documents(*, open_field: bool = True) -> list[dict[str, Any]]:
    """With the key that the protocol has; for everybody are those with an empty list, or without one."""
    kept = [
        {"_id": one["id"], **{k: v for k, v in one.items() if open_field or k != "groups" or v}} for one in DOCUMENTS
    ]
    return [{k: v for k, v in one.items() if k != "id"} for one in kept]


MONGO = replace(SETTINGS, key="_id")
CONNECTED = CredentialKind.CONNECTION_STRING


@pytest.fixture(scope="module")
def cosmos() -> Iterator[tuple[MongoServer, Credential]]:
    server = MongoServer(cosmos_documents(), vector=("vector", DIM), index="handbook")
    with serving(server) as address:
        yield server, Credential(kind=CONNECTED, secret=Secret(address))


@pytest.fixture(scope="module")
def atlas() -> Iterator[tuple[MongoServer, Credential]]:
    server = MongoServer(cosmos_documents(open_field=False), vector=("vector", DIM), index="handbook")
    with serving(server) as address:
        yield server, Credential(kind=CONNECTED, secret=Secret(address))


class TestCosmosMongoIndex(LiveIndexContract):
    """The official driver, over a socket, against a server of the protocol."""

    finds_words = False

    @pytest.fixture
    def index(self, cosmos: tuple[MongoServer, Credential]) -> Iterator[CosmosMongoIndex]:
        with closing(CosmosMongoIndex(MONGO, cosmos[1])) as opened:
            yield opened


class TestAtlasIndex(LiveIndexContract):
    """Likewise."""

    finds_words = False

    @pytest.fixture
    def index(self, atlas: tuple[MongoServer, Credential]) -> Iterator[AtlasIndex]:
        with closing(AtlasIndex(MONGO, atlas[1])) as opened:
            yield opened


PROPERTIES = {
    "id": {"type": "keyword"},
    **{name: {"type": "text"} for name in ("title", "content")},
    **{name: {"type": "keyword"} for name in ("url", "file", "groups")},
    "vector": {"type": "dense_vector", "dims": DIM, "similarity": "cosine"},
}


@pytest.fixture(scope="module")
def elastic() -> Iterator[str]:
    with served(elasticsearch_app("handbook", PROPERTIES, DOCUMENTS, api_key="encoded")) as url:
        yield url


class TestElasticsearchIndex(LiveIndexContract):
    """The official client, over a socket, against a server of its interface."""

    @pytest.fixture
    def index(self, elastic: str) -> Iterator[ElasticsearchIndex]:
        key = Credential(kind=CredentialKind.ACCOUNT_KEY, secret=Secret("encoded"))
        with closing(ElasticsearchIndex(replace(SETTINGS, endpoint=elastic), key, retries=0)) as opened:
            yield opened

    @pytest.mark.parametrize(("key", "name", "reason"), [("no", "handbook", "denied"), ("encoded", "no", "not_found")])
    def test_what_is_wrong_is_told(self, elastic: str, key: str, name: str, reason: str) -> None:
        opener = Credential(kind=CredentialKind.ACCOUNT_KEY, secret=Secret(key))
        settings = replace(SETTINGS, endpoint=elastic, index=name)
        with closing(ElasticsearchIndex(settings, opener, retries=0)) as index:
            with pytest.raises(SourceUnusableError) as failed:
                index.describe()
        assert failed.value.reason == reason


def pinecone_app() -> Starlette:
    """The part of Pinecone's interface that is used, over the documents of the contract."""
    records = cosmos_documents(open_field=False)

    def passes(record: dict[str, Any], condition: dict[str, Any]) -> bool:
        ((name, wanted),) = condition.items()
        if name == "$or":
            return any(passes(record, one) for one in wanted)
        ((operator, operand),) = wanted.items()
        if operator == "$exists":
            return (name in record) is operand
        assert operator == "$in"
        return bool(set(record.get(name, ())) & set(operand))

    async def stats(request: Request) -> JSONResponse:
        return JSONResponse({"dimension": DIM, "totalVectorCount": len(records), "namespaces": {}, "indexFullness": 0})

    async def query(request: Request) -> JSONResponse:
        asked = await request.json()
        if request.headers["api-key"] != "pine":
            return JSONResponse({"code": 16, "message": "Invalid API key"}, 401)
        assert asked["namespace"] == "pages"
        found = [r for r in records if not asked.get("filter") or passes(r, asked["filter"])]
        scored = sorted(((float(np.dot(asked["vector"], r["vector"])), r["_id"], r) for r in found), reverse=True)
        matches = [
            {"id": key, "score": score, "metadata": {k: v for k, v in record.items() if k not in ("_id", "vector")}}
            for score, key, record in scored[: asked["topK"]]
        ]
        return JSONResponse({"matches": matches, "namespace": "pages", "usage": {"readUnits": 1}})

    app = Starlette()
    app.add_route("/describe_index_stats", stats, methods=["POST"])
    app.add_route("/query", query, methods=["POST"])
    return app


@pytest.fixture(scope="module")
def pine() -> Iterator[str]:
    with served(pinecone_app()) as url:
        yield url


class TestPineconeIndex(LiveIndexContract):
    """The official client, over a socket, against a server of its interface."""

    finds_words = False

    @pytest.fixture
    def index(self, pine: str) -> Iterator[PineconeIndex]:
        key = Credential(kind=CredentialKind.ACCOUNT_KEY, secret=Secret("pine"))
        with closing(PineconeIndex(replace(SETTINGS, endpoint=pine), key)) as opened:
            yield opened
