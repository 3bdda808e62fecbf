"""Reader of Word documents (ECMA-376 part 1, section 17, "WordprocessingML").

The XML is read as it is: what matters is the order of paragraphs and tables, styles that are headings, notes, and
where Word last broke the pages (`lastRenderedPageBreak`, 17.3.3.13), which is how its pages have numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from foveal.readers.blocks import Block, stretches, table_rows, title_of
from foveal.readers.document_bytes import document_bytes, nothing_but_a_name
from foveal.readers.limits import Limits
from foveal.readers.packages import Element, Package, Relationship, attribute, local
from foveal.readers.pictures import PictureFiles
from foveal.readers.sniffing import DOCX
from foveal.types.assets import Asset
from foveal.types.content import Content, ImageContent
from foveal.types.locators import Locator

if TYPE_CHECKING:
    from foveal.readers.image import ImageReader

_HEADING = re.compile(r"heading\s*([1-9])$", re.IGNORECASE)
_SKIPPED = frozenset({"del", "moveFrom", "Fallback", "instrText", "delText", "txbxContent", "rPr", "pPr", "sectPr"})
_HEADING_MAX_CHARS = 200
_DEEPEST_TABLE = 4


class DocxReader:
    """Reads the words and pictures of Word documents, macros never; see `foveal.ports.Reader`.

    Args:
        limits: Limits on bytes and pictures.
        images: Decodes the pictures.
    """

    def __init__(self, limits: Limits, images: ImageReader) -> None:
        self._limits = limits
        self._pictures = PictureFiles(images, limits)

    @property
    def media_types(self) -> frozenset[str]:
        """`.docx` and `.docm`."""
        return frozenset({DOCX})

    def read(self, asset: Asset, file: BinaryIO) -> Iterator[Content]:
        """Yield the text under every heading and on every page, in order, then the pictures.

        Raises:
            UnreadableAssetError: It is broken or encrypted.
            AssetLimitError: It is over a limit.
        """
        package = Package(document_bytes(asset, file, self._limits), self._limits)
        document = _Document(package)
        begins_with, blocks = title_of(document.blocks)
        title = package.title() or begins_with or PurePosixPath(asset.path).stem
        found: Iterator[Content] = chain(stretches(blocks, title), self._images(package, document.pictures, title))
        yield next(found, None) or nothing_but_a_name(title)
        yield from found

    def _images(self, package: Package, pictures: Sequence[_Picture], title: str) -> Iterator[ImageContent]:
        seen: set[str] = set()
        for picture in pictures:
            if picture.part in seen or picture.part not in package or len(seen) >= self._limits.max_pictures:
                continue
            seen.add(picture.part)
            yield from self._pictures.read(
                package.read(picture.part), locator=Locator(page=picture.page), title=title, words=picture.words
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Picture:
    """A picture in the text.

    Attributes:
        part: Name of its part.
        words: Its alternative text.
    """

    part: str
    words: str
    page: int | None


class _Document:
    """The blocks and pictures of a document, found in one walk."""

    def __init__(self, package: Package) -> None:
        main = package.main()
        self._links = package.relationships(main)
        self._levels = heading_levels(package, main)
        root = package.xml(main)
        self._page: int | None = None
        if any(local(e) == "lastRenderedPageBreak" for e in root.iter()):
            self._page = 1
        self._boxes: list[Element] = []
        self.pictures: list[_Picture] = []
        self.blocks: list[Block] = []
        for body in root:
            if local(body) == "body":
                self._walk(body)
        for kind in ("footnotes", "endnotes", "comments"):
            for part in package.linked(main, kind):
                self._notes(package.xml(part))

    def _walk(self, parent: Element) -> None:
        for child in parent:
            name = local(child)
            if name == "p":
                self._paragraph(child)
            elif name == "tbl":
                self._add(table_rows(list(self._rows(child))))
                self._emptied()
            elif name in {"sdt", "sdtContent", "customXml", "ins", "moveTo", "smartTag"}:
                self._walk(child)

    def _paragraph(self, paragraph: Element) -> None:
        page = self._page
        text = self._text(paragraph)
        level = self._level(paragraph) if len(text) <= _HEADING_MAX_CHARS else 0
        if text.strip() and not level and _is_listed(paragraph):
            text = f"- {text.strip()}"
        begins = self._page if text.startswith("\f") else page  # it stands after the break
        self.blocks.append(Block(text=text.replace("\f", " "), level=level, page=begins))
        self._emptied()

    def _emptied(self) -> None:
        """Text boxes stand after the paragraph they are anchored in."""
        boxes, self._boxes = self._boxes, []
        for box in boxes:
            self._walk(box)

    def _add(self, text: str) -> None:
        self.blocks.append(Block(text=text, page=self._page))

    def _rows(self, table: Element, depth: int = 0) -> Iterator[list[str]]:
        for row in table:
            if local(row) == "tr":
                yield [self._cell(cell, depth) for cell in row.iter() if local(cell) == "tc" and _row_of(cell) is row]

    def _cell(self, cell: Element, depth: int) -> str:
        parts: list[str] = []
        for child in cell.iter():
            if local(child) == "p" and _cell_of(child) is cell:
                parts.append(self._text(child).replace("\f", " "))
            elif local(child) == "tbl" and _cell_of(child) is cell and depth < _DEEPEST_TABLE:
                parts.extend("; ".join(filter(None, row)) for row in self._rows(child, depth + 1))
        return " ".join(filter(None, parts))

    def _text(self, element: Element) -> str:
        """Text of a paragraph, with a form feed where Word broke the page."""
        found: list[str] = []
        for child in element:
            name = local(child)
            if name == "t":
                found.append(child.text or "")
            elif name in {"tab", "ptab"}:
                found.append(" ")
            elif name in {"br", "cr"}:
                found.append("\n")
            elif name == "noBreakHyphen":
                found.append("-")
            elif name == "lastRenderedPageBreak":
                self._page = (self._page or 0) + 1
                found.append("\f")
            elif name in {"drawing", "pict", "object"}:
                self._drawing(child)
            elif name not in _SKIPPED:
                found.append(self._text(child))
        return "".join(found)

    def _drawing(self, drawing: Element) -> None:
        pictures, boxes = drawn(drawing, self._links)
        self.pictures.extend(_Picture(part=part, words=words, page=self._page) for part, words in pictures)
        self._boxes.extend(boxes)

    def _level(self, paragraph: Element) -> int:
        for properties in paragraph:
            if local(properties) != "pPr":
                continue
            for setting in properties:
                if local(setting) == "outlineLvl" and attribute(setting, "val").isdigit():
                    level = int(attribute(setting, "val"))
                    return level + 2 if level < 9 else 0  # 17.3.1.20: 9 is body text
                if local(setting) == "pStyle":
                    return self._levels.get(attribute(setting, "val"), 0)
        return 0

    def _notes(self, root: Element) -> None:
        """Foot notes, end notes and comments stand after the text; separators among them have no words."""
        for note in root:
            text = " ".join(self._text(p) for p in note.iter() if local(p) == "p").replace("\f", " ")
            if text.strip():
                self.blocks.append(Block(text=text, page=self._page))


def drawn(drawing: Element, links: Mapping[str, Relationship]) -> tuple[list[tuple[str, str]], list[Element]]:
    """Parts of a drawing's pictures with their alternative texts, less those in its text boxes; and these boxes."""
    pictures: list[tuple[str, str]] = []
    boxes: list[Element] = []
    words = ""
    for element in _shown(drawing):
        name = local(element)
        if name == "docPr":
            words = attribute(element, "descr") or attribute(element, "title")
        elif name in {"blip", "imagedata"}:
            link = links.get(attribute(element, "embed") or attribute(element, "id"))
            if link and link.target:
                pictures.append((link.target, words))
        elif name == "txbxContent":
            boxes.append(element)
    return pictures, boxes


def _shown(drawing: Element) -> Iterator[Element]:
    """Elements outside of text boxes and of `Fallback`, which holds the same again for older programs."""
    for child in drawing:
        name = local(child)
        if name != "Fallback":
            yield child
            if name != "txbxContent":
                yield from _shown(child)


def heading_levels(package: Package, main: str) -> dict[str, int]:
    """Levels of styles, by id: 1 is the title, 2 the first heading. A style is what it is based on (17.7.4.3)."""
    part = next(package.linked(main, "styles"), None)
    if part is None:
        return {}
    levels: dict[str, int] = {}
    based: dict[str, str] = {}
    for style in package.xml(part):
        if local(style) != "style":
            continue
        name = attribute(style, "styleId")
        for setting in style:
            value = attribute(setting, "val")
            if local(setting) == "name":
                heading = _HEADING.match(value)
                level = 1 if value.casefold() == "title" else int(heading[1]) + 1 if heading else 0
                if level:
                    levels[name] = level
            elif local(setting) == "basedOn":
                based[name] = value
    for name in based:
        above, seen = name, {name}
        while above not in levels and (above := based.get(above, "")) and above not in seen:
            seen.add(above)
        if above in levels:
            levels[name] = levels[above]
    return levels


def _is_listed(paragraph: Element) -> bool:
    return any(
        local(setting) == "numPr" or (local(setting) == "pStyle" and attribute(setting, "val").startswith("List"))
        for properties in paragraph
        if local(properties) == "pPr"
        for setting in properties
    )


def _row_of(cell: Element) -> Element | None:
    return next((e for e in cell.iterancestors() if local(e) == "tr"), None)


def _cell_of(element: Element) -> Element | None:
    """The cell it stands in; a text box in a cell is none, and is read by itself."""
    return next((e for e in element.iterancestors() if local(e) in {"tc", "txbxContent"}), None)
