"""The conversations of a person, as that person or somebody else may see them at this moment.

Whoever reads a conversation sees of it what that reader may see now. What an answer rested on is looked up again each
time: it may have been removed since, or be for other groups. An answer is made of the documents that its writer was
given, and of the conversation before it. So where one of these documents is kept from the reader, the answer is kept
back with it, and so are the answers after it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from foveal.errors import ConflictError, HistoryUnavailableError, NotFoundError, StoreError
from foveal.ports.people import Conversations, Shares
from foveal.retrieval.filtering import is_visible
from foveal.types.chunks import Chunk, ChunkId
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

TITLE_CHARACTERS = 80
EXCERPT_CHARACTERS = 160
SEARCHED_PER_HIT = 4
"""Matches looked at for each conversation wanted: some are in the same one, or kept back."""
MOST_TURNS = 2000
"""Of one conversation: what is read, checked and sent at once."""

FindChunks = Callable[[str, Collection[ChunkId]], Mapping[ChunkId, Chunk] | None]
"""Chunks of an index by id, whoever may see them; None where the home has no index of that name with chunks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who reads.

    Attributes:
        groups: As in `Query.groups`.
    """

    person: PersonId
    groups: tuple[str, ...] | None


class CitedState(StrEnum):
    """What has become of something cited."""

    HERE = "here"
    ELSEWHERE = "elsewhere"
    """Of an index that is not kept here: nobody can look it up again."""
    REMOVED = "removed"
    WITHHELD = "withheld"
    """The reader may not see it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownItem:
    """Something cited, as the reader may see it.

    Attributes:
        item: With nothing but its number when it is withheld.
        chunk: As it is now, when it is here.
    """

    state: CitedState
    item: CitedItem
    chunk: Chunk | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownTurn:
    """Something said, as the reader may see it.

    Attributes:
        withheld: Whether it is kept back; `turn` is empty then.
    """

    turn: Turn
    citations: tuple[ShownItem, ...] = ()
    withheld: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A conversation, as the reader may see it."""

    conversation: Conversation
    turns: tuple[ShownTurn, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A conversation in which words were found, and the words around them."""

    conversation: Conversation
    turn: int | None
    excerpt: str


class History:
    """Keeps conversations, and shows them. Every method raises `HistoryUnavailableError` when the store cannot be used.

    Args:
        find: Looks chunks up, whoever may see them.
        names: The indexes that `find` knows.
        on: Whether conversations are kept at all; else every method raises `NotFoundError`.
        share_life: How long a link opens.
    """

    def __init__(
        self,
        conversations: Conversations,
        shares: Shares,
        find: FindChunks,
        *,
        names: Callable[[], Sequence[str]],
        on: bool = True,
        share_life: timedelta = timedelta(days=30),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.on = on
        self._conversations = conversations
        self._shares = shares
        self._find = find
        self._names = names
        self._share_life = share_life
        self._now = now

    def page(
        self, reader: Reader, *, hidden: bool = False, before: ConversationId | None = None, limit: int = 50
    ) -> list[Conversation]:
        """Conversations of the reader, latest first."""
        with self._store():
            return self._conversations.page(reader.person, hidden=hidden, before=before, limit=limit)

    def start(self, reader: Reader, said: Sequence[Said], *, title: str = "") -> Conversation:
        """Begin one, named by its first question where no title is given."""
        first = next((s.text for s in said if s.speaker is Speaker.USER), "")
        with self._store():
            made = self._conversations.create(reader.person, title.strip() or title_of(first))
            return self._append(reader, made.conversation_id, said, after=0) if said else made

    def append(
        self,
        reader: Reader,
        conversation_id: ConversationId,
        said: Sequence[Said],
        *,
        after: int | None = None,
        keep: int | None = None,
    ) -> Conversation:
        """Say more, in place of what comes after the first `keep` turns.

        Raises:
            NotFoundError: The reader has none of that id.
            ConflictError: It has gone on in another place, or is as long as one may be.
        """
        with self._store():
            return self._append(reader, conversation_id, said, after=after, keep=keep)

    def read(self, reader: Reader, conversation_id: ConversationId) -> Shown:
        """One of the reader's own.

        Raises:
            NotFoundError: The reader has none of that id.
        """
        with self._store():
            conversation = self._conversations.get(reader.person, conversation_id)
            turns = self._conversations.turns(reader.person, conversation_id)
        return Shown(conversation=conversation, turns=self._shown(turns, reader, own=True))

    def change(
        self, reader: Reader, conversation_id: ConversationId, *, title: str | None = None, hidden: bool | None = None
    ) -> Conversation:
        """Rename, hide, show.

        Raises:
            NotFoundError: The reader has none of that id.
        """
        with self._store():
            return self._conversations.change(reader.person, conversation_id, title=title, hidden=hidden)

    def delete(self, reader: Reader, conversation_id: ConversationId) -> None:
        """Delete one of the reader's.

        Raises:
            NotFoundError: The reader has none of that id.
        """
        with self._store():
            self._conversations.delete(reader.person, conversation_id)

    def delete_all(self, reader: Reader) -> int:
        """Delete all of the reader's; how many there were."""
        with self._store():
            return self._conversations.delete_all(reader.person)

    def find(self, reader: Reader, words: str, *, limit: int = 50) -> list[Hit]:
        """Conversations of the reader in which the words are, each once. What is kept back is not searched."""
        with self._store():
            found = self._conversations.find(reader.person, words, limit=limit * SEARCHED_PER_HIT)
            hits: dict[ConversationId, Hit] = {}
            kept_back: dict[ConversationId, set[int]] = {}
            for one in found:
                conversation_id = one.conversation.conversation_id
                if conversation_id in hits or len(hits) >= limit:
                    continue
                if one.turn is not None and one.turn.said.speaker is Speaker.ASSISTANT:
                    if conversation_id not in kept_back:
                        turns = self._conversations.turns(reader.person, conversation_id)
                        shown = self._shown(turns, reader, own=True)
                        kept_back[conversation_id] = {t.turn.number for t in shown if t.withheld}
                    if one.turn.number in kept_back[conversation_id]:
                        continue
                hits[conversation_id] = _hit(one, words)
        return list(hits.values())

    # --- links

    def share(self, reader: Reader, conversation_id: ConversationId, *, life: timedelta | None = None) -> Share:
        """A link to what has been said so far.

        Raises:
            NotFoundError: The reader has no such conversation.
        """
        expires_at = self._now() + min(life or self._share_life, self._share_life)
        with self._store():
            return self._shares.create(reader.person, conversation_id, expires_at)

    def shares(self, reader: Reader, conversation_id: ConversationId) -> list[Share]:
        """Links to a conversation of the reader that open.

        Raises:
            NotFoundError: The reader has no such conversation.
        """
        with self._store():
            self._conversations.get(reader.person, conversation_id)
            return [s for s in self._shares.of(reader.person, conversation_id) if s.opens(self._now())]

    def unshare(self, reader: Reader, share_id: ShareId) -> None:
        """Have a link of the reader open nothing.

        Raises:
            NotFoundError: The reader has no such link.
        """
        with self._store():
            self._shares.revoke(reader.person, share_id)

    def read_shared(self, reader: Reader, share_id: ShareId) -> Shown:
        """What a link shows to whoever reads it.

        Raises:
            NotFoundError: There is no such link, or it is expired or revoked: nobody learns which.
        """
        with self._store():
            share = self._shares.find(share_id)
            if share is None or not share.opens(self._now()):
                raise NotFoundError("There is no such shared conversation.", remedy="Ask who shared it for a new link.")
            conversation = self._conversations.get(share.person, share.conversation_id)
            turns = self._conversations.turns(share.person, share.conversation_id)[: share.turns]
        shown = self._shown(turns, reader, own=share.person == reader.person)
        return Shown(conversation=replace(conversation, turns=len(turns)), turns=shown)

    # --- what answers rest on

    def placed(self, citations: Sequence[CitedItem]) -> list[CitedItem]:
        """With the index each is from, where the caller does not say and an index of this home has it."""
        return [self._placed(item) for item in citations]

    def may_see(self, reader: Reader, places: Sequence[str]) -> bool:
        """Whether a reader may see all of these (`INDEX/CHUNK`); what is not here nobody with groups may."""
        split = [place.rpartition("/") for place in places]
        items = [CitedItem(number=0, index=index, chunk_id=key, title="", filepath="") for index, _, key in split]
        chunks = self._chunks(items)
        found = (chunks.get((item.index, item.chunk_id)) for item in items)
        return all(chunk is not None and is_visible(chunk.group_ids, reader.groups) for chunk in found)

    # --- inside

    @contextmanager
    def _store(self) -> Iterator[None]:
        if not self.on:
            raise NotFoundError("Conversations are not kept here.", remedy="The setting history.on is false.")
        try:
            yield
        except StoreError as error:
            raise HistoryUnavailableError(
                f"The history cannot be reached: {error.message}",
                remedy="Chat and search go on without it. " + error.remedy,
            ) from error

    def _append(
        self,
        reader: Reader,
        conversation_id: ConversationId,
        said: Sequence[Said],
        *,
        after: int | None,
        keep: int | None = None,
    ) -> Conversation:
        there = self._conversations.get(reader.person, conversation_id).turns
        if there + len(said) > MOST_TURNS:
            raise ConflictError(f"A conversation has at most {MOST_TURNS} turns.", remedy="Start a new one.")
        noted = [replace(one, citations=tuple(self._noted(one.citations, reader))) for one in said]
        return self._conversations.append(reader.person, conversation_id, noted, after=after, keep=keep)

    def _noted(self, citations: Sequence[CitedItem], reader: Reader) -> Iterator[CitedItem]:
        """What is kept of citations: of a chunk that is here, what the index says, not what the caller says."""
        placed = self.placed(citations)
        chunks = self._chunks(placed)
        for item in placed:
            chunk = chunks.get((item.index, item.chunk_id))
            if chunk is None:
                yield replace(item, kept=False, groups=())
                continue
            kept = replace(item, kept=True, excerpt="", url="", groups=chunk.group_ids)
            if is_visible(chunk.group_ids, reader.groups):
                kept = replace(kept, title=chunk.title, filepath=chunk.filepath, media_type=chunk.media_type)
            yield kept

    def _placed(self, item: CitedItem) -> CitedItem:
        if item.index:
            return item
        wanted = ChunkId(item.chunk_id)
        index = next((name for name in self._names() if wanted in (self._find(name, [wanted]) or {})), "")
        return replace(item, index=index)

    def _chunks(self, citations: Sequence[CitedItem]) -> dict[tuple[str, str], Chunk]:
        wanted: dict[str, set[ChunkId]] = {}
        for item in citations:
            wanted.setdefault(item.index, set()).add(ChunkId(item.chunk_id))
        found = {index: self._find(index, sorted(ids)) for index, ids in wanted.items() if index}
        return {(index, key): chunk for index, of in found.items() if of for key, chunk in of.items()}

    def _shown(self, turns: Sequence[Turn], reader: Reader, *, own: bool) -> tuple[ShownTurn, ...]:
        chunks = self._chunks([c for t in turns for c in t.said.citations if c.kept])
        shown: list[ShownTurn] = []
        tainted = False
        for turn in turns:
            items = tuple(_item(c, chunks.get((c.index, c.chunk_id)), reader, own=own) for c in turn.said.citations)
            tainted = tainted or any(i.state is CitedState.WITHHELD for i in items)
            withheld = tainted and turn.said.speaker is Speaker.ASSISTANT
            said = Said(speaker=turn.said.speaker, text="") if withheld else turn.said
            shown.append(ShownTurn(turn=replace(turn, said=said), citations=items, withheld=withheld))
        return tuple(shown)


def _item(item: CitedItem, chunk: Chunk | None, reader: Reader, *, own: bool) -> ShownItem:
    if not item.kept:
        state = CitedState.ELSEWHERE if own or reader.groups is None else CitedState.WITHHELD
    elif chunk is not None:
        state = CitedState.HERE if is_visible(chunk.group_ids, reader.groups) else CitedState.WITHHELD
    else:
        state = CitedState.REMOVED if is_visible(item.groups, reader.groups) else CitedState.WITHHELD
    if state is CitedState.WITHHELD:
        nothing = CitedItem(number=item.number, index="", chunk_id="", title="", filepath="")
        return ShownItem(state=state, item=nothing)
    return ShownItem(state=state, item=item, chunk=chunk)


def title_of(question: str) -> str:
    """The name of a conversation: the first line of its first question, cut at a blank."""
    line = next((line for line in (" ".join(part.split()) for part in question.splitlines()) if line), "")
    if len(line) <= TITLE_CHARACTERS:
        return line
    cut = line[: TITLE_CHARACTERS - 1]
    head, _, _ = cut.rpartition(" ")
    return (head if len(head) > TITLE_CHARACTERS // 2 else cut) + "…"


def _hit(found: Found, words: str) -> Hit:
    text = "" if found.turn is None else found.turn.said.text
    return Hit(
        conversation=found.conversation,
        turn=None if found.turn is None else found.turn.number,
        excerpt=_excerpt(text, words.split(maxsplit=1)[0]),
    )


def _excerpt(text: str, word: str) -> str:
    flat = " ".join(text.split())
    at = max(flat.casefold().find(word.casefold()) - EXCERPT_CHARACTERS // 3, 0)
    cut = flat[at : at + EXCERPT_CHARACTERS]
    return ("…" if at else "") + cut + ("…" if at + EXCERPT_CHARACTERS < len(flat) else "")
