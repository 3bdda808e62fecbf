from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.retrieval.gluing import not_parted, parts_in, with_joined
from foveal.retrieval.strictness import keywords

KNOWN = {"NEWYORK": ("NEW", "YORK"), "thankyou": ("thank", "you")}


def parted(run: str) -> Sequence[str]:
    return KNOWN.get(run, ())


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("JUNE2018\nNEWYORK", "JUNE 2018 NEW YORK"),
        ("thankyou for 2 of them", "thank you"),
        ("NEWYORK2018", "NEW YORK 2018"),
        ("RM13.58 A4 CS00011983X 12x9", ""),
        ("Ideas worth spreading", ""),
        ("", ""),
    ],
)
def test_words_without_a_blank_between_them_are_found_in_their_parts(text: str, parts: str) -> None:
    assert parts_in(text, parted) == parts


def test_without_a_vocabulary_digits_are_still_parted_from_letters() -> None:
    assert parts_in("JUNE2018 NEWYORK", not_parted) == "JUNE 2018"


@given(st.text())
def test_parts_are_in_the_text_in_its_order(text: str) -> None:
    whole = "".join(text.split())
    at = 0
    for part in parts_in(text, parted).split():
        at = whole.index(part, at) + len(part)


def test_neighbours_of_a_question_are_asked_for_as_one_word_too() -> None:
    assert with_joined("Who is Tina Seelig?") == "Who is Tina Seelig? Whois isTina TinaSeelig"
    assert with_joined("luck") == "luck"


def test_a_text_that_has_two_words_of_the_question_as_one_has_both() -> None:
    asked = keywords("Who is Tina Seelig?", ["TINASEELIG", "a talk about luck", "another talk"])
    assert asked.confidence("TINASEELIG") > 0.9
    assert asked.confidence("TINA") < asked.confidence("TINASEELIG")
    assert asked.confidence("SEELIGTINA") == 0.0
