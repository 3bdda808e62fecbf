"""Contracts of the parts behind the face of Azure AI Search, over the fakes and over LanceDB and SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from foveal.stores.catalog import open_engine
from foveal.stores.lance_documents import LanceDocumentStore
from foveal.stores.search_indexes import SqlSearchIndexCatalog
from foveal.testing.contracts.document_store import DocumentStoreContract
from foveal.testing.contracts.search_index_catalog import SearchIndexCatalogContract
from foveal.testing.fakes_documents import InMemoryDocumentStore, InMemorySearchIndexCatalog


class TestLanceDocumentStore(DocumentStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> LanceDocumentStore:
        return LanceDocumentStore(tmp_path / "documents")


class TestInMemoryDocumentStore(DocumentStoreContract):
    @pytest.fixture
    def store(self) -> InMemoryDocumentStore:
        return InMemoryDocumentStore()


class TestSqlSearchIndexCatalog(SearchIndexCatalogContract):
    @pytest.fixture
    def definitions(self, tmp_path: Path) -> SqlSearchIndexCatalog:
        return SqlSearchIndexCatalog(open_engine(f"sqlite:///{tmp_path / 'catalog.sqlite'}"))


class TestSqlSearchIndexCatalogOnPostgres(SearchIndexCatalogContract):
    @pytest.fixture
    def definitions(self, postgres_url: str) -> Iterator[SqlSearchIndexCatalog]:
        engine = open_engine(postgres_url)
        yield SqlSearchIndexCatalog(engine)
        engine.dispose()


class TestInMemorySearchIndexCatalog(SearchIndexCatalogContract):
    @pytest.fixture
    def definitions(self) -> InMemorySearchIndexCatalog:
        return InMemorySearchIndexCatalog()
