"""Every kind of live index against the same specification."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from foveal.sources.azure_search import AzureSearchIndex
from foveal.sources.mongo import AtlasIndex, CosmosMongoIndex
from foveal.testing.contracts.live_index import DIM, DOCUMENTS, SETTINGS, LiveIndexContract
from foveal.testing.fakes_live import InMemoryLiveIndex
from foveal.testing.mongo_server import MongoServer, serving
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
