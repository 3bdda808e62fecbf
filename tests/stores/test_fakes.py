from __future__ import annotations

import pytest

from foveal.ports.ingestions import IngestionLog
from foveal.ports.stores import ByteStore, Catalog, ChunkStore, ModelCache
from foveal.testing.contracts.byte_store import ByteStoreContract
from foveal.testing.contracts.catalog import CatalogContract
from foveal.testing.contracts.chunk_store import ChunkStoreContract
from foveal.testing.contracts.ingestion_log import IngestionLogContract
from foveal.testing.contracts.model_cache import ModelCacheContract
from foveal.testing.fakes_stores import (
    InMemoryByteStore,
    InMemoryCatalog,
    InMemoryChunkStore,
    InMemoryIngestionLog,
    InMemoryModelCache,
)


class TestInMemoryChunkStore(ChunkStoreContract):
    @pytest.fixture
    def store(self) -> ChunkStore:
        return InMemoryChunkStore()


class TestInMemoryCatalog(CatalogContract):
    @pytest.fixture
    def catalog(self) -> Catalog:
        return InMemoryCatalog()


class TestInMemoryIngestionLog(IngestionLogContract):
    @pytest.fixture
    def log(self) -> IngestionLog:
        return InMemoryIngestionLog()


class TestInMemoryModelCache(ModelCacheContract):
    @pytest.fixture
    def cache(self) -> ModelCache:
        return InMemoryModelCache()


class TestInMemoryByteStore(ByteStoreContract):
    @pytest.fixture
    def store(self) -> ByteStore:
        return InMemoryByteStore()
