from __future__ import annotations

from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from foveal.readers.layout import CELL, Line, blocks_of, in_reading_order

HEIGHT = 0.015


def line(text: str, top: float, left: float = 0.1, right: float = 0.9, size: float = 11, bold: bool = False) -> Line:
    return Line(text=text, left=left, top=top, right=right, bottom=top + HEIGHT, size=size, bold=bold)


def column(name: str, left: float, count: int = 10) -> list[Line]:
    return [line(f"{name}{i}", 0.2 + 0.02 * i, left, left + 0.35) for i in range(count)]


def texts(lines: list[Line]) -> list[str]:
    return [block.text for block in blocks_of([(1, lines)])]


def test_lines_keep_the_order_in_which_they_were_written() -> None:
    two = [*column("a", 0.1), *column("b", 0.55)]
    assert in_reading_order(two) == two


def test_an_order_that_jumps_about_is_replaced_by_that_of_the_page() -> None:
    head, two = line("head", 0.05), [*column("a", 0.1), *column("b", 0.55)]
    whole = [head, *two]
    for seed in range(5):
        shuffled = list(whole)
        Random(seed).shuffle(shuffled)
        assert in_reading_order(shuffled) == whole


def test_a_step_back_up_the_page_begins_a_paragraph() -> None:
    assert len(texts([*column("a", 0.1), *column("b", 0.55)])) == 2


def test_a_short_last_line_ends_a_paragraph() -> None:
    lines = [line("One goes on", 0.2), line("to here.", 0.22, right=0.3), line("Two begins", 0.24)]
    assert texts(lines) == ["One goes on to here.", "Two begins"]


def test_every_item_of_a_list_is_a_paragraph() -> None:
    lines = [line("• one goes on", 0.2), line("and on", 0.22), line("• two", 0.24), line("3. three", 0.26)]
    assert texts(lines) == ["• one goes on and on", "• two", "3. three"]


def test_rows_side_by_side_become_one_table() -> None:
    rows = [line(CELL.join(cells), 0.2 + 0.02 * i) for i, cells in enumerate((("a", "b"), ("c", "d")))]
    assert texts([line("Before the table", 0.1), *rows]) == ["Before the table", "| a | b |\n| --- | --- |\n| c | d |"]


def test_most_of_the_text_is_never_a_heading() -> None:
    bold = [line(f"bold line {i}", 0.1 + 0.02 * i, bold=True) for i in range(9)]
    assert {b.level for b in blocks_of([(1, bold)])} == {0}


def test_dotted_lines_of_a_table_of_contents_are_no_headings() -> None:
    prose = [line("prose " * 12, 0.4 + 0.02 * i) for i in range(9)]
    blocks = blocks_of(
        [(1, [line("1 Aims ........ 4", 0.1, size=16), line("2 Means ....... 9", 0.14, size=16), *prose])]
    )
    assert {b.level for b in blocks} == {0}
    assert len(blocks) == 3


def test_a_page_of_nothing_but_what_is_on_every_page_keeps_it() -> None:
    pages = [(n, [line(f"Slide {n}", 0.05)]) for n in range(1, 6)]
    assert [b.text for b in blocks_of(pages)] == [f"Slide {n}" for n in range(1, 6)]


def test_a_head_that_is_on_few_pages_stays() -> None:
    pages = [(n, [line("Chapter head" if n < 3 else f"own {n}", 0.05), line("prose " * 9, 0.5)]) for n in range(1, 9)]
    assert sum("Chapter head" in b.text for b in blocks_of(pages)) == 2


fractions = st.floats(0, 1)


@given(
    st.lists(
        st.builds(
            Line,
            text=st.text("abc -\t.•1", min_size=1, max_size=12).filter(str.strip),
            left=fractions,
            top=fractions,
            right=fractions,
            bottom=fractions,
            size=st.floats(0, 40),
            bold=st.booleans(),
        ),
        max_size=30,
    )
)
def test_no_letter_is_lost_whatever_the_page_looks_like(lines: list[Line]) -> None:
    lines = [replace(x, right=max(x.left, x.right), bottom=max(x.top, x.bottom)) for x in lines]
    ordered = in_reading_order(lines)
    assert sorted(x.text for x in ordered) == sorted(x.text for x in lines)
    found = "".join(b.text for b in blocks_of([(1, lines)]))
    for letter in "abc":
        assert found.count(letter) == sum(x.text.count(letter) for x in lines)
