from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from foveal.ports.stores import ApiKeys
from foveal.stores import catalog
from foveal.stores.api_keys import SqlApiKeys
from foveal.stores.catalog import open_engine
from foveal.stores.sql_engine import connect, writing
from foveal.testing.contracts.api_keys import FULL, ApiKeysContract
from foveal.testing.fakes_keys import InMemoryApiKeys
from foveal.types.keys import KeyGrant, Role


class TestSqlApiKeys(ApiKeysContract):
    @pytest.fixture
    def keys(self, engine: Engine) -> ApiKeys:
        return SqlApiKeys(engine)


class TestInMemoryApiKeys(ApiKeysContract):
    @pytest.fixture
    def keys(self) -> ApiKeys:
        return InMemoryApiKeys()


@pytest.mark.parametrize("catalog_url", ["sqlite"], indirect=True)
def test_the_database_does_not_hold_the_key(engine: Engine, catalog_url: str) -> None:
    _, key = SqlApiKeys(engine).create(FULL)
    engine.dispose()
    file = Path(str(make_url(catalog_url).database))
    stored = b"".join(p.read_bytes() for p in file.parent.glob(file.name + "*"))
    assert b"archive" in stored
    assert key.encode() not in stored
    assert key[12:].encode() not in stored


def test_a_key_has_256_random_bits(engine: Engine) -> None:
    keys = SqlApiKeys(engine)
    made = [keys.create(KeyGrant(name=str(n)))[1] for n in range(8)]
    assert len({key[:12] for key in made}) == 8
    assert all(len(key.removeprefix("fvl_")) == 43 for key in made)  # 43 characters of 6 bits


def test_a_key_revoked_by_another_process_opens_nothing(engine: Engine, catalog_url: str) -> None:
    keys = SqlApiKeys(engine)
    _, key = keys.create(FULL)
    code = (
        "from foveal.stores.api_keys import SqlApiKeys; from foveal.stores.catalog import open_engine;"
        f"SqlApiKeys(open_engine({catalog_url!r})).revoke('archive')"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    found = keys.find(key)
    assert found is not None
    assert not found.opens(datetime.now(UTC))


def test_a_home_made_before_there_were_keys_gets_their_table(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'older.sqlite'}"
    config = Config()
    config.set_main_option("script_location", str(Path(catalog.__file__).parent / "migrations"))
    older = connect(url)
    with writing(older, "The catalog") as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    older.dispose()
    engine = open_engine(url)
    keys = SqlApiKeys(engine)
    keys.create(FULL)
    assert len(keys.records()) == 1
    engine.dispose()


@pytest.mark.parametrize(("role", "covered"), [("reader", 1), ("contributor", 2), ("owner", 3)])
def test_each_role_may_do_what_the_ones_before_it_may(role: str, covered: int) -> None:
    assert [Role(role).covers(needed) for needed in Role] == [n < covered for n in range(3)]
