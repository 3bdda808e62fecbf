from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from foveal.errors import StoreCorruptError
from foveal.ports import ChunkStore
from foveal.stores.lance import LanceChunkStore
from foveal.stores.lance_indexes import oldest_to_keep
from foveal.stores.lance_names import table_version
from foveal.testing.contracts.chunk_store import INDEX, SCHEMA, ChunkStoreContract, ids, text_chunk
from foveal.types.assets import DocumentId
from foveal.types.chunks import ChunkChange


class TestLanceChunkStore(ChunkStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> ChunkStore:
        return LanceChunkStore(tmp_path / "indexes")


_READER = """
import sys
from foveal.stores.lance import LanceChunkStore
store = LanceChunkStore(sys.argv[1])
for _ in range(30):
    snapshot = store.snapshot(sys.argv[2], int(sys.argv[3]))
    assert [c.chunk_id for c in snapshot.scan()] == ["a-0", "b-0"]
    assert len(snapshot.keyword("committed", where=None, limit=9)) == 2
    assert snapshot.keyword("later", where=None, limit=9) == []
"""

_WRITER = """
import sys
from foveal.stores.lance import LanceChunkStore
from foveal.testing.contracts.chunk_store import text_chunk
from foveal.types.chunks import ChunkChange
store = LanceChunkStore(sys.argv[1])
generation = int(sys.argv[3])
for n in range(10_000):
    put = tuple(text_chunk(f"ghost{n}", "ghost", ordinal=o) for o in range(50))
    generation = store.apply(sys.argv[2], generation, ChunkChange(delete=("a", f"ghost{n - 1}"), put=put))
    print(generation, flush=True)
"""


def test_several_processes_read_while_one_writes(tmp_path: Path) -> None:
    store = LanceChunkStore(tmp_path)
    put = tuple(text_chunk(name, "committed") for name in ("a", "b"))
    base = store.apply(INDEX, store.create(INDEX, SCHEMA), ChunkChange(put=put))
    arguments = [sys.executable, "-c", _READER, str(tmp_path), INDEX, str(base)]
    readers = [subprocess.Popen(arguments) for _ in range(2)]
    generation, number = base, 0
    while any(reader.poll() is None for reader in readers):
        delete = (DocumentId("a"), DocumentId(f"n{number}"))
        number += 1
        change = ChunkChange(delete=delete, put=(text_chunk(f"n{number}", "later"),))
        generation = store.apply(INDEX, generation, change)
        generation = store.optimize(INDEX, generation) if number % 10 == 0 else generation
    assert [reader.wait(timeout=60) for reader in readers] == [0, 0]
    assert ids(store.snapshot(INDEX, generation)) == ["b-0", f"n{number}-0"]


@pytest.mark.parametrize("pause_s", [0.0, 0.004, 0.011])
def test_a_writer_killed_in_mid_commit_leaves_nothing_behind(tmp_path: Path, pause_s: float) -> None:
    store = LanceChunkStore(tmp_path)
    base = store.apply(INDEX, store.create(INDEX, SCHEMA), ChunkChange(put=(text_chunk("a", "kept"),)))
    arguments = [sys.executable, "-c", _WRITER, str(tmp_path), INDEX, str(base)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(3):
            assert writer.stdout.readline()
        time.sleep(pause_s)
        os.kill(writer.pid, signal.SIGKILL)
    assert ids(store.snapshot(INDEX, base)) == ["a-0"]
    after = store.apply(INDEX, base, ChunkChange(put=(text_chunk("b", "kept"),)))
    for generation in (after, store.optimize(INDEX, after)):
        snapshot = store.snapshot(INDEX, generation)
        assert ids(snapshot) == ["a-0", "b-0"]
        assert snapshot.keyword("ghost", where=None, limit=5) == []


def test_a_generation_replaced_less_than_an_hour_ago_stays_and_older_ones_go(tmp_path: Path) -> None:
    from foveal.stores import lance_indexes

    store = LanceChunkStore(tmp_path)
    first = store.apply(INDEX, store.create(INDEX, SCHEMA), ChunkChange(put=(text_chunk("a", "x"),)))
    second = store.optimize(INDEX, store.apply(INDEX, first, ChunkChange(put=(text_chunk("b", "x"),))))
    assert ids(LanceChunkStore(tmp_path).snapshot(INDEX, first)) == ["a-0"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lance_indexes, "KEEP", timedelta(0))
        third = store.apply(INDEX, second, ChunkChange(put=(text_chunk("c", "x"),)))
        time.sleep(0.05)
        fourth = store.optimize(INDEX, third)
    with pytest.raises(StoreCorruptError):
        LanceChunkStore(tmp_path).snapshot(INDEX, first)
    fresh = LanceChunkStore(tmp_path)
    assert ids(fresh.snapshot(INDEX, third)) == ids(fresh.snapshot(INDEX, fourth)) == ["a-0", "b-0", "c-0"]


def test_the_generation_the_catalog_names_is_kept_however_old(tmp_path: Path) -> None:
    """Long after its writing, with the leftovers of a dead writer on top of it."""
    store = LanceChunkStore(tmp_path)
    base = store.apply(INDEX, store.create(INDEX, SCHEMA), ChunkChange(put=(text_chunk("a", "x"),)))
    store.apply(INDEX, base, ChunkChange(put=(text_chunk("ghost", "x"),)))
    table = store._open(INDEX, base)
    version = table_version(base).version
    written = next(v["timestamp"] for v in table.list_versions() if v["version"] == version).astimezone(UTC)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("foveal.stores.lance_indexes.KEEP", timedelta(0))
        assert oldest_to_keep(table, version) <= written < datetime.now(UTC)
        store.optimize(INDEX, base)
    assert ids(LanceChunkStore(tmp_path).snapshot(INDEX, base)) == ["a-0"]
