"""Saved sources in the catalog's database.

Credentials are kept as Fernet tokens (AES-128-CBC with HMAC-SHA256; specification of the `cryptography` package),
encrypted with a key that is no part of the database: whoever gets hold of a copy of it has no credential.
"""

from __future__ import annotations

import base64
import json
import os
import uuid
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, and_, case, delete, insert, or_, select, update
from sqlalchemy.engine import Connection, Row

from foveal.errors import ConflictError, NotFoundError, StoreCorruptError
from foveal.stores.catalog_tables import sources
from foveal.stores.process_leases import holder_lives, host_name
from foveal.stores.sql_engine import reading, writing
from foveal.types.live_settings import FieldsMapping, LiveSettings
from foveal.types.sources import (
    Credential,
    CredentialKind,
    SavedSource,
    Schedule,
    Secret,
    SourceKind,
    SourceRun,
    SourceSettings,
    SourceState,
)

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

_WHAT = "The table of sources"
_NO_LEASE = {"run_id": None, "run_host": None, "run_pid": None, "heartbeat_at": None}


class SqlSourceRegistry:
    """`foveal.ports.SourceRegistry` over an engine made by `foveal.stores.catalog.open_engine`.

    Args:
        engine: The database.
        key: Gives the 32 bytes that credentials are encrypted with; called when there is one to keep or to give out.
    """

    def __init__(
        self, engine: Engine, key: Callable[[], bytes], *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._engine = engine
        self._key = key
        self._now = now

    def add(
        self, settings: SourceSettings, credential: Credential | None, *, next_run_at: datetime | None = None
    ) -> SavedSource:
        """Keep a new source."""
        values = {
            **_settings_row(settings),
            **self._credential_row(credential),
            "created_at": self._now(),
            "state": SourceState.NEW.value,
            "message": "",
            "next_run_at": next_run_at,
        }
        with writing(self._engine, _WHAT) as connection:
            _refuse_twins(connection, settings)
            return self._saved(connection.execute(insert(sources).values(**values).returning(sources)).one())

    def all(self) -> list[SavedSource]:
        """Every one, by name."""
        with reading(self._engine, _WHAT) as connection:
            return [self._saved(row) for row in connection.execute(select(sources).order_by(sources.c.name))]

    def get(self, name: str) -> SavedSource:
        """One."""
        with reading(self._engine, _WHAT) as connection:
            return self._saved(_row(connection, name))

    def credential(self, name: str) -> Credential | None:
        """What opens it."""
        with reading(self._engine, _WHAT) as connection:
            row = _row(connection, name)
        if row.credential_kind is None:
            return None
        return Credential(kind=CredentialKind(row.credential_kind), secret=self._decrypted(row))

    def set_credential(self, name: str, credential: Credential | None) -> None:
        """Keep another credential."""
        self._change(name, self._credential_row(credential))

    def set_live(self, name: str, live: LiveSettings) -> None:
        """Keep other settings of a live index."""
        self._change(name, {"live": _live_json(live)})

    def set_schedule(self, name: str, schedule: Schedule, *, next_run_at: datetime | None) -> None:
        """Keep another schedule."""
        self._change(name, {"every_s": schedule.every_s, "cron": schedule.cron, "next_run_at": next_run_at})

    def remove(self, name: str) -> None:
        """Forget a source."""
        with writing(self._engine, _WHAT) as connection:
            _row(connection, name)
            connection.execute(delete(sources).where(sources.c.name == name))

    def begin(self, name: str) -> SourceRun:
        """Take the right to run one source."""
        with writing(self._engine, _WHAT) as connection:
            row = _row(connection, name)
            if self._runs(row):
                raise ConflictError(
                    f"The source {name} is running in another process ({row.run_pid} on {row.run_host}).",
                    remedy="Wait for it, or cancel its ingestion.",
                )
            return self._take(connection, row)

    def claim(self) -> SourceRun | None:
        """Take the right to run the source that is longest due."""
        due = select(sources).where(sources.c.next_run_at <= self._now()).order_by(sources.c.next_run_at)
        with reading(self._engine, _WHAT) as connection:  # a look costs no write lock while nothing is due
            if connection.execute(due).first() is None:
                return None
        with writing(self._engine, _WHAT) as connection:
            free = (row for row in connection.execute(due).all() if not self._runs(row))
            row = next(free, None)
            return None if row is None else self._take(connection, row)

    def renew(self, run_id: str) -> None:
        """Say that a run lives."""
        with writing(self._engine, _WHAT) as connection:
            beat = update(sources).where(sources.c.run_id == run_id).values(heartbeat_at=self._now())
            if not connection.execute(beat).rowcount:
                raise ConflictError(
                    "Another process has taken over that source, or it was removed.", remedy="Leave it to that process."
                )

    def end(self, run_id: str, state: SourceState, *, message: str = "", next_run_at: datetime | None = None) -> None:
        """Record how a run went."""
        asked = sources.c.next_run_at > sources.c.last_started_at
        values = {
            "state": state.value,
            "message": message,
            "last_finished_at": self._now(),
            "next_run_at": case((asked, sources.c.next_run_at), else_=next_run_at),
            **_NO_LEASE,
        }
        with writing(self._engine, _WHAT) as connection:
            connection.execute(update(sources).where(sources.c.run_id == run_id).values(**values))

    def _take(self, connection: Connection, row: Row[Any]) -> SourceRun:
        now = self._now()
        values = {
            "run_id": uuid.uuid4().hex,
            "run_host": host_name(),
            "run_pid": os.getpid(),
            "heartbeat_at": now,
            "state": SourceState.RUNNING.value,
            "message": "",
            "last_started_at": now,
            "next_run_at": min(row.next_run_at or now, now),
        }
        taken = update(sources).where(sources.c.name == row.name).values(**values).returning(sources)
        saved = connection.execute(taken).one()
        return SourceRun(run_id=saved.run_id, source=self._saved(saved))

    def _change(self, name: str, values: dict[str, object]) -> None:
        with writing(self._engine, _WHAT) as connection:
            _row(connection, name)
            connection.execute(update(sources).where(sources.c.name == name).values(**values))

    def _runs(self, row: Row[Any]) -> bool:
        held = row.run_id is not None
        return held and holder_lives(row.run_host, row.run_pid, row.heartbeat_at, self._now())

    def _saved(self, row: Row[Any]) -> SavedSource:
        state = SourceState(row.state)
        if state is SourceState.RUNNING and not self._runs(row):
            state = SourceState.INTERRUPTED
        return SavedSource(
            settings=SourceSettings(
                name=row.name,
                kind=SourceKind(row.kind),
                index=row.index_name,
                location=row.location,
                account_url=row.account_url,
                container=row.container,
                prefix=row.prefix,
                groups=tuple(json.loads(row.groups)),
                descriptions=row.descriptions,
                schedule=Schedule(every_s=row.every_s, cron=row.cron),
                watch=row.watch,
                live=None if row.live is None else _read_live(row.live),
                definition=row.definition,
            ),
            credential=None if row.credential_kind is None else CredentialKind(row.credential_kind),
            created_at=row.created_at,
            state=state,
            message=row.message,
            last_started_at=row.last_started_at,
            last_finished_at=row.last_finished_at,
            next_run_at=row.next_run_at,
        )

    def _credential_row(self, credential: Credential | None) -> dict[str, object]:
        if credential is None:
            return {"credential_kind": None, "credential": None}
        secret = credential.secret.reveal.encode("utf-8", "surrogatepass")
        return {"credential_kind": credential.kind.value, "credential": self._fernet().encrypt(secret)}

    def _decrypted(self, row: Row[Any]) -> Secret:
        from cryptography.fernet import InvalidToken

        try:
            return Secret(self._fernet().decrypt(row.credential).decode("utf-8", "surrogatepass"))
        except InvalidToken:
            raise StoreCorruptError(
                f"What opens the source {row.name} was encrypted with another key than the one in the home.",
                remedy=f"Give it again: foveal source credential {row.name} …",
            ) from None

    def _fernet(self) -> Fernet:
        from cryptography.fernet import Fernet

        return Fernet(base64.urlsafe_b64encode(self._key()))


def _row(connection: Connection, name: str) -> Row[Any]:
    row = connection.execute(select(sources).where(sources.c.name == name)).first()
    if row is None:
        raise NotFoundError(f"There is no source {name!r}.", remedy="`foveal source list` shows them.")
    return row


def _refuse_twins(connection: Connection, settings: SourceSettings) -> None:
    same_place = and_(sources.c.location == settings.location, sources.c.index_name == settings.index)
    twin = connection.execute(select(sources).where(or_(sources.c.name == settings.name, same_place))).first()
    if twin is None:
        return
    if twin.name == settings.name:
        raise ConflictError(f"There is a source {settings.name!r} already.", remedy="Remove it, or take another name.")
    raise ConflictError(
        f"The source {twin.name!r} reads {settings.location} into the index {settings.index} already.",
        remedy="Use that one, or read it into another index.",
    )


def _settings_row(settings: SourceSettings) -> dict[str, object]:
    return {
        "name": settings.name,
        "kind": settings.kind.value,
        "index_name": settings.index,
        "location": settings.location,
        "account_url": settings.account_url,
        "container": settings.container,
        "prefix": settings.prefix,
        "groups": json.dumps(list(settings.groups)),
        "descriptions": settings.descriptions,
        "every_s": settings.schedule.every_s,
        "cron": settings.schedule.cron,
        "watch": settings.watch,
        "live": None if settings.live is None else _live_json(settings.live),
        "definition": settings.definition,
    }


def _live_json(live: LiveSettings) -> str:
    return json.dumps(asdict(live))


def _read_live(text: str) -> LiveSettings:
    """What `_live_json` wrote; lists become the tuples they were."""
    kept = json.loads(text)
    mapping = FieldsMapping(**{name: _tuples(value) for name, value in kept.pop("mapping").items()})
    return LiveSettings(mapping=mapping, **{name: _tuples(value) for name, value in kept.items()})


def _tuples(value: Any) -> Any:
    return tuple(_tuples(one) for one in value) if isinstance(value, list) else value
