"""Conversations and the links that share them, in the catalog's database.

Words are looked for with `LIKE` in a folded copy of the text. That is a walk over one person's turns, which are some
thousands; it finds words in Thai and Chinese, which have no blanks, and is the same on every database.
"""

from __future__ import annotations

import json
import secrets
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, and_, delete, insert, or_, select, update
from sqlalchemy.engine import Connection, Row

from foveal.errors import ConflictError, NotFoundError
from foveal.stores.catalog_tables import conversation_shares, conversation_turns, conversations
from foveal.stores.sql_engine import reading, writing
from foveal.types.conversations import (
    CitedItem,
    Conversation,
    ConversationId,
    Found,
    PersonId,
    Said,
    Share,
    ShareId,
    Speaker,
    Turn,
)

ID_BYTES = 16
MOST_WORDS = 16
"""Words of a search that are looked for; more are passed over."""

_WHAT = "The history of conversations"
_ORDER = (conversations.c.updated_at.desc(), conversations.c.conversation_id)


class SqlConversations:
    """`foveal.ports.Conversations` over an engine made by `foveal.stores.catalog.open_engine`."""

    def __init__(self, engine: Engine, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._engine = engine
        self._now = now

    def create(self, person: PersonId, title: str) -> Conversation:
        """Begin one."""
        now = self._now()
        values = {
            "conversation_id": secrets.token_urlsafe(ID_BYTES),
            "person": person,
            **_titled(title),
            "hidden": False,
            "turns": 0,
            "created_at": now,
            "updated_at": now,
        }
        with writing(self._engine, _WHAT) as connection:
            return _conversation(
                connection.execute(insert(conversations).values(**values).returning(conversations)).one()
            )

    def page(
        self, person: PersonId, *, hidden: bool = False, before: ConversationId | None = None, limit: int = 50
    ) -> list[Conversation]:
        """Latest first."""
        wanted = select(conversations).where(conversations.c.person == person, conversations.c.hidden.is_(hidden))
        with reading(self._engine, _WHAT) as connection:
            last = None if before is None else connection.execute(_one(person, before)).first()
            if last is not None:
                wanted = wanted.where(_after(last))
            return [_conversation(row) for row in connection.execute(wanted.order_by(*_ORDER).limit(limit))]

    def get(self, person: PersonId, conversation_id: ConversationId) -> Conversation:
        """One."""
        with reading(self._engine, _WHAT) as connection:
            return _conversation(_row(connection, person, conversation_id))

    def turns(self, person: PersonId, conversation_id: ConversationId) -> list[Turn]:
        """In order."""
        with reading(self._engine, _WHAT) as connection:
            _row(connection, person, conversation_id)
            of_it = select(conversation_turns).where(conversation_turns.c.conversation_id == conversation_id)
            return [_turn(row) for row in connection.execute(of_it.order_by(conversation_turns.c.number))]

    def append(
        self,
        person: PersonId,
        conversation_id: ConversationId,
        said: Sequence[Said],
        *,
        after: int | None = None,
        keep: int | None = None,
    ) -> Conversation:
        """Say more."""
        now = self._now()
        with writing(self._engine, _WHAT) as connection:
            there = _row(connection, person, conversation_id, to_change=True).turns
            if after is not None and after != there:
                raise ConflictError(
                    f"The conversation has {there} turns by now, not {after}: it goes on in another place too.",
                    remedy="Load it again.",
                )
            kept = there if keep is None else min(keep, there)
            if kept < there:
                of_it = conversation_turns.c.conversation_id == conversation_id
                connection.execute(delete(conversation_turns).where(of_it, conversation_turns.c.number > kept))
            rows = [_turn_values(conversation_id, kept + n, one, now) for n, one in enumerate(said, 1)]
            if rows:
                connection.execute(insert(conversation_turns), rows)
            changed = {"turns": kept + len(rows), "updated_at": now}
            return _conversation(connection.execute(_changing(conversation_id, changed)).one())

    def change(
        self,
        person: PersonId,
        conversation_id: ConversationId,
        *,
        title: str | None = None,
        hidden: bool | None = None,
    ) -> Conversation:
        """Rename, hide, show."""
        changed = {**({} if title is None else _titled(title)), **({} if hidden is None else {"hidden": hidden})}
        with writing(self._engine, _WHAT) as connection:
            row = _row(connection, person, conversation_id, to_change=True)
            return _conversation(connection.execute(_changing(conversation_id, changed)).one() if changed else row)

    def delete(self, person: PersonId, conversation_id: ConversationId) -> None:
        """Delete one."""
        with writing(self._engine, _WHAT) as connection:
            _row(connection, person, conversation_id, to_change=True)
            connection.execute(delete(conversations).where(conversations.c.conversation_id == conversation_id))

    def delete_all(self, person: PersonId) -> int:
        """Delete all of a person."""
        with writing(self._engine, _WHAT) as connection:
            return connection.execute(delete(conversations).where(conversations.c.person == person)).rowcount

    def find(self, person: PersonId, words: str, *, limit: int = 50) -> list[Found]:
        """Titles and turns that have all the words."""
        wanted = folded(words).split()[:MOST_WORDS]
        if not wanted:
            return []
        of_person = conversations.c.person == person
        titles = select(conversations).where(of_person, _has_all(conversations.c.title_words, wanted))
        turns = (
            select(conversations, conversation_turns)
            .join(conversation_turns, conversation_turns.c.conversation_id == conversations.c.conversation_id)
            .where(of_person, _has_all(conversation_turns.c.words, wanted))
            .order_by(*_ORDER, conversation_turns.c.number)
        )
        with reading(self._engine, _WHAT) as connection:
            found = [Found(conversation=_conversation(r), turn=None) for r in connection.execute(titles)]
            found += [_found(row) for row in connection.execute(turns.limit(limit))]
        found.sort(key=lambda f: (-f.conversation.updated_at.timestamp(), f.conversation.conversation_id))
        return found[:limit]


class SqlShares:
    """`foveal.ports.Shares` over an engine made by `foveal.stores.catalog.open_engine`."""

    def __init__(self, engine: Engine, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._engine = engine
        self._now = now

    def create(self, person: PersonId, conversation_id: ConversationId, expires_at: datetime) -> Share:
        """A new link."""
        with writing(self._engine, _WHAT) as connection:
            values = {
                "share_id": secrets.token_urlsafe(ID_BYTES),
                "conversation_id": conversation_id,
                "person": person,
                "turns": _row(connection, person, conversation_id).turns,
                "created_at": self._now(),
                "expires_at": expires_at,
            }
            made = insert(conversation_shares).values(**values).returning(conversation_shares)
            return _share(connection.execute(made).one())

    def find(self, share_id: ShareId) -> Share | None:
        """A link."""
        with reading(self._engine, _WHAT) as connection:
            wanted = select(conversation_shares).where(conversation_shares.c.share_id == share_id)
            row = connection.execute(wanted).first()
        return None if row is None else _share(row)

    def of(self, person: PersonId, conversation_id: ConversationId) -> list[Share]:
        """All links to a conversation."""
        shares = conversation_shares.c
        wanted = select(conversation_shares).where(shares.person == person, shares.conversation_id == conversation_id)
        with reading(self._engine, _WHAT) as connection:
            return [_share(row) for row in connection.execute(wanted.order_by(shares.created_at, shares.share_id))]

    def revoke(self, person: PersonId, share_id: ShareId) -> None:
        """Have it open nothing."""
        shares = conversation_shares.c
        own = and_(shares.share_id == share_id, shares.person == person)
        with writing(self._engine, _WHAT) as connection:
            if connection.execute(select(shares.share_id).where(own)).first() is None:
                raise NotFoundError("There is no such link.")
            opening = own & shares.revoked_at.is_(None)
            connection.execute(update(conversation_shares).where(opening).values(revoked_at=self._now()))


def folded(text: str) -> str:
    """Text as words are compared: whatever their case and width (Unicode NFKC, case folding)."""
    return unicodedata.normalize("NFKC", plain(text)).casefold()


def plain(text: str) -> str:
    """Text that every database keeps: PostgreSQL takes no NUL."""
    return text.replace("\0", "")


def _titled(title: str) -> dict[str, str]:
    return {"title": plain(title), "title_words": folded(title)}


def _one(person: PersonId, conversation_id: ConversationId) -> Any:
    own = and_(conversations.c.conversation_id == conversation_id, conversations.c.person == person)
    return select(conversations).where(own)


def _row(
    connection: Connection, person: PersonId, conversation_id: ConversationId, *, to_change: bool = False
) -> Row[Any]:
    wanted = _one(person, conversation_id)
    row = connection.execute(wanted.with_for_update() if to_change else wanted).first()
    if row is None:
        raise NotFoundError("There is no such conversation.")
    return row


def _changing(conversation_id: ConversationId, values: dict[str, Any]) -> Any:
    of_id = conversations.c.conversation_id == conversation_id
    return update(conversations).where(of_id).values(**values).returning(conversations)


def _after(last: Row[Any]) -> ColumnElement[bool]:
    at, of_id = conversations.c.updated_at, conversations.c.conversation_id
    return or_(at < last.updated_at, and_(at == last.updated_at, of_id > last.conversation_id))


def _has_all(column: ColumnElement[str], words: Sequence[str]) -> ColumnElement[bool]:
    return and_(*(column.contains(word, autoescape=True) for word in words))


def _turn_values(conversation_id: ConversationId, number: int, said: Said, at: datetime) -> dict[str, Any]:
    return {
        "conversation_id": conversation_id,
        "number": number,
        "speaker": said.speaker.value,
        "text": plain(said.text),
        "words": folded(said.text),
        "citations": plain(json.dumps([asdict(c) for c in said.citations], ensure_ascii=False)),
        "pictures": json.dumps(said.pictures),
        "answer_id": plain(said.answer_id),
        "stopped": said.stopped,
        "said_at": at,
    }


def _conversation(row: Row[Any]) -> Conversation:
    return Conversation(
        conversation_id=ConversationId(row.conversation_id),
        title=row.title,
        hidden=row.hidden,
        turns=row.turns,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _found(row: Row[Any]) -> Found:
    return Found(conversation=_conversation(row), turn=_turn(row))


def _turn(row: Row[Any]) -> Turn:
    return Turn(
        number=row.number,
        said=Said(
            speaker=Speaker(row.speaker),
            text=row.text,
            citations=tuple(_cited(c) for c in json.loads(row.citations)),
            pictures=tuple(json.loads(row.pictures)),
            answer_id=row.answer_id,
            stopped=row.stopped,
        ),
        said_at=row.said_at,
    )


def _cited(values: dict[str, Any]) -> CitedItem:
    return CitedItem(**{**values, "groups": tuple(values["groups"])})


def _share(row: Row[Any]) -> Share:
    return Share(
        share_id=ShareId(row.share_id),
        conversation_id=ConversationId(row.conversation_id),
        person=PersonId(row.person),
        turns=row.turns,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
