"""What every `Conversations` and `Shares` must do. Subclass it in your tests and give the fixture `kept`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from foveal.errors import ConflictError, NotFoundError
from foveal.ports.people import Conversations, Shares
from foveal.types.conversations import CitedItem, ConversationId, PersonId, Said, ShareId, Speaker

ANNA, BERT = PersonId("account:anna"), PersonId("openid:https://id.example#bert")
EXPIRES = datetime(2999, 1, 2, 3, 4, 5, tzinfo=UTC)
CITED = CitedItem(
    number=1, index="photos", chunk_id="ab-0", title="Dogs", filepath="dogs.jpg", media_type="image/jpeg", groups=("a",)
)
QUESTION = Said(speaker=Speaker.USER, text="Where do dogs run?", pictures=("data:image/png;base64,AA==",))
ANSWER = Said(
    speaker=Speaker.ASSISTANT,
    text="Along the beach [doc1]. 100% sure_ly.",
    citations=(CITED, CitedItem(number=2, index="live", chunk_id="7", title="", filepath="", excerpt="x", kept=False)),
    answer_id="chatcmpl-1",
    stopped=True,
)


def ticking(start: datetime = datetime(2024, 5, 6, 7, 8, tzinfo=UTC)) -> Iterator[datetime]:
    """A clock that goes on a second each time it is read: `now=clock.__next__`."""
    return (start + timedelta(seconds=n) for n in count())


class ConversationsContract:
    """The specification of `foveal.ports.Conversations` and `Shares` as tests."""

    @pytest.fixture
    def kept(self) -> tuple[Conversations, Shares]:
        """Both over one store, empty, with a clock that goes on each time it is read (`ticking`)."""
        raise pytest.UsageError("a subclass of ConversationsContract gives the fixture `kept`")

    @pytest.fixture
    def conversations(self, kept: tuple[Conversations, Shares]) -> Conversations:
        """Those under test."""
        return kept[0]

    @pytest.fixture
    def shares(self, kept: tuple[Conversations, Shares]) -> Shares:
        """Those under test."""
        return kept[1]

    def test_what_was_said_comes_back_in_order(self, conversations: Conversations) -> None:
        """With all that was kept of it."""
        made = conversations.create(ANNA, "Dogs")
        assert (made.title, made.hidden, made.turns) == ("Dogs", False, 0)
        after = conversations.append(ANNA, made.conversation_id, [QUESTION, ANSWER], after=0)
        more = conversations.append(ANNA, made.conversation_id, [QUESTION])
        turns = conversations.turns(ANNA, made.conversation_id)
        assert [t.said for t in turns] == [QUESTION, ANSWER, QUESTION]
        assert [t.number for t in turns] == [1, 2, 3]
        assert (after.turns, more.turns) == (2, 3)
        assert made.created_at == more.created_at < after.updated_at < more.updated_at == turns[-1].said_at
        assert conversations.get(ANNA, made.conversation_id) == more

    def test_one_that_went_on_elsewhere_is_not_written_over(self, conversations: Conversations) -> None:
        """And nothing of what was refused is kept."""
        made = conversations.create(ANNA, "Dogs").conversation_id
        conversations.append(ANNA, made, [QUESTION, ANSWER], after=0)
        for seen in (0, 1, 3):
            with pytest.raises(ConflictError):
                conversations.append(ANNA, made, [QUESTION], after=seen)
        assert len(conversations.turns(ANNA, made)) == 2

    def test_what_is_asked_again_takes_the_place_of_what_came_after(self, conversations: Conversations) -> None:
        """As many turns stay as are said to, if there are so many."""
        made = conversations.create(ANNA, "Dogs").conversation_id
        conversations.append(ANNA, made, [QUESTION, ANSWER, QUESTION, ANSWER])
        again = conversations.append(ANNA, made, [QUESTION], after=4, keep=2)
        assert again.turns == 3
        turns = conversations.turns(ANNA, made)
        assert [t.said for t in turns] == [QUESTION, ANSWER, QUESTION]
        assert [t.number for t in turns] == [1, 2, 3]
        assert conversations.append(ANNA, made, [], keep=99).turns == 3
        assert conversations.append(ANNA, made, [], keep=0).turns == 0
        assert conversations.find(ANNA, "where") == []

    def test_one_person_never_meets_the_conversations_of_another(
        self, conversations: Conversations, shares: Shares
    ) -> None:
        """Neither by listing nor by searching nor by id."""
        made = conversations.create(ANNA, "Dogs").conversation_id
        conversations.append(ANNA, made, [QUESTION])
        share = shares.create(ANNA, made, EXPIRES)
        assert not conversations.page(BERT)
        assert not conversations.find(BERT, "dogs")
        assert not shares.of(BERT, made)
        assert conversations.delete_all(BERT) == 0
        for person, which in ((BERT, made), (ANNA, ConversationId("none"))):
            for act in (
                lambda p=person, w=which: conversations.get(p, w),
                lambda p=person, w=which: conversations.turns(p, w),
                lambda p=person, w=which: conversations.append(p, w, [QUESTION]),
                lambda p=person, w=which: conversations.change(p, w, title="Mine"),
                lambda p=person, w=which: conversations.delete(p, w),
                lambda p=person, w=which: shares.create(p, w, EXPIRES),
            ):
                with pytest.raises(NotFoundError):
                    act()
        with pytest.raises(NotFoundError):
            shares.revoke(BERT, share.share_id)
        assert conversations.get(ANNA, made).title == "Dogs"

    def test_the_one_that_went_on_last_comes_first(self, conversations: Conversations) -> None:
        """Renaming and hiding do not count; pages follow one another."""
        first, second, third = (conversations.create(ANNA, t).conversation_id for t in ("one", "two", "three"))
        conversations.append(ANNA, first, [QUESTION])
        conversations.change(ANNA, second, title="renamed")
        hidden = conversations.change(ANNA, third, hidden=True)
        assert hidden.hidden
        assert [c.conversation_id for c in conversations.page(ANNA)] == [first, second]
        assert [c.conversation_id for c in conversations.page(ANNA, limit=1)] == [first]
        assert [c.title for c in conversations.page(ANNA, before=first)] == ["renamed"]
        assert conversations.page(ANNA, before=second) == []
        assert [c.conversation_id for c in conversations.page(ANNA, hidden=True)] == [third]
        assert not conversations.change(ANNA, third, hidden=False).hidden
        assert [c.conversation_id for c in conversations.page(ANNA, before=first)] == [third, second]

    def test_a_deleted_one_is_gone_with_its_links(self, conversations: Conversations, shares: Shares) -> None:
        """Others stay."""
        made, other = (conversations.create(ANNA, t).conversation_id for t in ("one", "two"))
        conversations.append(ANNA, made, [QUESTION])
        share = shares.create(ANNA, made, EXPIRES)
        conversations.delete(ANNA, made)
        with pytest.raises(NotFoundError):
            conversations.turns(ANNA, made)
        assert shares.find(share.share_id) is None
        assert [c.conversation_id for c in conversations.page(ANNA)] == [other]
        assert conversations.find(ANNA, "dogs") == []

    def test_all_of_a_person_are_deleted_at_once(self, conversations: Conversations) -> None:
        """Hidden ones too; nobody else's."""
        conversations.change(ANNA, conversations.create(ANNA, "one").conversation_id, hidden=True)
        conversations.create(ANNA, "two")
        kept = conversations.create(BERT, "three")
        assert conversations.delete_all(ANNA) == 2
        assert conversations.page(ANNA) == conversations.page(ANNA, hidden=True) == []
        assert conversations.page(BERT) == [kept]

    def test_words_are_found_in_titles_and_turns(self, conversations: Conversations) -> None:
        """All of them in one text, inside longer words, whatever their case; signs of patterns mean themselves."""
        old = conversations.create(ANNA, "Straße am Meer").conversation_id
        new = conversations.create(ANNA, "สุนัขบนชายหาด").conversation_id
        conversations.append(ANNA, new, [QUESTION, ANSWER])

        def found(words: str) -> list[tuple[str, int | None]]:
            hits = conversations.find(ANNA, words)
            return [(h.conversation.conversation_id, h.turn.number if h.turn else None) for h in hits]

        assert found("MEER") == found("strasse meer") == [(old, None)]
        assert found("ชายหาด") == [(new, None)]
        assert found("dogs where") == found("ＤＯＧ") == [(new, 1)]
        assert found("beach sure") == found("100%") == found("sure_ly") == [(new, 2)]
        for nothing in ("", "  ", "dogs beach", "100_", "sure%ly", "cats"):
            assert found(nothing) == []
        assert found("e") == [(new, 1), (new, 2), (old, None)]
        assert len(conversations.find(ANNA, "e", limit=2)) == 2

    def test_texts_of_every_kind_are_kept(self, conversations: Conversations) -> None:
        """But for NUL, which not every database takes."""
        made = conversations.create(ANNA, "a\"b'c\\d 😀\n").conversation_id
        text = "<script>alert(1)</script> ' \" \\ % _ 😀 \u2028\t"
        conversations.append(ANNA, made, [Said(speaker=Speaker.USER, text=text)])
        assert conversations.get(ANNA, made).title == "a\"b'c\\d 😀\n"
        assert conversations.turns(ANNA, made)[0].said.text == text

    def test_a_link_shows_what_was_said_when_it_was_made(self, conversations: Conversations, shares: Shares) -> None:
        """It is known for ever, and opens until it expires or is revoked."""
        made = conversations.create(ANNA, "Dogs").conversation_id
        conversations.append(ANNA, made, [QUESTION, ANSWER])
        share, other = (shares.create(ANNA, made, EXPIRES) for _ in range(2))
        conversations.append(ANNA, made, [QUESTION])
        assert share.turns == 2
        assert share.expires_at == EXPIRES
        assert share.share_id != other.share_id
        assert shares.of(ANNA, made) == [share, other]
        assert shares.find(share.share_id) == share
        assert shares.find(ShareId("none")) is None
        assert share.opens(EXPIRES - timedelta(seconds=1))
        assert not share.opens(EXPIRES)
        shares.revoke(ANNA, share.share_id)
        shares.revoke(ANNA, share.share_id)
        revoked, kept = shares.find(share.share_id), shares.find(other.share_id)
        assert revoked is not None
        assert not revoked.opens(share.created_at)
        assert kept == other
