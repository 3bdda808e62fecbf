from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine

from foveal.errors import StoreCorruptError
from foveal.ports.stores import ModelCache
from foveal.stores.model_cache import PassingModelCache, SqlModelCache
from foveal.testing.contracts.model_cache import ModelCacheContract


class TestSqlModelCache(ModelCacheContract):
    @pytest.fixture
    def cache(self, tmp_path: Path) -> ModelCache:
        return SqlModelCache(tmp_path / "a folder?" / "cache.sqlite")


class TestSharedModelCache(ModelCacheContract):
    @pytest.fixture
    def cache(self, engine: Engine) -> ModelCache:
        return SqlModelCache(engine)


class TestPassingModelCache(ModelCacheContract):
    @pytest.fixture
    def cache(self, tmp_path: Path) -> ModelCache:
        return PassingModelCache(SqlModelCache(tmp_path / "cache.sqlite"), most=100_000)


def test_what_strangers_send_is_remembered_for_a_while_and_never_kept(tmp_path: Path) -> None:
    kept = SqlModelCache(tmp_path / "cache.sqlite")
    kept.put_many({"own": b"1"})
    passing = PassingModelCache(kept, most=2)
    passing.put_many({"a": b"a", "b": b"b"})
    passing.put_many({"c": b"c"})
    assert dict(passing.get_many(["own", "a", "b", "c"])) == {"own": b"1", "b": b"b", "c": b"c"}
    assert dict(kept.get_many(["own", "a", "b", "c"])) == {"own": b"1"}


def test_several_processes_put_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    code = (
        "import sys; from pathlib import Path; from foveal.stores.model_cache import SqlModelCache;"
        f"cache = SqlModelCache(Path({str(path)!r})); me = sys.argv[1];"
        "[cache.put_many({f'{me}-{n}': b'x' * 10_000, 'shared': me.encode()}) for n in range(50)]"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, str(me)]) for me in range(3)]
    assert [process.wait(timeout=60) for process in running] == [0, 0, 0]
    found = SqlModelCache(path).get_many([f"{me}-{n}" for me in range(3) for n in range(50)] + ["shared"])
    assert len(found) == 151
    assert found["shared"] in (b"0", b"1", b"2")


def test_values_survive_a_kill_right_after_put(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    code = (
        "import os, signal; from pathlib import Path; from foveal.stores.model_cache import SqlModelCache;"
        f"SqlModelCache(Path({str(path)!r})).put_many({{'paid': b'for'}}); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code], check=False, timeout=60)
    assert dict(SqlModelCache(path).get_many(["paid"])) == {"paid": b"for"}


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    path.write_bytes(b"no database" * 1_000)
    with pytest.raises(StoreCorruptError, match="model cache"):
        SqlModelCache(path).get_many(["a"])
