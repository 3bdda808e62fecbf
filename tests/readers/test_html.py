from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.errors import AssetError, AssetLimitError
from foveal.readers.html import HtmlReader
from foveal.readers.limits import MAX_MARKS, Limits
from foveal.testing.contracts.reader import read_all
from foveal.types.content import TextContent

LONG = "A sentence that goes on for a while so that it is worth a chunk. " * 12


def texts(html: str | bytes, path: str = "folder/page.html") -> list[TextContent]:
    data = html.encode() if isinstance(html, str) else html
    found = read_all(HtmlReader(Limits()), data, "text/html", path)
    assert all(isinstance(c, TextContent) for c in found)
    return [c for c in found if isinstance(c, TextContent)]


def text(html: str | bytes) -> str:
    return "\n\n".join(c.text for c in texts(html))


def test_headings_make_a_path_and_title_is_the_title() -> None:
    found = texts(f"<title> The\nPage </title><h1>One</h1><p>{LONG}</p><h2>Two</h2><p>{LONG}</p><h1>Three</h1>{LONG}")
    assert [c.heading for c in found] == [("One",), ("One", "Two"), ("Three",)]
    assert {c.title for c in found} == {"The Page"}


def test_a_page_without_a_title_has_its_first_heading_or_the_name_of_its_file() -> None:
    assert texts("<h1>Head</h1><p>words</p>")[0].title == "Head"
    assert texts("<p>words</p>")[0].title == "page"


def test_what_is_not_shown_is_not_read() -> None:
    html = (
        "<head><title>t</title><style>s1</style></head><body><p>seen</p><script>s2</script><!-- s3 -->"
        '<p hidden>s4</p><p style="color:red; display : none">s5</p><template>s6</template><noscript>s7</noscript>'
        '<div aria-hidden="true">s8</div><iframe src="file:///etc/passwd">s9</iframe><p>also seen</p></body>'
    )
    assert text(html) == "seen\n\nalso seen"


def test_what_is_around_the_content_is_left_out() -> None:
    html = (
        f"<body><header><nav><a>Home</a></nav></header><div class='side-menu'><a>All articles</a></div>"
        f"<div role='banner'>Buy now</div><main><h1>Subject</h1><p>{LONG}</p><aside>More like this</aside></main>"
        "<footer>Imprint</footer></body>"
    )
    assert text(html) == LONG.strip()


def test_a_part_named_like_a_menu_is_read_when_it_is_prose() -> None:
    assert text(f"<div class='menu'><p>{LONG}</p></div>") == LONG.strip()


def test_lists_and_tables_and_code_keep_their_form() -> None:
    html = (
        "<p>Before</p><ul><li>one</li><li>two <b>bold</b></li></ul>"
        "<table><tr><th>Plan</th><th>Cost</th></tr><tr><td>Plus</td><td>1<br>2</td></tr></table><pre>a\nb</pre>"
    )
    assert text(html).split("\n\n") == [
        "Before",
        "- one",
        "- two bold",
        "| Plan | Cost |\n| --- | --- |\n| Plus | 1 2 |",
        "a\nb",
    ]


def test_a_table_for_the_looks_of_the_page_is_read_as_text() -> None:
    html = "<table><tr><td><table><tr><td>in</td><td>ner</td></tr></table></td><td><p>words</p></td></tr></table>"
    assert "words" in text(html)
    assert "| in | ner |" in text(html)


def test_words_are_as_far_apart_as_they_are_shown() -> None:
    assert text("<p>one\n  two<b>three</b> four<br>five</p><div>six</div>seven") == "one two" + (
        "three four\nfive\n\nsix\n\nseven"
    )


def test_alternative_text_of_a_picture_is_read_and_the_picture_is_not_fetched() -> None:
    html = '<p>See <img src="http://127.0.0.1:1/a.png" alt="a lighthouse at dusk"> here</p>'
    assert text(html) == "See a lighthouse at dusk here"


@pytest.mark.parametrize(
    ("encoding", "head"),
    [
        ("utf-8", ""),
        ("utf-8-sig", ""),
        ("utf-16", ""),
        ("cp1252", '<meta charset="windows-1252">'),
        ("koi8-r", '<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">'),
        ("utf-8", '<meta charset="no-such-charset">'),
    ],
)
def test_pages_are_read_in_the_encoding_they_are_in(encoding: str, head: str) -> None:
    words = "Добрый день, Welt" if encoding != "cp1252" else "Füße über Straße"
    assert text(f"{head}<p>{words}</p>".encode(encoding)) == words


def test_a_page_without_words_is_found_by_its_name() -> None:
    (found,) = texts("<html><script>x</script></html>")
    assert found.text == "page"
    assert found.warnings


def test_depth_is_no_danger() -> None:
    assert texts("<div>" * 20_000 + "deep" + "</div>" * 20_000)
    assert texts("<table><tr><td>" * 5_000 + "deep")


def test_more_elements_than_memory_should_hold_are_refused() -> None:
    with pytest.raises(AssetLimitError, match="marks"):
        texts(b"<html>" + b"<b>" * (MAX_MARKS + 1))


def test_pages_of_the_test_data_give_what_others_find_in_them(test_data: Path) -> None:
    page = text((test_data / "docs/html/test_wikipedia.html").read_bytes())
    assert "Microsoft entered the operating system (OS) business in 1980 with its own version of" in page
    assert "move to sidebar" not in page
    assert "You are encouraged to create an account and log in" not in page


@given(st.text(max_size=200), st.lists(st.sampled_from(["<p>", "</p>", "<table>", "<td>", "<h1>", "</li>", "<!--"])))
def test_any_text_gives_content(words: str, tags: list[str]) -> None:
    with contextlib.suppress(AssetError):
        assert texts(("x" + "".join(tags) + words).encode("utf-8", "replace"))
