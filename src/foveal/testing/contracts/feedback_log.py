"""What every `FeedbackLog` must do. Subclass it in your tests and give the fixture `log`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from foveal.ports.people import FeedbackLog
from foveal.types.conversations import Feedback, PersonId, Rating, Reason

AT = datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
FULL = Feedback(
    person=PersonId("account:anna"),
    answer_id="chatcmpl-1",
    rating=Rating.DOWN,
    reasons=(Reason.WRONG, Reason.OTHER),
    comment="It is a wolf.",
    question="Is it a dog?",
    answer="Yes [doc1].",
    citations=("photos/ab-0", "a/b/c-1"),
    at=AT,
)
BARE = Feedback(person=PersonId("local"), answer_id="chatcmpl-1", rating=Rating.UP, at=AT - timedelta(hours=1))


class FeedbackLogContract:
    """The specification of `foveal.ports.FeedbackLog` as tests."""

    @pytest.fixture
    def log(self) -> FeedbackLog:
        """The one under test, empty."""
        raise pytest.UsageError("a subclass of FeedbackLogContract gives the fixture `log`")

    def test_what_was_said_comes_back_oldest_first(self, log: FeedbackLog) -> None:
        """All of it, or since a moment."""
        log.put(FULL)
        log.put(BARE)
        assert log.entries() == [BARE, FULL]
        assert log.entries(since=AT) == [FULL]
        assert log.entries(since=AT + timedelta(microseconds=1)) == []

    def test_a_later_word_takes_the_place_of_the_earlier_one(self, log: FeedbackLog) -> None:
        """Of the same person on the same answer."""
        changed = replace(FULL, rating=Rating.UP, reasons=(), comment="", at=AT + timedelta(minutes=1))
        for entry in (FULL, BARE, changed):
            log.put(entry)
        assert log.entries() == [BARE, changed]

    def test_it_can_be_taken_back(self, log: FeedbackLog) -> None:
        """By the person who said it; twice is no mistake."""
        log.put(FULL)
        log.put(BARE)
        for _ in range(2):
            log.remove(FULL.person, FULL.answer_id)
        assert log.entries() == [BARE]
