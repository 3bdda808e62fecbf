from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from foveal.readers.blocks import SHORT_CHARS, Block, clean, stretches, table_rows, title_of

LONG = "x" * SHORT_CHARS


def found(*blocks: Block) -> list[tuple[int | None, tuple[str, ...], str]]:
    return [(c.locator.page, c.heading, c.text) for c in stretches(blocks, "T")]


def test_a_text_never_reaches_over_two_pages() -> None:
    assert found(Block(text="a", page=1), Block(text="b", page=1), Block(text="c", page=2)) == [
        (1, (), "a\n\nb"),
        (2, (), "c"),
    ]


def test_a_heading_goes_on_over_pages_until_one_as_high_comes() -> None:
    blocks = [Block(text="A", level=1, page=1), Block(text=LONG, page=1), Block(text=LONG, page=2)]
    assert found(*blocks, Block(text="B", level=1, page=2), Block(text=LONG, page=2)) == [
        (1, ("A",), LONG),
        (2, ("A",), LONG),
        (2, ("B",), LONG),
    ]


def test_short_neighbours_are_put_together_under_the_headings_they_share() -> None:
    blocks = [
        Block(text="A", level=1),
        Block(text="B", level=2),
        Block(text="b"),
        Block(text="C", level=2),
        Block(text="c"),
    ]
    assert found(*blocks) == [(None, ("A",), "B\n\nb\n\nC\n\nc")]


def test_a_heading_with_nothing_under_it_is_a_text() -> None:
    assert found(Block(text="A", level=1, page=1), Block(text="B", level=1, page=2)) == [
        (1, ("A",), "A"),
        (2, ("B",), "B"),
    ]


def test_a_heading_without_words_only_ends_those_above() -> None:
    blocks = [Block(text="A", level=1, page=1), Block(text="a", page=1), Block(text="", level=1, page=2)]
    assert found(*blocks, Block(text="b", page=2)) == [(1, ("A",), "a"), (2, (), "b")]


def test_the_headings_a_document_begins_with_are_its_title_and_stand_above_no_text() -> None:
    title, blocks = title_of([Block(text="A\nB", level=1), Block(text="C", level=2), Block(text="c")])
    assert title == "A B – C"
    assert [b.level for b in blocks] == [0, 0, 0]
    assert title_of([Block(text="1 Introduction", level=1), Block(text="c")])[0] == ""
    assert title_of([Block(text="c")])[0] == ""
    assert title_of([])[0] == ""


def test_rows_of_a_table_are_as_wide_as_the_widest_and_empty_columns_go() -> None:
    assert table_rows([["a", "", "b"], ["", "", ""], ["c|d"]]) == "| a | b |\n| --- | --- |\n| c\\|d |  |"
    assert table_rows([]) == ""
    assert table_rows([["only"]]) == "| only |"


def test_signs_that_stand_for_nothing_are_dropped() -> None:
    assert clean("a\0b\u200bc  d \n\n e") == "abc d\ne"
    assert clean("Chapter 1 ........... 7") == "Chapter 1 … 7"


@given(
    st.lists(
        st.builds(Block, text=st.text("ab \n", max_size=8), level=st.integers(0, 3), page=st.sampled_from([None, 1, 2]))
    )
)
def test_places_are_those_in_the_texts_joined_and_no_word_is_lost(blocks: list[Block]) -> None:
    contents = list(stretches(blocks, ""))
    whole = "\n\n".join(c.text for c in contents)
    for content in contents:
        assert whole[content.locator.start_char : content.locator.end_char] == content.text
        assert content.text.strip() == content.text != ""
    words = " ".join([whole, *(h for c in contents for h in c.heading)]).split()
    assert set(words) >= {word for block in blocks for word in clean(block.text).split()}
