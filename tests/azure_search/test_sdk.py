"""The official client, `azure-search-documents` 12, against a started server with the real stores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp

from foveal.asgi import create_app
from foveal.runtime import Foveal
from foveal.settings import load

from .conftest import DOCUMENTS, WIRE

azure = pytest.importorskip("azure.search.documents", reason="azure-search-documents is not installed")


@pytest.fixture
def home(tmp_path: Path, models_dir: Path) -> Iterator[Foveal]:
    with Foveal(load({"home": tmp_path / "home", "models": models_dir, "offline": True}, environ={})) as foveal:
        yield foveal


@pytest.fixture
def clients(home: Foveal, serve: Callable[[ASGIApp], str]) -> tuple[Any, Any]:
    from azure.core.credentials import AzureKeyCredential
    from azure.search.documents import SearchClient
    from azure.search.documents.indexes import SearchIndexClient

    url, key = serve(create_app(home)), AzureKeyCredential("any")
    return SearchIndexClient(url, key), SearchClient(url, "hotels", key)


def test_the_sdk_makes_fills_searches_and_removes_an_index(clients: tuple[Any, Any]) -> None:
    from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
    from azure.search.documents.indexes.models import SearchIndex
    from azure.search.documents.models import VectorizedQuery

    indexes, documents = clients
    made = indexes.create_index(SearchIndex(WIRE))
    assert [field.name for field in made.fields] == [field["name"] for field in WIRE["fields"]]
    with pytest.raises(ResourceExistsError):
        indexes.create_index(SearchIndex(WIRE))
    assert [index.name for index in indexes.list_indexes()] == ["hotels"]
    assert all(result.succeeded for result in documents.upload_documents(DOCUMENTS))
    failed = documents.merge_documents([{"id": "nothing"}])
    assert [(result.succeeded, result.status_code) for result in failed] == [(False, 404)]
    assert documents.get_document_count() == 3
    assert documents.get_document("1")["address"] == {"city": "Paris"}

    found = documents.search("beach", filter="stars gt 1", facets=["tags"], include_total_count=True, select=["id"])
    assert found.get_count() == 1
    assert found.get_facets()["tags"] == [{"count": 1, "value": "pool"}, {"count": 1, "value": "wifi"}]
    assert [document["id"] for document in found] == ["1"]
    near = VectorizedQuery(vector=[0.0, 1.0] + [0.0] * 30, k_nearest_neighbors=1, fields="vector")
    assert [document["id"] for document in documents.search(None, vector_queries=[near])] == ["2"]
    assert {document["id"] for document in documents.search("lodge", vector_queries=[near])} == {"2", "3"}

    more = [{"id": f"m{number}", "title": "many"} for number in range(130)]
    documents.upload_documents(more)
    assert len(list(documents.search("many"))) == 130
    assert all(result.succeeded for result in documents.delete_documents(more))
    assert documents.get_document_count() == 3
    indexes.delete_index("hotels")
    with pytest.raises(ResourceNotFoundError):
        indexes.get_index("hotels")
