"""What people said of answers, in the catalog's database."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, and_, delete, insert, select
from sqlalchemy.engine import Row

from foveal.stores.catalog_tables import feedback as table
from foveal.stores.conversations import plain
from foveal.stores.sql_engine import reading, writing
from foveal.types.conversations import Feedback, PersonId, Rating, Reason

_WHAT = "The table of feedback"


class SqlFeedbackLog:
    """`foveal.ports.FeedbackLog` over an engine made by `foveal.stores.catalog.open_engine`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def put(self, feedback: Feedback) -> None:
        """Keep it."""
        values = {
            "person": feedback.person,
            "answer_id": plain(feedback.answer_id),
            "rating": feedback.rating.value,
            "reasons": json.dumps([r.value for r in feedback.reasons]),
            "comment": plain(feedback.comment),
            "question": plain(feedback.question),
            "answer": plain(feedback.answer),
            "citations": json.dumps(feedback.citations),
            "at": feedback.at,
        }
        with writing(self._engine, _WHAT) as connection:
            connection.execute(delete(table).where(_same(feedback.person, feedback.answer_id)))
            connection.execute(insert(table).values(**values))

    def remove(self, person: PersonId, answer_id: str) -> None:
        """Take it back."""
        with writing(self._engine, _WHAT) as connection:
            connection.execute(delete(table).where(_same(person, answer_id)))

    def entries(self, *, since: datetime | None = None) -> list[Feedback]:
        """Oldest first."""
        wanted = select(table).order_by(table.c.at, table.c.person, table.c.answer_id)
        if since is not None:
            wanted = wanted.where(table.c.at >= since)
        with reading(self._engine, _WHAT) as connection:
            return [_feedback(row) for row in connection.execute(wanted)]


def _same(person: PersonId, answer_id: str) -> Any:
    return and_(table.c.person == person, table.c.answer_id == plain(answer_id))


def _feedback(row: Row[Any]) -> Feedback:
    return Feedback(
        person=PersonId(row.person),
        answer_id=row.answer_id,
        rating=Rating(row.rating),
        reasons=tuple(Reason(r) for r in json.loads(row.reasons)),
        comment=row.comment,
        question=row.question,
        answer=row.answer,
        citations=tuple(json.loads(row.citations)),
        at=row.at,
    )
