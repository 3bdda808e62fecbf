"""What is kept of people, in memory. Ids count up: for tests only, anybody can guess them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from threading import RLock

from foveal.errors import ConflictError, NotFoundError
from foveal.pipeline.history import FindChunks, History
from foveal.pipeline.people import People
from foveal.types.conversations import (
    Conversation,
    ConversationId,
    Feedback,
    Found,
    PersonId,
    Said,
    Share,
    ShareId,
    Turn,
)


class InMemoryConversations:
    """`foveal.ports.Conversations` over dictionaries.

    Attributes:
        failure: Raised by every call, when set.
    """

    def __init__(self, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.failure: Exception | None = None
        self._now = now
        self._made = 0
        self._kept: dict[ConversationId, tuple[PersonId, Conversation]] = {}
        self._turns: dict[ConversationId, list[Turn]] = {}
        self._lock = RLock()

    def create(self, person: PersonId, title: str) -> Conversation:
        """Begin one."""
        self._check()
        with self._lock:
            self._made += 1
            now, made = self._now(), ConversationId(f"fake-conversation-{self._made:04d}")
            conversation = Conversation(
                conversation_id=made, title=title, hidden=False, turns=0, created_at=now, updated_at=now
            )
            self._kept[made], self._turns[made] = (person, conversation), []
            return conversation

    def page(
        self, person: PersonId, *, hidden: bool = False, before: ConversationId | None = None, limit: int = 50
    ) -> list[Conversation]:
        """Latest first."""
        self._check()
        ordered = self._ordered(c for p, c in self._kept.values() if p == person)
        last = next((c for c in ordered if c.conversation_id == before), None)
        if last is not None:
            ordered = ordered[ordered.index(last) + 1 :]
        return [c for c in ordered if c.hidden == hidden][:limit]

    def get(self, person: PersonId, conversation_id: ConversationId) -> Conversation:
        """One."""
        self._check()
        owner, conversation = self._kept.get(conversation_id, (None, None))
        if conversation is None or owner != person:
            raise NotFoundError("There is no such conversation.")
        return conversation

    def turns(self, person: PersonId, conversation_id: ConversationId) -> list[Turn]:
        """In order."""
        self.get(person, conversation_id)
        return list(self._turns[conversation_id])

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
        with self._lock:
            there = self.get(person, conversation_id).turns
            if after is not None and after != there:
                raise ConflictError(f"The conversation has {there} turns, not {after}.", remedy="Load it again.")
            now = self._now()
            kept = self._turns[conversation_id][:keep]
            turns = [Turn(number=len(kept) + n, said=one, said_at=now) for n, one in enumerate(said, 1)]
            self._turns[conversation_id] = [*kept, *turns]
            return self._keep(person, conversation_id, turns=len(kept) + len(turns), updated_at=now)

    def change(
        self,
        person: PersonId,
        conversation_id: ConversationId,
        *,
        title: str | None = None,
        hidden: bool | None = None,
    ) -> Conversation:
        """Rename, hide, show."""
        with self._lock:
            old = self.get(person, conversation_id)
            return self._keep(
                person,
                conversation_id,
                title=old.title if title is None else title,
                hidden=old.hidden if hidden is None else hidden,
            )

    def delete(self, person: PersonId, conversation_id: ConversationId) -> None:
        """Delete one."""
        with self._lock:
            self.get(person, conversation_id)
            del self._kept[conversation_id], self._turns[conversation_id]

    def delete_all(self, person: PersonId) -> int:
        """Delete all of a person."""
        self._check()
        with self._lock:
            own = [i for i, (owner, _) in self._kept.items() if owner == person]
            for conversation_id in own:
                self.delete(person, conversation_id)
            return len(own)

    def find(self, person: PersonId, words: str, *, limit: int = 50) -> list[Found]:
        """Titles and turns that have all the words."""
        self._check()
        wanted = _folded(words).split()
        if not wanted:
            return []
        found: list[Found] = []
        for conversation in self._ordered(c for p, c in self._kept.values() if p == person):
            if all(w in _folded(conversation.title) for w in wanted):
                found.append(Found(conversation=conversation, turn=None))
            for turn in self._turns[conversation.conversation_id]:
                if all(w in _folded(turn.said.text) for w in wanted):
                    found.append(Found(conversation=conversation, turn=turn))
        return found[:limit]

    def _keep(self, person: PersonId, conversation_id: ConversationId, **changed: object) -> Conversation:
        conversation = replace(self._kept[conversation_id][1], **changed)  # type: ignore[arg-type]
        self._kept[conversation_id] = (person, conversation)
        return conversation

    def _ordered(self, conversations: Iterable[Conversation]) -> list[Conversation]:
        return sorted(conversations, key=lambda c: (-c.updated_at.timestamp(), c.conversation_id))

    def _check(self) -> None:
        if self.failure is not None:
            raise self.failure


class InMemoryShares:
    """`foveal.ports.Shares` over a dictionary.

    Args:
        conversations: What they share; a link to what is not there any more is gone.
    """

    def __init__(
        self, conversations: InMemoryConversations, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._conversations = conversations
        self._now = now
        self._made = 0
        self._shares: dict[ShareId, Share] = {}

    def create(self, person: PersonId, conversation_id: ConversationId, expires_at: datetime) -> Share:
        """A new link."""
        self._made += 1
        share = Share(
            share_id=ShareId(f"fake-share-{self._made:04d}"),
            conversation_id=conversation_id,
            person=person,
            turns=self._conversations.get(person, conversation_id).turns,
            created_at=self._now(),
            expires_at=expires_at,
        )
        self._shares[share.share_id] = share
        return share

    def find(self, share_id: ShareId) -> Share | None:
        """A link."""
        share = self._shares.get(share_id)
        return share if share is not None and self._lives(share) else None

    def of(self, person: PersonId, conversation_id: ConversationId) -> list[Share]:
        """All links to a conversation."""
        shares = [s for s in self._shares.values() if s.person == person and s.conversation_id == conversation_id]
        return [s for s in shares if self._lives(s)]

    def revoke(self, person: PersonId, share_id: ShareId) -> None:
        """Have it open nothing."""
        share = self.find(share_id)
        if share is None or share.person != person:
            raise NotFoundError("There is no such link.")
        self._shares[share_id] = replace(share, revoked_at=share.revoked_at or self._now())

    def _lives(self, share: Share) -> bool:
        try:
            self._conversations.get(share.person, share.conversation_id)
        except NotFoundError:
            return False
        return True


class InMemoryFeedbackLog:
    """`foveal.ports.FeedbackLog` over a dictionary."""

    def __init__(self) -> None:
        self._entries: dict[tuple[PersonId, str], Feedback] = {}

    def put(self, feedback: Feedback) -> None:
        """Keep it."""
        self._entries[feedback.person, feedback.answer_id] = feedback

    def remove(self, person: PersonId, answer_id: str) -> None:
        """Take it back."""
        self._entries.pop((person, answer_id), None)

    def entries(self, *, since: datetime | None = None) -> list[Feedback]:
        """Oldest first."""
        entries = sorted(self._entries.values(), key=lambda f: (f.at, f.person, f.answer_id))
        return [f for f in entries if since is None or f.at >= since]


def in_memory_people(
    conversations: InMemoryConversations, find: FindChunks, *, names: Callable[[], Sequence[str]]
) -> People:
    """All that is kept of people."""
    history = History(conversations, InMemoryShares(conversations), find, names=names)
    return People(history=history, feedback=InMemoryFeedbackLog())


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
