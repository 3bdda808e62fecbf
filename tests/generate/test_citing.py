"""Citation marks are made uniform while an answer streams."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.pipeline.citing import CitationMarks

_FORMS = [
    "[doc1]",
    "【Doc 2】",
    "[doc9]",
    "[docs 1, 2]",
    "[note]",
    "[doc",
    "1",
    "]",
    "[",
    "【",
    " ",
    "\n",
    "a",
    ".",
    "d",
    "†x",
]
_PIECES = st.lists(st.sampled_from(_FORMS), max_size=12).map("".join)


def _marked(*pieces: str) -> str:
    marks = CitationMarks({1, 2})
    return "".join([*(marks.feed(piece) for piece in pieces), marks.rest()])


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("It is red [doc1].", "It is red [doc1]."),
        ("It is red 【doc1】.", "It is red [doc1]."),
        ("It is red [Doc 1].", "It is red [doc1]."),
        ("It is red [doc 1].", "It is red [doc1]."),
        ("It is red [document 2].", "It is red [doc2]."),
        ("It is red【doc1†source】.", "It is red[doc1]."),
        ("It is red [doc1, doc2].", "It is red [doc1][doc2]."),
        ("It is red [docs 1 and 2].", "It is red [doc1][doc2]."),
        ("It is red [doc1, doc7].", "It is red [doc1]."),
        ("It is red [doc7].", "It is red."),
        ("It is red [doc7] and blue.", "It is red and blue."),
        ("[doc0][doc01]", "[doc1]"),
        ("A [note] and a [docket].", "A [note] and a [docket]."),
        ("An open [doc1", "An open [doc1"),
        ("x[1] = [doc", "x[1] = [doc"),
    ],
)
def test_every_form_becomes_one_and_numbers_that_do_not_exist_go(said: str, shown: str) -> None:
    assert _marked(said) == shown
    assert _marked(*said) == shown


@given(_PIECES, st.lists(st.integers(0, 60), max_size=8))
def test_where_the_stream_is_split_changes_nothing(said: str, cuts: list[int]) -> None:
    places = sorted({0, len(said), *(cut for cut in cuts if cut < len(said))})
    pieces = [said[start:end] for start, end in pairwise(places)]
    assert _marked(*pieces) == _marked(said)


@given(st.text(alphabet="[]doc 19【】,", max_size=40))
def test_no_number_that_was_not_given_is_ever_cited(said: str) -> None:
    assert "[doc9]" not in _marked(*said)


def test_words_are_not_held_back() -> None:
    marks = CitationMarks({1})
    assert marks.feed("The sea") == "The sea"
    assert marks.feed(" is [b") == " is [b"
    assert marks.feed("lue] [do") == "lue]"
    assert marks.feed("c1]") == " [doc1]"
