from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from foveal.errors import StoreCorruptError, StoreError
from foveal.ports.stores import ChunkStore
from foveal.stores.lance import LanceChunkStore
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


def _pruning_soon(patch: pytest.MonkeyPatch, margin: timedelta = timedelta(seconds=1)) -> None:
    """The hour becomes nothing; the margin stays longer than one call of the engine takes."""
    patch.setattr("foveal.stores.lance_indexes.KEEP", timedelta(0))
    patch.setattr("foveal.stores.lance_indexes.MARGIN", margin)


def test_a_generation_replaced_less_than_an_hour_ago_stays_and_older_ones_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = LanceChunkStore(tmp_path)
    first = store.apply(INDEX, store.create(INDEX, SCHEMA), ChunkChange(put=(text_chunk("a", "x"),)))
    second = store.optimize(INDEX, store.apply(INDEX, first, ChunkChange(put=(text_chunk("b", "x"),))))
    assert ids(LanceChunkStore(tmp_path).snapshot(INDEX, first)) == ["a-0"]
    _pruning_soon(monkeypatch)
    time.sleep(1.5)
    third = store.apply(INDEX, second, ChunkChange(put=(text_chunk("c", "x"),)))
    fourth = store.optimize(INDEX, third)
    with pytest.raises(StoreCorruptError):
        LanceChunkStore(tmp_path).snapshot(INDEX, first)
    fresh = LanceChunkStore(tmp_path)
    assert ids(fresh.snapshot(INDEX, third)) == ids(fresh.snapshot(INDEX, fourth)) == ["a-0", "b-0", "c-0"]


def test_the_generation_the_catalog_names_is_kept_however_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer may die after optimising and before its commit; the leftovers of an earlier one lie on top."""
    store = LanceChunkStore(tmp_path)
    base = store.apply(INDEX, store.create(INDEX, SCHEMA), ChunkChange(put=(text_chunk("a", "x"),)))
    store.apply(INDEX, base, ChunkChange(put=(text_chunk("ghost", "x"),)))
    time.sleep(1.5)
    _pruning_soon(monkeypatch)
    for _ in range(3):
        store.optimize(INDEX, base)
        assert ids(LanceChunkStore(tmp_path).snapshot(INDEX, base)) == ["a-0"]


def test_a_clock_that_jumps_while_pruning_cannot_lose_the_catalogs_generation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The age comes out far too short: the engine must refuse, and the index must stay whole."""
    store = LanceChunkStore(tmp_path)
    base = store.apply(INDEX, store.create(INDEX, SCHEMA), ChunkChange(put=(text_chunk("a", "x"),)))
    store.apply(INDEX, base, ChunkChange(put=(text_chunk("ghost", "x"),)))
    time.sleep(0.05)
    _pruning_soon(monkeypatch, timedelta(milliseconds=1))
    monkeypatch.setattr("foveal.stores.lance_indexes.oldest_to_keep", lambda *_: datetime.now(UTC))
    with pytest.raises(StoreError):
        store.optimize(INDEX, base)
    assert ids(LanceChunkStore(tmp_path).snapshot(INDEX, base)) == ["a-0"]


def test_an_age_is_always_given_for_the_engines_own_default_is_a_week(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lancedb.table import LanceTable

    ages: list[timedelta | None] = []
    original = LanceTable.optimize

    def watched(self: LanceTable, *, cleanup_older_than: timedelta | None = None) -> None:
        ages.append(cleanup_older_than)
        original(self, cleanup_older_than=cleanup_older_than)

    monkeypatch.setattr(LanceTable, "optimize", watched)
    store = LanceChunkStore(tmp_path)
    store.optimize(INDEX, store.create(INDEX, SCHEMA))
    assert len(ages) == 2
    assert all(age is not None for age in ages)
    assert ages[0] is not None
    assert ages[0] > timedelta(days=3_650)


def test_opening_a_store_leaves_the_remote_client_of_the_engine_alone(tmp_path: Path) -> None:
    code = (
        "import sys; from foveal.stores.lance import LanceChunkStore; from foveal.types.chunks import IndexSchema;"
        f"LanceChunkStore({str(tmp_path)!r}).create('x', IndexSchema(text_dim=2, image_dim=2));"
        "assert 'lancedb' in sys.modules and 'lance_namespace_urllib3_client.api' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
