"""What is kept of people: conversations, shared links, feedback, accounts, sessions. See `foveal.ports` for the rules.

Every process that shares a store sees what another did at its next call.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

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


class Conversations(Protocol):
    """Conversations, each of one person. For anybody else it does not exist."""

    def create(self, person: PersonId, title: str) -> Conversation:
        """Begin one, empty and not hidden; its id is 128 random bits."""

    def page(
        self, person: PersonId, *, hidden: bool = False, before: ConversationId | None = None, limit: int = 50
    ) -> list[Conversation]:
        """Those hidden, or those not hidden; the one in which something was said last comes first, ties by id.

        Args:
            before: Only those that come after this one in that order; one that is not there: from the first on.
        """

    def get(self, person: PersonId, conversation_id: ConversationId) -> Conversation:
        """One.

        Raises:
            NotFoundError: The person has none of that id.
        """

    def turns(self, person: PersonId, conversation_id: ConversationId) -> list[Turn]:
        """What was said, in order.

        Raises:
            NotFoundError: The person has none of that id.
        """

    def append(
        self, person: PersonId, conversation_id: ConversationId, said: Sequence[Said], *, after: int | None = None
    ) -> Conversation:
        """Say more; all of it or nothing.

        Args:
            after: How many turns the caller has seen; None: no matter.

        Raises:
            NotFoundError: The person has none of that id.
            ConflictError: There are more or fewer turns than `after`.
        """

    def change(
        self,
        person: PersonId,
        conversation_id: ConversationId,
        *,
        title: str | None = None,
        hidden: bool | None = None,
    ) -> Conversation:
        """Rename, hide, show; None leaves as it is.

        Raises:
            NotFoundError: The person has none of that id.
        """

    def delete(self, person: PersonId, conversation_id: ConversationId) -> None:
        """Delete one, with the links that share it.

        Raises:
            NotFoundError: The person has none of that id.
        """

    def delete_all(self, person: PersonId) -> int:
        """Delete all of a person, hidden ones too; how many there were."""

    def find(self, person: PersonId, words: str, *, limit: int = 50) -> list[Found]:
        """Conversations, hidden ones too, where the title or one turn has all these words, in the order of `page`.

        A word is what stands between blanks; it is found inside longer ones, whatever the case and width of its
        letters. Blank text finds nothing. A conversation comes once for its title and once for each turn with all of
        the words, title first: the caller may have to pass over some of them.
        """


class Shares(Protocol):
    """Links to conversations."""

    def create(self, person: PersonId, conversation_id: ConversationId, expires_at: datetime) -> Share:
        """A new link to what has been said so far; its id is 128 random bits.

        Raises:
            NotFoundError: The person has no such conversation.
        """

    def find(self, share_id: ShareId) -> Share | None:
        """A link, a revoked or expired one too."""

    def of(self, person: PersonId, conversation_id: ConversationId) -> list[Share]:
        """All links to a conversation, oldest first."""

    def revoke(self, person: PersonId, share_id: ShareId) -> None:
        """Have it open nothing from now on; once more changes nothing.

        Raises:
            NotFoundError: The person has no such link.
        """


class FeedbackLog(Protocol):
    """What people said of answers."""

    def put(self, feedback: Feedback) -> None:
        """Keep it, in place of what the same person said of that answer before."""

    def remove(self, person: PersonId, answer_id: str) -> None:
        """Take it back; what is not there is left alone."""

    def entries(self, *, since: datetime | None = None) -> list[Feedback]:
        """All, oldest first.

        Args:
            since: Only what was said then or later.
        """
