"""Reader of HTML: the main content of a page, without what is around it. Nothing is run and nothing is fetched.

Elements: HTML Living Standard, sections 4.3 (sections), 4.4 (grouping), 4.9 (tables) and 6.1 (`hidden`); roles:
WAI-ARIA 1.2, section 5.3.4 (landmarks).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from lxml import etree

from foveal.errors import AssetLimitError, UnreadableAssetError
from foveal.readers.blocks import Block, stretches, table_rows
from foveal.readers.document_bytes import nothing_but_a_name
from foveal.readers.encodings import decode_text
from foveal.readers.limits import MAX_MARKS, MIB, Limits
from foveal.readers.pictures import alternative_text
from foveal.readers.sniffing import HTML
from foveal.types.assets import Asset
from foveal.types.content import TextContent

Element = etree._Element

_LEFT_OUT = frozenset(
    {
        "script",
        "style",
        "template",
        "noscript",
        "iframe",
        "frame",
        "object",
        "embed",
        "svg",
        "math",
        "canvas",
        "audio",
        "video",
        "map",
        "head",
        "nav",
        "aside",
        "footer",
        "form",
        "button",
        "input",
        "select",
        "textarea",
        "dialog",
        "menu",
    }
)
_AROUND = frozenset({"navigation", "banner", "contentinfo", "complementary", "search", "menu", "menubar", "toolbar"})
_AROUND_NAMES = re.compile(
    r"(?:^|[-_ ])(?:nav|navbar|navbox|navigation|menu|menubar|sidebar|breadcrumbs?|footer|cookies?|share|sharing|"
    r"social|toc|pagination|pager|skip-?link|jump-?link|noprint|advert|ads|promo|newsletter|related|catlinks|"
    r"categories)(?:$|[-_ ])",
    re.IGNORECASE,
)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_HEADING = re.compile(r"h([1-6])$")
_INLINE = frozenset(
    {
        "a",
        "abbr",
        "acronym",
        "b",
        "bdi",
        "bdo",
        "big",
        "cite",
        "code",
        "data",
        "del",
        "dfn",
        "em",
        "font",
        "i",
        "ins",
        "kbd",
        "label",
        "mark",
        "q",
        "rp",
        "rt",
        "ruby",
        "s",
        "samp",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "sup",
        "time",
        "tt",
        "u",
        "var",
        "wbr",
        "img",
        "br",
    }
)
_CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_CHARSET_BYTES = 1024
_CELL_MAX_CHARS = 400
_LEAST_CHARS = 200
"""A `main` or `article` with less text than this is not what the page is about."""


class HtmlReader:
    """Reads web pages; see `foveal.ports.Reader`.

    The title is the page's `title`, else its first heading, else the file's name without its ending. Of pictures
    their alternative text is read; the pictures themselves are files of the source.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    @property
    def media_types(self) -> frozenset[str]:
        """`text/html`."""
        return frozenset({HTML})

    def read(self, asset: Asset, file: BinaryIO) -> Iterator[TextContent]:
        """Yield the text under every heading, in order.

        Raises:
            UnreadableAssetError: It is empty, or no text.
            AssetLimitError: It is over the limit on bytes.
        """
        root = _root(self._text(asset, file))
        blocks = list(_blocks(_main(root))) if root is not None else []
        heading = next((block.text for block in blocks if block.level), "")
        title = _title(root) or " ".join(heading.split()) or PurePosixPath(asset.path).stem
        found = stretches(blocks, title)
        yield next(found, None) or nothing_but_a_name(title)
        yield from found

    def _text(self, asset: Asset, file: BinaryIO) -> str:
        most = self._limits.max_text_bytes
        data = b"" if asset.size_bytes > most else file.read(most + 1)
        if asset.size_bytes > most or len(data) > most:
            raise AssetLimitError(
                f"The file has {asset.size_bytes / MIB:.1f} MiB; the limit for text is {most / MIB:g} MiB.",
                remedy="Cut it into several files, or raise limits.text_bytes.",
            )
        if not data.strip():
            raise UnreadableAssetError("The file is empty.")
        try:
            return _decoded(data)
        except ValueError:
            raise UnreadableAssetError("The bytes are in no text encoding that Foveal knows.") from None


def html_blocks(data: bytes) -> list[Block]:
    """Headings, paragraphs, items of lists and tables of a page's main content, in order.

    Raises:
        UnreadableAssetError: It is no text.
        AssetLimitError: It has too many marks.
    """
    try:
        root = _root(_decoded(data))
    except ValueError:
        raise UnreadableAssetError("The bytes are in no text encoding that Foveal knows.") from None
    return list(_blocks(_main(root))) if root is not None else []


def _decoded(data: bytes) -> str:
    """Text in the encoding the page says it is in, if its bytes fit; else in the one they look like."""
    said = _CHARSET.search(data[:_CHARSET_BYTES])
    if said and not data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            text = data.decode(said[1].decode("ascii"))
        except (LookupError, UnicodeError):
            text = "\0"
        if "\0" not in text:
            return text
    return decode_text(data)[0]


def _root(text: str) -> Element | None:
    if text.count("<") > MAX_MARKS:
        raise AssetLimitError(f"The page has over {MAX_MARKS} marks.", remedy="Cut it into several files.")
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    try:
        return etree.fromstring(text.encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError):
        raise UnreadableAssetError("The file is no proper HTML.") from None


def _title(root: Element | None) -> str:
    found = root.find(".//title") if root is not None else None
    return " ".join(_letters(found).split()) if found is not None else ""


def _main(root: Element) -> Element:
    """What the page is about: its `main`, else its only `article`, else all of it."""
    mains = [e for e in root.iter() if e.tag == "main" or e.get("role") == "main"]
    articles = list(root.iter("article"))
    for found in (mains, articles):
        if len(found) == 1 and len(_letters(found[0]).strip()) >= _LEAST_CHARS:
            return found[0]
    body = root.find("body")
    return root if body is None else body


def _blocks(main: Element) -> Iterator[Block]:
    """Headings, paragraphs, list items and tables in order; the walk has no depth of its own."""
    words: list[str] = []
    walk = etree.iterwalk(main, events=("start", "end"))
    for event, element in walk:
        tag = element.tag if isinstance(element.tag, str) else ""
        if event == "end":
            if tag not in _INLINE and tag not in _LEFT_OUT:
                yield from _flushed(words, tag)
            if element is not main:
                words.append(element.tail or "")
            continue
        if element is not main and _is_left_out(element, tag):
            walk.skip_subtree()
        elif tag == "table" and (rows := _rows(element)):
            yield from _flushed(words, "")
            yield Block(text=table_rows(rows))
            walk.skip_subtree()
        elif tag == "pre":
            yield from _flushed(words, "")
            yield Block(text=_letters(element))
            walk.skip_subtree()
        elif tag == "img":
            words.append(f" {alternative_text(element.get('alt') or '')} ")
        elif tag == "br":
            words.append("\n")
        else:
            if tag not in _INLINE:
                yield from _flushed(words, "")
            words.append(element.text or "")
    yield from _flushed(words, "")


def _flushed(words: list[str], tag: str) -> Iterator[Block]:
    """What was gathered since the last block; the element that ends says what it was."""
    text = "\n".join(" ".join(line.split()) for line in "".join(_spaced(words)).split("\f")).strip()
    words.clear()
    if not text:
        return
    heading = _HEADING.match(tag)
    yield Block(text=f"- {text}" if tag == "li" else text, level=int(heading[1]) if heading else 0)


def _spaced(words: list[str]) -> Iterator[str]:
    r"""Line ends of the source are blanks; those of `br`, which come as "\n" alone, are line ends."""
    for word in words:
        yield "\f" if word == "\n" else word.replace("\n", " ")


def _is_left_out(element: Element, tag: str) -> bool:
    if not tag or tag in _LEFT_OUT:
        return True
    if element.get("hidden") is not None or element.get("aria-hidden") == "true":
        return True
    if _HIDDEN.search(element.get("style") or "") or (element.get("role") or "").lower() in _AROUND:
        return True
    if tag in _INLINE or _HEADING.match(tag):
        return False
    names = f"{element.get('class') or ''} {element.get('id') or ''}"
    return bool(_AROUND_NAMES.search(names)) and _is_mostly_links(element)


def _letters(element: Element) -> str:
    return "".join(str(text) for text in element.itertext())


def _is_mostly_links(element: Element) -> bool:
    """Whether more than half of its letters are those of links and buttons: a list of places to go."""
    letters = sum(map(len, _letters(element).split()))
    linked = sum(len(w) for e in element.iter("a", "button", "label") for w in _letters(e).split())
    return 2 * linked >= letters


def _rows(table: Element) -> list[list[str]]:
    """Rows of a table of data; nothing for a table that is there for the looks of the page."""
    if any(e is not table for e in table.iter("table")):
        return []
    rows = [
        [_words(cell) for cell in row if cell.tag in {"td", "th"}]
        for row in table.iter("tr")
        if not _is_left_out(row, "tr")
    ]
    longest = max((len(cell) for row in rows for cell in row), default=0)
    columns = max((len(row) for row in rows), default=0)
    return rows if columns > 1 and longest <= _CELL_MAX_CHARS else []


def _words(cell: Element) -> str:
    shown = etree.iterwalk(cell, events=("start", "end"))
    words: list[str] = []
    for event, element in shown:
        if event == "end":
            words.append("" if element is cell else (element.tail or ""))
        elif element is not cell and _is_left_out(element, element.tag if isinstance(element.tag, str) else ""):
            shown.skip_subtree()
        else:
            words.append((" " if element.tag not in _INLINE or element.tag == "br" else "") + (element.text or ""))
    return " ".join("".join(words).split())
