from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from foveal.errors import ConflictError, StoreBusyError, StoreCorruptError, StoreError
from foveal.ports.stores import Catalog
from foveal.stores.catalog import SqlCatalog, open_engine
from foveal.stores.catalog_tables import HEAD, metadata
from foveal.stores.sql_engine import writing
from foveal.testing.contracts.catalog import SCHEMA, CatalogContract, document
from foveal.types.chunks import Generation


class TestSqlCatalog(CatalogContract):
    @pytest.fixture
    def catalog(self, engine: Engine) -> Catalog:
        return SqlCatalog(engine)


def test_what_was_committed_is_there_after_opening_again(engine: Engine, open_again: Callable[[], Engine]) -> None:
    SqlCatalog(engine).create_index("photos", SCHEMA, Generation(1))
    SqlCatalog(engine).commit("photos", Generation(2), put=[document("a.jpg")])
    engine.dispose()
    again = SqlCatalog(open_again())
    assert again.index("photos").generation == 2
    assert list(again.documents("photos")) == [document("a.jpg")]


def test_an_open_catalog_is_opened_again_without_alembic(engine: Engine, catalog_url: str) -> None:
    code = (
        "import sys; from foveal.stores.catalog import open_engine, SqlCatalog;"
        f"SqlCatalog(open_engine({catalog_url!r})).indexes(); assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_migrations_make_exactly_the_tables_the_code_uses(engine: Engine) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    import foveal.stores.migrations

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == HEAD
    [folder] = foveal.stores.migrations.__path__
    assert ScriptDirectory(folder).get_current_head() == HEAD


def test_several_processes_may_open_a_new_catalog_at_once(catalog_url: str) -> None:
    code = (
        f"from foveal.stores.catalog import open_engine, SqlCatalog; SqlCatalog(open_engine({catalog_url!r})).indexes()"
    )
    running = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(4)]
    assert [process.wait(timeout=60) for process in running] == [0, 0, 0, 0]


def test_a_catalog_of_a_newer_version_is_refused_with_the_remedy(engine: Engine, catalog_url: str) -> None:
    with writing(engine, "The catalog") as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer Foveal"):
        open_engine(catalog_url)


def test_a_file_that_is_no_database_is_called_damaged(tmp_path: Path) -> None:
    (tmp_path / "catalog.sqlite").write_bytes(b"this is not a database at all" * 100)
    with pytest.raises(StoreCorruptError, match="damaged"):
        open_engine(f"sqlite:///{tmp_path / 'catalog.sqlite'}")


def test_a_folder_that_is_not_there_is_a_store_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        open_engine(f"sqlite:///{tmp_path / 'nowhere' / 'catalog.sqlite'}")


def test_a_reader_sees_one_state_while_another_commits(engine: Engine, open_again: Callable[[], Engine]) -> None:
    catalog = SqlCatalog(engine)
    catalog.create_index("photos", SCHEMA, Generation(1))
    catalog.commit("photos", Generation(2), put=[document(f"{n:04}.jpg") for n in range(1_200)])
    reading = catalog.documents("photos")
    first = next(reading)
    everything = [document(f"{n:04}.jpg").document_id for n in range(1_200)]
    SqlCatalog(open_again()).commit("photos", Generation(3), delete=everything)
    assert 1 + sum(1 for _ in reading) == 1_200
    assert first.item.path == "0000.jpg"
    assert list(catalog.documents("photos")) == []


def test_a_write_lock_held_too_long_is_said_to_be_busy(
    engine: Engine, open_again: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foveal.stores.sql_engine.BUSY_TIMEOUT_S", 0.05)
    with writing(engine, "The catalog"), pytest.raises(StoreBusyError, match="locked"):
        SqlCatalog(open_again()).create_index("photos", SCHEMA, Generation(1))


def test_of_many_that_make_the_same_index_at_once_one_wins(open_again: Callable[[], Engine]) -> None:
    def make(engine: Engine) -> bool:
        try:
            SqlCatalog(engine).create_index("photos", SCHEMA, Generation(1))
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(make, [open_again() for _ in range(4)])) == 1
