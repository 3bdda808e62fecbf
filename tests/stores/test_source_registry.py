from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from foveal.errors import ConflictError, StoreCorruptError
from foveal.ports.sources import SourceRegistry
from foveal.stores.catalog import open_engine
from foveal.stores.process_leases import HEARTBEAT_LIMIT
from foveal.stores.source_registry import SqlSourceRegistry
from foveal.testing.contracts.source_registry import BARE, KEY, PHOTOS, SourceRegistryContract
from foveal.testing.fakes_sources import InMemorySourceRegistry
from foveal.types.sources import SourceRun, SourceState

THIRTY_TWO = bytes(range(32))


def kept(engine: Engine, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> SqlSourceRegistry:
    return SqlSourceRegistry(engine, lambda: THIRTY_TWO, now=now)


class TestSqlSourceRegistry(SourceRegistryContract):
    @pytest.fixture
    def registry(self, engine: Engine) -> SourceRegistry:
        return kept(engine)


class TestInMemorySourceRegistry(SourceRegistryContract):
    @pytest.fixture
    def registry(self) -> SourceRegistry:
        return InMemorySourceRegistry()


@pytest.mark.parametrize("catalog_url", ["sqlite"], indirect=True)
def test_the_database_does_not_hold_a_credential(engine: Engine, catalog_url: str) -> None:
    kept(engine).add(PHOTOS, KEY)
    engine.dispose()
    file = Path(str(make_url(catalog_url).database))
    stored = b"".join(p.read_bytes() for p in file.parent.glob(file.name + "*"))
    assert b"acme.blob" in stored
    assert KEY.secret.reveal.encode() not in stored


def test_a_credential_without_its_key_is_told_with_the_repair(engine: Engine) -> None:
    kept(engine).add(PHOTOS, KEY)
    with pytest.raises(StoreCorruptError, match="foveal source credential photos"):
        SqlSourceRegistry(engine, lambda: bytes(32)).credential("photos")


def test_a_source_that_needs_no_credential_needs_no_key(engine: Engine) -> None:
    def none() -> bytes:
        raise AssertionError("asked for the key")

    registry = SqlSourceRegistry(engine, none)
    registry.add(BARE, None)
    assert registry.credential("bare") is None


def test_a_run_whose_process_died_is_shown_and_made_up(engine: Engine, catalog_url: str) -> None:
    registry = kept(engine)
    registry.add(BARE, None)
    code = (
        "import os; from foveal.stores.source_registry import SqlSourceRegistry;"
        "from foveal.stores.catalog import open_engine;"
        f"SqlSourceRegistry(open_engine({catalog_url!r}), lambda: b'').begin('bare'); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 9
    assert registry.get("bare").state is SourceState.INTERRUPTED
    run = registry.claim()
    assert run is not None
    assert run.source.state is SourceState.RUNNING


def test_a_run_without_a_heartbeat_is_taken_over_and_learns_of_it(engine: Engine) -> None:
    clock = [datetime(2026, 1, 1, tzinfo=UTC)]
    registry = kept(engine, lambda: clock[0])
    registry.add(BARE, None)
    run = registry.begin("bare")
    clock[0] += HEARTBEAT_LIMIT
    registry.renew(run.run_id)
    clock[0] += HEARTBEAT_LIMIT
    with pytest.raises(ConflictError):
        registry.begin("bare")
    clock[0] += timedelta(seconds=1)
    other = registry.begin("bare")
    with pytest.raises(ConflictError, match="taken over"):
        registry.renew(run.run_id)
    registry.end(run.run_id, SourceState.FAILED, message="too late")
    assert registry.get("bare").state is SourceState.RUNNING
    registry.end(other.run_id, SourceState.SUCCEEDED)
    assert registry.get("bare").message == ""


def test_of_several_that_claim_at_once_one_gets_the_source(engine: Engine, catalog_url: str) -> None:
    kept(engine).add(BARE, None, next_run_at=datetime.now(UTC))
    ready, got = threading.Barrier(4), list[SourceRun | None]()

    def claim() -> None:
        own = open_engine(catalog_url)
        ready.wait()
        got.append(kept(own).claim())
        own.dispose()

    threads = [threading.Thread(target=claim) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([run for run in got if run is not None]) == 1
