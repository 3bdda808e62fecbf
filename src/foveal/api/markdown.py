"""Markdown of answers → HTML that is safe to show: rendered without raw HTML, then cleaned by an allow-list.

`[docN]` becomes a button that a page can wire up. Links keep http, https and mailto; pictures are dropped, since their
address would tell somebody elsewhere what is read here.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline

TAGS = frozenset(
    (
        *("p", "br", "hr", "strong", "em", "s", "del", "code", "pre", "blockquote", "ul", "ol", "li", "a", "button"),
        *("h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"),
    )
)
ATTRIBUTES = {
    "a": {"href", "title"},
    "button": {"type", "class", "data-doc"},
    "code": {"class"},
    "ol": {"start"},
    "th": {"align"},
    "td": {"align"},
}
SCHEMES = frozenset(("http", "https", "mailto"))
_OPENING = "[doc"
_MOST_DIGITS = 6


def render(text: str) -> str:
    """The HTML of a whole text."""
    return "".join(html for _, html in render_blocks(text, 0))


def render_blocks(text: str, first: int) -> Iterator[tuple[int, str]]:
    """The HTML of every top-level block (paragraph, list, table…) from the one numbered `first`, in order.

    While a text grows at its end, only its last block changes.
    """
    parser = _parser()
    tokens = parser.parse(text)
    start = number = depth = 0
    for position, token in enumerate(tokens, start=1):
        depth += token.nesting
        if depth:
            continue
        if number >= first:
            yield number, _clean(parser.renderer.render(tokens[start:position], parser.options, {}))
        start, number = position, number + 1


def _clean(html: str) -> str:
    import nh3

    return nh3.clean(
        html,
        tags=set(TAGS),
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
        url_schemes=set(SCHEMES),
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")
    parser.inline.ruler.before("link", "citation", _citation)
    return parser


def _citation(state: StateInline, silent: bool) -> bool:
    if not state.src.startswith(_OPENING, state.pos):
        return False
    start = state.pos + len(_OPENING)
    end = state.src.find("]", start, start + _MOST_DIGITS + 1)
    digits = state.src[start:end] if end > 0 else ""
    if not (digits.isascii() and digits.isdigit()):
        return False
    if not silent:
        opening = state.push("citation_open", "button", 1)
        opening.attrs = {"type": "button", "class": "cite", "data-doc": digits}
        state.push("text", "", 0).content = digits
        state.push("citation_close", "button", -1)
    state.pos = end + 1
    return True
