"""Accounts, and who is signed in, in the catalog's database.

Of the tokens of sign-ins only SHA-256 hashes are kept, for the reasons in `foveal.stores.api_keys`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.engine import Connection, Row

from foveal.errors import ConflictError, NotFoundError
from foveal.stores.catalog_tables import accounts, sign_ins
from foveal.stores.sql_engine import reading, writing
from foveal.types.conversations import PersonId
from foveal.types.keys import Role
from foveal.types.people import GRACE, Account, SignIn, SignInId, Standing, Way

ID_BYTES, SECRET_BYTES = 16, 32

_ACCOUNTS, _SIGN_INS = "The table of accounts", "The table of sign-ins"


class SqlAccounts:
    """`foveal.ports.Accounts` over an engine made by `foveal.stores.catalog.open_engine`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, account: Account, password_hash: str) -> None:
        """Keep a new one."""
        values = {
            "name": account.name,
            "password": password_hash,
            "role": account.role.value,
            "groups": _written(account.groups),
            "created_at": account.created_at,
        }
        with writing(self._engine, _ACCOUNTS) as connection:
            if connection.execute(select(accounts.c.name).where(accounts.c.name == account.name)).first():
                raise ConflictError(
                    f"There is an account {account.name!r} already.", remedy="Choose another name, or change that one."
                )
            connection.execute(insert(accounts).values(**values))

    def all(self) -> list[Account]:
        """By name."""
        with reading(self._engine, _ACCOUNTS) as connection:
            return [_account(row) for row in connection.execute(select(accounts).order_by(accounts.c.name))]

    def find(self, name: str) -> tuple[Account, str] | None:
        """One and the hash of its password."""
        with reading(self._engine, _ACCOUNTS) as connection:
            row = connection.execute(select(accounts).where(accounts.c.name == name)).first()
        return None if row is None else (_account(row), row.password)

    def put(self, account: Account, password_hash: str | None = None) -> None:
        """Keep one in place of the one of its name."""
        values = {"role": account.role.value, "groups": _written(account.groups)}
        if password_hash is not None:
            values["password"] = password_hash
        with writing(self._engine, _ACCOUNTS) as connection:
            changed = connection.execute(update(accounts).where(accounts.c.name == account.name).values(**values))
            if not changed.rowcount:
                raise _no_account(account.name)

    def remove(self, name: str) -> None:
        """Forget one."""
        with writing(self._engine, _ACCOUNTS) as connection:
            if not connection.execute(delete(accounts).where(accounts.c.name == name)).rowcount:
                raise _no_account(name)


class SqlSignIns:
    """`foveal.ports.SignIns` over an engine made by `foveal.stores.catalog.open_engine`."""

    def __init__(self, engine: Engine, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._engine = engine
        self._now = now

    def open(self, way: Way, standing: Standing, life: timedelta) -> tuple[SignIn, str]:
        """Sign somebody in."""
        now, sign_in_id, secret = self._now(), secrets.token_urlsafe(ID_BYTES), secrets.token_urlsafe(SECRET_BYTES)
        values = {
            "sign_in_id": sign_in_id,
            "hash": _hash(secret),
            "old_hash": "",
            "way": way.value,
            "person": standing.person,
            "name": standing.name,
            "role": standing.role.value,
            "groups": _written(standing.groups),
            "opened_at": now,
            "renewed_at": now,
            "expires_at": now + life,
        }
        with writing(self._engine, _SIGN_INS) as connection:
            connection.execute(delete(sign_ins).where(sign_ins.c.expires_at <= now))  # those that are over
            row = connection.execute(insert(sign_ins).values(**values).returning(sign_ins)).one()
        return _sign_in(row), f"{sign_in_id}.{secret}"

    def find(self, token: str) -> SignIn | None:
        """Whose token it is."""
        with reading(self._engine, _SIGN_INS) as connection:
            row = self._row(connection, token)
        return None if row is None else _sign_in(row)

    def renew(self, token: str) -> str | None:
        """A new token in place of this one."""
        secret = secrets.token_urlsafe(SECRET_BYTES)
        with writing(self._engine, _SIGN_INS) as connection:
            row = self._row(connection, token)
            if row is None or not _is(row.hash, token):
                return None
            values = {"hash": _hash(secret), "old_hash": row.hash, "renewed_at": self._now()}
            newest = (sign_ins.c.sign_in_id == row.sign_in_id) & (sign_ins.c.hash == row.hash)
            renewed = connection.execute(update(sign_ins).where(newest).values(**values)).rowcount
        return f"{row.sign_in_id}.{secret}" if renewed else None

    def close(self, token: str) -> None:
        """Sign out."""
        with writing(self._engine, _SIGN_INS) as connection:
            row = self._row(connection, token)
            if row is not None:
                connection.execute(delete(sign_ins).where(sign_ins.c.sign_in_id == row.sign_in_id))

    def close_all(self, person: PersonId) -> int:
        """Sign somebody out everywhere."""
        with writing(self._engine, _SIGN_INS) as connection:
            return connection.execute(delete(sign_ins).where(sign_ins.c.person == person)).rowcount

    def _row(self, connection: Connection, token: str) -> Row[Any] | None:
        sign_in_id = token.partition(".")[0] if token.isascii() else ""
        row = connection.execute(select(sign_ins).where(sign_ins.c.sign_in_id == sign_in_id)).first()
        now = self._now()
        if row is None or now >= row.expires_at:
            return None
        return row if _is(row.hash, token) or (_is(row.old_hash, token) and now < row.renewed_at + GRACE) else None


def _no_account(name: str) -> NotFoundError:
    return NotFoundError(f"There is no account {name!r}.", remedy="`foveal people list` shows them.")


def _written(groups: tuple[str, ...] | None) -> str | None:
    return None if groups is None else json.dumps(list(groups))


def _groups(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(json.loads(text))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _is(kept: str, token: str) -> bool:
    return hmac.compare_digest(kept, _hash(token.partition(".")[2]))


def _account(row: Row[Any]) -> Account:
    return Account(name=row.name, role=Role(row.role), groups=_groups(row.groups), created_at=row.created_at)


def _sign_in(row: Row[Any]) -> SignIn:
    return SignIn(
        sign_in_id=SignInId(row.sign_in_id),
        way=Way(row.way),
        standing=Standing(person=PersonId(row.person), name=row.name, role=Role(row.role), groups=_groups(row.groups)),
        opened_at=row.opened_at,
        renewed_at=row.renewed_at,
        expires_at=row.expires_at,
    )
