from __future__ import annotations

from pathlib import Path

import pytest

from foveal.ports import ChunkStore
from foveal.stores.lance import LanceChunkStore
from foveal.testing.contracts.chunk_store import ChunkStoreContract


class TestLanceChunkStore(ChunkStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> ChunkStore:
        return LanceChunkStore(tmp_path / "indexes")
