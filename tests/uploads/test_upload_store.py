"""Where uploads are kept: the store's contract, and what only the real one can show."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from foveal.errors import ConflictError
from foveal.ports.sources import Source
from foveal.ports.uploads import UploadStore
from foveal.sources.uploads import UploadsSource
from foveal.stores.catalog import open_engine
from foveal.stores.uploads import SqlUploadStore
from foveal.testing.contracts.source import SourceContract
from foveal.testing.contracts.upload_store import DRAFT, UploadStoreContract, asset_of, sent
from foveal.testing.fakes_uploads import InMemoryUploadStore


@pytest.fixture(params=["sqlite", "postgresql"])
def sql_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlUploadStore]:
    postgres = request.param == "postgresql"
    url = request.getfixturevalue("postgres_url") if postgres else f"sqlite:///{tmp_path / 'catalog.sqlite'}"
    engine = open_engine(url)
    yield SqlUploadStore(engine, tmp_path / "uploads")
    engine.dispose()


class TestInMemoryUploadStore(UploadStoreContract):
    @pytest.fixture
    def store(self) -> UploadStore:
        return InMemoryUploadStore()


class TestSqlUploadStore(UploadStoreContract):
    @pytest.fixture
    def store(self, sql_store: SqlUploadStore) -> UploadStore:
        return sql_store


class TestUploadsSource(SourceContract):
    @pytest.fixture
    def source(self, sql_store: SqlUploadStore) -> Source:
        for path, data in self.FILES:
            sent(sql_store, data, path=path)
        return UploadsSource("photos", sql_store)

    @pytest.fixture
    def same_source(self, sql_store: SqlUploadStore) -> Source:
        return UploadsSource("photos", sql_store)


def test_a_half_sent_file_goes_on_after_the_process_ended(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'catalog.sqlite'}"
    first = open_engine(url)
    begun = SqlUploadStore(first, tmp_path / "uploads").begin(DRAFT)
    SqlUploadStore(first, tmp_path / "uploads").append(begun.upload_id, 0, b"ab")
    first.dispose()
    second = open_engine(url)
    store = SqlUploadStore(second, tmp_path / "uploads")
    assert (store.unfinished(begun.upload_id).offset, store.unfinished(begun.upload_id).draft) == (2, DRAFT)
    store.append(begun.upload_id, 2, b"c")
    kept = store.keep(begun.upload_id, DRAFT, asset_id=asset_of(b"abc"), media_type="image/jpeg").file
    assert store.files("photos") == [kept]
    second.dispose()


def test_of_writers_at_one_offset_one_is_taken(sql_store: SqlUploadStore) -> None:
    begun = sql_store.begin(DRAFT)
    barrier = threading.Barrier(4)
    refused: list[ConflictError] = []

    def write(letter: bytes) -> None:
        barrier.wait()
        try:
            sql_store.append(begun.upload_id, 0, letter * 1000)
        except ConflictError as error:
            refused.append(error)

    threads = [threading.Thread(target=write, args=(letter,)) for letter in (b"a", b"b", b"c", b"d")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 3
    with sql_store.read(begun.upload_id) as file:
        data = file.read()
    assert len(data) == 1000
    assert len(set(data)) == 1


def test_bytes_of_one_content_lie_on_the_disk_once(sql_store: SqlUploadStore, tmp_path: Path) -> None:
    for source in ("photos", "others"):
        sent(sql_store, b"abc" * 1000, source=source)
    kept = [place for place in (tmp_path / "uploads" / "kept").rglob("*") if place.is_file()]
    assert [place.name for place in kept] == [asset_of(b"abc" * 1000)]
    assert not list((tmp_path / "uploads" / "arriving").iterdir())


def test_bytes_without_a_name_are_swept_away(sql_store: SqlUploadStore, tmp_path: Path) -> None:
    kept = sent(sql_store, b"abc").file
    left = tmp_path / "uploads" / "kept" / "ab" / "cd" / ("abcd" + "0" * 60)
    left.parent.mkdir(parents=True)
    left.write_bytes(b"left by a process that was killed")
    assert sql_store.sweep() == 1
    assert not left.exists()
    with sql_store.open(kept.asset_id) as file:
        assert file.read() == b"abc"
