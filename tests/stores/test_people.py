from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from foveal.ports.people import Accounts, SignIns
from foveal.stores.people import SqlAccounts, SqlSignIns
from foveal.testing.contracts.accounts import AccountsContract
from foveal.testing.contracts.sign_ins import ANNA, LIFE, Clock, SignInsContract
from foveal.testing.fakes_identity import InMemoryAccounts, InMemorySignIns
from foveal.types.people import Way


class TestSqlAccounts(AccountsContract):
    @pytest.fixture
    def accounts(self, engine: Engine) -> Accounts:
        return SqlAccounts(engine)


class TestInMemoryAccounts(AccountsContract):
    @pytest.fixture
    def accounts(self) -> Accounts:
        return InMemoryAccounts()


class TestSqlSignIns(SignInsContract):
    @pytest.fixture
    def sign_ins(self, engine: Engine, clock: Clock) -> SignIns:
        return SqlSignIns(engine, now=clock)


class TestInMemorySignIns(SignInsContract):
    @pytest.fixture
    def sign_ins(self, clock: Clock) -> SignIns:
        return InMemorySignIns(now=clock)


@pytest.mark.parametrize("catalog_url", ["sqlite"], indirect=True)
def test_the_database_does_not_hold_the_token(engine: Engine, catalog_url: str) -> None:
    _, token = SqlSignIns(engine).open(Way.ACCOUNT, ANNA, LIFE)
    engine.dispose()
    file = Path(str(make_url(catalog_url).database))
    stored = b"".join(p.read_bytes() for p in file.parent.glob(file.name + "*"))
    assert b"account:anna" in stored
    assert token.partition(".")[2].encode() not in stored
