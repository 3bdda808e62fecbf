from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from foveal.readers.limits import Limits
from foveal.readers.markdown import front_matter_title, plain_heading, sections
from foveal.readers.text import TextReader
from foveal.testing.contracts.reader import read_all
from foveal.types.content import TextContent

READER = TextReader(Limits())


def markdown(text: str, path: str = "notes/guide.md") -> list[TextContent]:
    return [c for c in read_all(READER, text.encode(), "text/markdown", path) if isinstance(c, TextContent)]


def plain(text: str, path: str = "notes/guide.txt", encoding: str = "utf-8") -> TextContent:
    content = read_all(READER, text.encode(encoding), "text/plain", path)[0]
    assert isinstance(content, TextContent)
    return content


def test_markdown_is_cut_at_its_headings_with_their_path() -> None:
    found = markdown("# A\n\none\n\n## B\n\ntwo\n\n### C ###\nthree\n\n## D\nfour\n")
    assert [(c.heading, c.text) for c in found] == [
        (("A",), "one"),
        (("A", "B"), "two"),
        (("A", "B", "C"), "three"),
        (("A", "D"), "four"),
    ]
    assert {c.title for c in found} == {"A"}


def test_underlined_headings_count_and_rules_do_not() -> None:
    found = markdown("Title\n=====\n\nbody\n\nSub\n---\n\nmore\n\n---\n\nprose of\ntwo lines\n---\nend")
    assert [c.heading for c in found] == [("Title",), ("Title", "Sub")]
    assert "prose of" in found[1].text


def test_a_hash_inside_a_fence_is_no_heading() -> None:
    found = markdown("# A\n\n```sh\n# not a heading\n```\n\n~~~\n## nor this\n~~~\ntext\n")
    assert [c.heading for c in found] == [("A",)]


def test_front_matter_gives_the_title_and_is_no_heading() -> None:
    found = markdown("---\ntitle: 'Use your data'\ntags: [a]\n---\n\n# Chat\n\nwords\n")
    assert {c.title for c in found} == {"Use your data"}
    assert found[0].text.startswith("---\ntitle")
    assert found[1].heading == ("Chat",)
    assert front_matter_title('+++\ntitle = "Toml"\n+++\n') == "Toml"


def test_headings_lose_their_marks() -> None:
    assert plain_heading("**Bold** `code` [link](http://x/y) {#anchor}") == "Bold code link"
    assert plain_heading("snake_case stays") == "snake_case stays"


def test_a_last_heading_with_nothing_under_it_can_still_be_found() -> None:
    assert [(c.heading, c.text) for c in markdown("# A\n\ntext\n\n# Contact us\n")][-1] == (
        ("Contact us",),
        "# Contact us",
    )


def test_characters_are_counted_in_the_decoded_file() -> None:
    text = "\ufeff# Ä\r\n\r\nzwei 😀 Worte\r\n"
    content = markdown(text)[0]
    start, end = content.locator.start_char, content.locator.end_char
    assert text.removeprefix("\ufeff")[start:end] == content.text == "zwei 😀 Worte"


def test_a_text_without_a_title_has_its_files_name() -> None:
    assert plain("one long paragraph that goes on.\nand on.").title == "guide"
    assert markdown("just words")[0].title == "guide"


def test_a_short_first_line_above_a_blank_one_is_the_title() -> None:
    assert plain("My holiday\n\nIt was fine.").title == "My holiday"
    assert plain("x" * 81 + "\n\nIt was fine.").title == "guide"


def test_bytes_that_cannot_be_decoded_are_reported() -> None:
    whole = "Größe, Füße, Übung und naïve Bücher über Äpfel"
    content = read_all(READER, whole.encode() + b" \xff.", "text/plain")[0]
    assert isinstance(content, TextContent)
    assert content.text == whole + " \ufffd."
    assert content.warnings == ("Characters that could not be decoded: 1.",)


def test_reading_a_large_file_takes_time_in_proportion_to_it() -> None:
    began = time.monotonic()
    assert len(markdown("Line\n\n" * 300_000 + "# End\n\nx")) == 2
    assert len(markdown("# H\nx\n" * 20_000)) == 20_000
    assert time.monotonic() - began < 15


@given(st.lists(st.sampled_from(["# A\n", "## B\n", "text\n", "\n", "```\n", "===\n", "---\n", "- x\n", "  \t\n"])))
def test_no_word_is_lost_outside_heading_lines(lines: list[str]) -> None:
    text = "".join(lines)
    covered = set()
    for section in sections(text):
        assert 0 <= section.start < section.end <= len(text)
        assert not covered & set(range(section.start, section.end))
        covered |= set(range(section.start, section.end))
    start = 0
    for line in lines:
        if line == "text\n" and start not in covered:
            following = text[start + len(line) :].lstrip(" \t")
            assert following.startswith(("===", "---"))  # it is a heading itself
        start += len(line)


def test_a_file_of_rows_is_a_table() -> None:
    found = plain('Pier;Depth\nNorth;"4; at ebb 3"\n\nSouth;7\n', "depths.csv")
    assert found.text == "| Pier | Depth |\n| --- | --- |\n| North | 4; at ebb 3 |\n| South | 7 |"
    assert found.title == "depths"
    japanese = plain("氏名,住所\r\n髙橋恵子,横浜市\r\n", "people.csv", "cp932")
    assert japanese.text == "| 氏名 | 住所 |\n| --- | --- |\n| 髙橋恵子 | 横浜市 |"
    assert plain("Pier;Depth\nNorth;4\n").text == "Pier;Depth\nNorth;4", "a text that is not named so stays"
