from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from foveal.models.text_tokenizer import UnigramTokenizer

PIECES = {"▁": -3.0, "▁ab": -2.5, "ab": -3.1, "a": -4.0, "b": -4.5, "▁a": -3.5, "bb": -4.2, "abc": -6.0, "c": -5.0}
NAMES = ["<s>", "<pad>", "</s>", "<unk>", *PIECES]
TOKENIZER = UnigramTokenizer(
    NAMES,
    [0.0] * 4 + list(PIECES.values()),
    replacements={ord("A"): "a", ord("\t"): " ", 0x200B: ""},
    begin_id=0,
    end_id=2,
    unknown_id=3,
)


def names(text: str, limit: int = 512) -> list[str]:
    return [NAMES[piece_id] for piece_id in TOKENIZER.encode(text, limit)]


def best_score(word: str) -> float:
    """Best sum of scores over every way to cut the word: the definition, spelled out."""
    scores = []
    for cuts in product([False, True], repeat=len(word) - 1):
        pieces, start = [], 0
        for end, cut in enumerate([*cuts, True], start=1):
            if cut:
                pieces.append(word[start:end])
                start = end
        if all(piece in PIECES or len(piece) == 1 for piece in pieces):
            scores.append(sum(PIECES.get(piece, min(PIECES.values()) - 10.0) for piece in pieces))
    return max(scores)


@given(st.text(alphabet="abcz", min_size=1, max_size=9))
def test_a_word_is_cut_into_its_most_probable_pieces(word: str) -> None:
    unmerged = best_score("▁" + word)
    runs = [run for run in word.replace("a", " ").replace("b", " ").replace("c", " ").split() if len(run) > 1]
    merged = sum(len(run) - 1 for run in runs) * (min(PIECES.values()) - 10.0)
    found = sum(PIECES.get(name, min(PIECES.values()) - 10.0) for name in names(word)[1:-1])
    assert abs(found + merged - unmerged) < 1e-9


def test_a_run_of_unknown_characters_is_one_unknown_piece() -> None:
    assert names("azzza") == ["<s>", "▁a", "<unk>", "a", "</s>"]


def test_characters_are_replaced_and_spaces_collapsed_before_cutting() -> None:
    assert names(" A\u200bB \t\t ab  ") == ["<s>", "▁a", "<unk>", "▁ab", "</s>"]


def test_a_text_without_words_is_only_its_two_marks() -> None:
    assert names(" \t ") == ["<s>", "</s>"]


@given(st.text(max_size=80), st.integers(min_value=2, max_value=12))
def test_a_text_is_cut_to_the_limit_and_keeps_its_end_mark(text: str, limit: int) -> None:
    ids = TOKENIZER.encode(text, limit)
    assert len(ids) <= limit
    assert ids[0] == 0
    assert ids[-1] == 2


def test_the_names_of_special_pieces_in_a_text_are_ordinary_characters() -> None:
    assert 2 not in TOKENIZER.encode("a </s> b", 512)[:-1]


WORDS = {
    "▁new": -8.0,
    "▁york": -9.0,
    "▁n": -6.0,
    "▁": -5.0,
    "new": -9.0,
    "york": -12.0,
    "▁tax": -9.0,
    "▁bakery": -9.0,
    "▁bake": -6.0,
}
LETTERS = dict.fromkeys("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", -9.0)
VOCABULARY = UnigramTokenizer(
    ["<s>", "<pad>", "</s>", "<unk>", *WORDS, *LETTERS],
    [0.0] * 4 + [*WORDS.values(), *LETTERS.values()],
    replacements={},
    begin_id=0,
    end_id=2,
    unknown_id=3,
)


def test_a_run_of_letters_is_parted_where_several_words_are_more_probable_than_one() -> None:
    assert VOCABULARY.parted("NEWYORK") == ("NEW", "YORK")
    assert VOCABULARY.parted("newyorknewyork") == ("new", "york", "new", "york")
    assert VOCABULARY.parted("bakery") == ()  # one word, though another begins like it
    assert VOCABULARY.parted("newxqzv") == ()  # the rest is no word
