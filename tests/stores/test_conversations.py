from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Engine

from foveal.ports.people import Conversations, FeedbackLog, Shares
from foveal.stores.conversations import SqlConversations, SqlShares
from foveal.stores.feedback import SqlFeedbackLog
from foveal.testing.contracts.conversations import ANNA, ConversationsContract, ticking
from foveal.testing.contracts.feedback_log import FeedbackLogContract
from foveal.testing.fakes_people import InMemoryConversations, InMemoryFeedbackLog, InMemoryShares
from foveal.types.conversations import Said, Speaker

Kept = tuple[Conversations, Shares]


class TestSqlConversations(ConversationsContract):
    @pytest.fixture
    def kept(self, engine: Engine) -> Kept:
        now = ticking().__next__
        return SqlConversations(engine, now=now), SqlShares(engine, now=now)


class TestInMemoryConversations(ConversationsContract):
    @pytest.fixture
    def kept(self) -> Kept:
        now = ticking().__next__
        conversations = InMemoryConversations(now=now)
        return conversations, InMemoryShares(conversations, now=now)


class TestSqlFeedbackLog(FeedbackLogContract):
    @pytest.fixture
    def log(self, engine: Engine) -> FeedbackLog:
        return SqlFeedbackLog(engine)


class TestInMemoryFeedbackLog(FeedbackLogContract):
    @pytest.fixture
    def log(self) -> FeedbackLog:
        return InMemoryFeedbackLog()


def test_ids_have_128_random_bits(engine: Engine) -> None:
    conversations = SqlConversations(engine)
    ids = {conversations.create(ANNA, "x").conversation_id for _ in range(8)}
    assert len(ids) == 8
    assert all(len(i) == 22 for i in ids)  # 22 characters of 6 bits


def test_another_process_goes_on_where_this_one_stopped(engine: Engine, open_again: Callable[[], Engine]) -> None:
    made = SqlConversations(engine).create(ANNA, "Dogs").conversation_id
    other = SqlConversations(open_again())
    other.append(ANNA, made, [Said(speaker=Speaker.USER, text="a\0b")])
    assert SqlConversations(engine).turns(ANNA, made)[0].said.text == "ab"
