"""Databases by URL: what is refused, what is said, and that no password is ever repeated."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

import foveal
from foveal.errors import InvalidRequestError, SettingsError, StoreError
from foveal.stores.api_keys import SqlApiKeys
from foveal.stores.catalog import SqlCatalog, open_engine
from foveal.stores.model_cache import SqlModelCache
from foveal.stores.sql_engine import database_url, sharing, shown, writing
from foveal.testing.contracts.catalog import SCHEMA, document
from foveal.types.chunks import Generation
from foveal.types.keys import KeyGrant, Role

PASSWORD = "pa55/word"


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_postgresql_is_named_by_the_usual_addresses(scheme: str) -> None:
    assert database_url(f"{scheme}://me:p@host/db").drivername == "postgresql+psycopg"


@pytest.mark.parametrize("url", [f"mysql://me:{PASSWORD}@host/db", f"no url at all {PASSWORD}", "postgresql//me"])
def test_what_names_no_database_that_is_used_is_refused_with_the_form(url: str) -> None:
    with pytest.raises(SettingsError, match="postgresql://") as refused:
        database_url(url)
    assert PASSWORD not in str(refused.value)


def test_a_url_is_shown_without_what_opens_the_database() -> None:
    url = make_url(f"postgresql://me:secret@host:5432/db?sslpassword={PASSWORD}&options=-c")
    assert shown(url) == "postgresql://me:***@host:5432/db"


def test_a_server_that_is_not_there_is_told_without_the_password() -> None:
    with pytest.raises(StoreError, match="cannot be reached") as failed:
        open_engine("postgresql://me:secret-word@127.0.0.1:1/db?connect_timeout=2")
    assert "127.0.0.1" in str(failed.value)
    assert "FOVEAL_DATABASE" in failed.value.remedy
    assert "secret-word" not in str(failed.value)


def test_a_database_that_is_not_there_is_named(postgres: str) -> None:
    with pytest.raises(StoreError, match="nowhere"):
        open_engine(make_url(postgres).set(database="nowhere").render_as_string(hide_password=False))


def test_without_the_driver_the_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from foveal.stores.catalog import open_engine\n"
        "from foveal.errors import SettingsError\n"
        "try: open_engine('postgresql://me@host/db')\n"
        "except SettingsError as error: print(error)"
    )
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert "foveal[postgres]" in told.stdout


def test_a_user_without_rights_is_told_what_to_grant(postgres_url: str) -> None:
    owner = create_engine(database_url(postgres_url))
    with owner.begin() as connection:
        connection.execute(text("DROP ROLE IF EXISTS reader"))
        connection.execute(text("CREATE ROLE reader LOGIN"))
        connection.execute(text("REVOKE ALL ON SCHEMA public FROM public"))
    try:
        with pytest.raises(StoreError, match="cannot be used") as refused:
            open_engine(make_url(postgres_url).set(username="reader").render_as_string(hide_password=False))
        assert "GRANT" in refused.value.remedy
    finally:
        owner.dispose()


def test_postgresql_orders_by_bytes_as_sqlite_does(engine: Engine) -> None:
    catalog = SqlCatalog(engine)
    for name in ("b", "B", "a", "ä", "_"):
        catalog.create_index(name, SCHEMA, Generation(1))
    catalog.commit("a", Generation(2), put=[document(path) for path in ("é.jpg", "Z.jpg", "a-b.jpg", "ab.jpg")])
    assert [record.name for record in catalog.indexes()] == ["B", "_", "a", "b", "ä"]
    assert [found.item.path for found in catalog.documents("a")] == ["Z.jpg", "a-b.jpg", "ab.jpg", "é.jpg"]


@pytest.mark.parametrize("catalog_url", ["postgresql"], indirect=True)
def test_a_text_that_postgresql_cannot_keep_is_the_callers_error(engine: Engine) -> None:
    with pytest.raises(InvalidRequestError, match="NUL"):
        SqlCatalog(engine).create_index("a\0b", SCHEMA, Generation(1))


@pytest.mark.parametrize("catalog_url", ["postgresql"], indirect=True)
def test_tables_that_have_nothing_to_do_with_each_other_do_not_wait_for_each_other(
    engine: Engine, open_again: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foveal.stores.sql_engine.BUSY_TIMEOUT_S", 1.0)
    with writing(engine, "The catalog"):
        SqlApiKeys(open_again()).create(KeyGrant(name="app", role=Role.READER))
        SqlModelCache(open_again()).put_many({"key": b"value"})


@pytest.mark.parametrize("catalog_url", ["postgresql"], indirect=True)
def test_results_put_in_any_order_by_many_never_deadlock(open_again: Callable[[], Engine]) -> None:
    caches = [SqlModelCache(open_again()) for _ in range(3)]
    keys = [f"{n:03}" for n in range(100)]

    def put(number: int) -> None:
        for _ in range(5):
            caches[number].put_many(dict.fromkeys(keys if number % 2 else reversed(keys), b"v"))

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(put, range(3)))
    assert len(caches[0].get_many(keys)) == 100


def test_a_connection_that_the_server_closed_is_opened_again(postgres_url: str) -> None:
    engine = open_engine(postgres_url)
    catalog = SqlCatalog(engine)
    assert catalog.indexes() == []
    killer = create_engine(database_url(postgres_url), isolation_level="AUTOCOMMIT")
    with killer.connect() as connection:
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'foveal'")
        )
    killer.dispose()
    assert catalog.indexes() == []
    engine.dispose()


def test_times_are_kept_in_utc_whatever_the_zone_of_the_server(engine: Engine) -> None:
    until = datetime(2031, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
    if engine.dialect.name == "postgresql":
        with sharing(engine, "a test") as connection:
            connection.execute(text(f"ALTER DATABASE {engine.url.database} SET timezone = 'Asia/Bangkok'"))
        engine.dispose()
    SqlApiKeys(engine).create(KeyGrant(name="app", role=Role.READER, expires_at=until))
    assert SqlApiKeys(engine).records()[0].grant.expires_at == until


def test_doctor_says_which_database_and_no_password(tmp_path: Path, postgres_url: str) -> None:
    with foveal.open(tmp_path, database=postgres_url, offline=True) as home:
        check = next(c for c in home.checks() if c.name == "database")
        assert check.detail.startswith("PostgreSQL 1")
        assert "postgres_url" not in repr(home.settings)
    with foveal.open(tmp_path / "other", offline=True) as home:
        check = next(c for c in home.checks() if c.name == "database")
    assert check.detail == f"SQLite, {tmp_path / 'other' / 'catalog.sqlite'}"


def test_a_home_on_postgresql_leaves_no_database_file(tmp_path: Path, postgres_url: str) -> None:
    with foveal.open(tmp_path, database=postgres_url, offline=True) as home:
        home.parts.api_keys.create(KeyGrant(name="app", role=Role.READER))
        home.parts.cache.put_many({"key": b"value"})
    assert list(tmp_path.glob("*.sqlite*")) == []
    with foveal.open(tmp_path / "another machine", database=postgres_url, offline=True) as home:
        assert [record.grant.name for record in home.parts.api_keys.records()] == ["app"]
        assert home.parts.cache.get_many(["key"]) == {"key": b"value"}
