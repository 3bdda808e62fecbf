"""What is kept of people: conversations, shared links, feedback, accounts, sessions. See `foveal.ports` for the rules.

Every process that shares a store sees what another did at its next call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
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
from foveal.types.people import Account, Departure, SignIn, Standing, Way


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
        self,
        person: PersonId,
        conversation_id: ConversationId,
        said: Sequence[Said],
        *,
        after: int | None = None,
        keep: int | None = None,
    ) -> Conversation:
        """Say more; all of it or nothing.

        Args:
            after: How many turns the caller has seen; None: no matter.
            keep: How many turns stay: those after them are taken back first, as when a question is asked again. Links
                show what is there. None: all stay.

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


class Accounts(Protocol):
    """People this home itself knows, each with the hash of a password."""

    def add(self, account: Account, password_hash: str) -> None:
        """Keep a new one.

        Raises:
            ConflictError: There is one of that name.
        """

    def all(self) -> list[Account]:
        """Every one, by name."""

    def find(self, name: str) -> tuple[Account, str] | None:
        """One and the hash of its password."""

    def put(self, account: Account, password_hash: str | None = None) -> None:
        """Keep one in place of the one of its name; None: its password stays.

        Raises:
            NotFoundError: There is none of that name.
        """

    def remove(self, name: str) -> None:
        """Forget one.

        Raises:
            NotFoundError: There is none of that name.
        """


class SignIns(Protocol):
    """Who is signed in. A browser holds a token of 256 random bits after its id; only hashes of tokens are kept."""

    def open(self, way: Way, standing: Standing, life: timedelta) -> tuple[SignIn, str]:
        """Sign somebody in; what was kept and the token."""

    def find(self, token: str) -> SignIn | None:
        """Whose token it is; None when it never was one, or the sign-in is over, or the token was renewed more than
        `foveal.types.people.GRACE` ago.
        """

    def renew(self, token: str) -> str | None:
        """A new token in place of this one, which still counts for `GRACE`: requests under way have it yet. None when
        it is not the newest: then somebody else renewed it.
        """

    def close(self, token: str) -> None:
        """Sign out; what is no token is left alone."""

    def close_all(self, person: PersonId) -> int:
        """Sign somebody out everywhere; how often they were signed in."""


class IdentityProvider(Protocol):
    """Says who people are (OpenID Connect). Where it cannot be reached: `ProviderUnavailableError`."""

    @property
    def label(self) -> str:
        """What its button says after "Sign in with"."""

    def depart(self, redirect_uri: str) -> Departure:
        """Send somebody there."""

    def arrive(self, departure: Departure, answer: Mapping[str, str]) -> Standing:
        """Who came back.

        Args:
            answer: The parameters the browser came back with.

        Raises:
            SignInRefusedError: The provider says no, the answer is not to this departure, its tokens are not valid, or
                the person has no role here.
        """

    def standing(self, token: str) -> Standing | None:
        """Whose access token this is; None when it is none of this provider for this server, or not valid now.

        Raises:
            SignInRefusedError: It is, but the person has no role here.
        """

    def leave_url(self, redirect_uri: str) -> str:
        """Where a browser goes to sign out there too, coming back after; empty where there is no such place."""
