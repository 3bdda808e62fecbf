"""Conversations that are kept, links that share them, and what people say of answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

PersonId = NewType("PersonId", str)
"""Who somebody is, for ever: `account:anna`, `openid:<issuer>#<subject>`, `key:7`, `local`."""

ConversationId = NewType("ConversationId", str)
ShareId = NewType("ShareId", str)
"""Opens a shared conversation to whoever has it and may sign in: 128 random bits."""


class Speaker(StrEnum):
    """Who said something."""

    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True, kw_only=True)
class CitedItem:
    """What an answer rested on, as it was then.

    Attributes:
        number: N of `[docN]`.
        kept: Whether it is of an index of this home, where it can be looked up again.
        excerpt: Of an item that is not kept: its text. What is kept says it itself, if the reader may see it.
        groups: Of a kept one: the groups that could see it; empty: everybody.
    """

    number: int
    index: str
    chunk_id: str
    title: str
    filepath: str
    media_type: str = ""
    url: str = ""
    excerpt: str = ""
    groups: tuple[str, ...] = ()
    kept: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Something said, before it has a place in a conversation.

    Attributes:
        citations: Of an answer: all that its writer was given.
        pictures: Of a question: small copies of the images attached to it, as data URIs.
        answer_id: Of an answer: its id on the wire, that feedback names.
        stopped: Whether it ended before its end.
    """

    speaker: Speaker
    text: str
    citations: tuple[CitedItem, ...] = ()
    pictures: tuple[str, ...] = ()
    answer_id: str = ""
    stopped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Something said in a conversation.

    Attributes:
        number: From 1, without gaps.
    """

    number: int
    said: Said
    said_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """What is known of a conversation without reading it.

    Attributes:
        hidden: Whether its person put it out of sight.
        turns: How many there are.
        updated_at: When something was said last; renaming and hiding do not count.
    """

    conversation_id: ConversationId
    title: str
    hidden: bool
    turns: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A conversation in which words were found.

    Attributes:
        turn: Where: the first turn that has them all; None: in the title.
    """

    conversation: Conversation
    turn: Turn | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A link to a conversation.

    Attributes:
        turns: How many of its turns it shows: what is said later is not shared.
    """

    share_id: ShareId
    conversation_id: ConversationId
    person: PersonId
    turns: int
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None

    def opens(self, now: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and now < self.expires_at


class Rating(StrEnum):
    """What somebody thinks of an answer."""

    UP = "up"
    DOWN = "down"


class Reason(StrEnum):
    """Why."""

    WRONG = "wrong"
    INCOMPLETE = "incomplete"
    NOT_IN_DATA = "not_in_data"
    WRONG_SOURCE = "wrong_source"
    HARMFUL = "harmful"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What somebody said of an answer. A person's later word on the same answer takes the place of the earlier one.

    Attributes:
        answer_id: Of the answer on the wire (`chatcmpl-…`).
        citations: `INDEX/CHUNK` of all that the answer rested on.
    """

    person: PersonId
    answer_id: str
    rating: Rating
    reasons: tuple[Reason, ...] = ()
    comment: str = ""
    question: str = ""
    answer: str = ""
    citations: tuple[str, ...] = ()
    at: datetime
