"""Reader of PowerPoint presentations (ECMA-376 part 1, section 19, "PresentationML")."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from foveal.errors import UnreadableAssetError
from foveal.readers.blocks import Block, stretches, table_rows, title_of
from foveal.readers.document_bytes import document_bytes, nothing_but_a_name
from foveal.readers.limits import Limits
from foveal.readers.packages import Element, Package, Relationship, attribute, local
from foveal.readers.pictures import PictureFiles, alternative_text
from foveal.readers.sniffing import PPTX
from foveal.types.assets import Asset
from foveal.types.content import Content, ImageContent
from foveal.types.locators import Box, Locator

if TYPE_CHECKING:
    from foveal.readers.image import ImageReader

_TITLES = frozenset({"title", "ctrTitle"})
_RUNNING = frozenset({"dt", "ftr", "sldNum", "hdr"})
"""Placeholders of date, foot, number and head, the same on every slide (19.7.10)."""
_DEEPEST_GROUP = 20


class PptxReader:
    """Reads the words and pictures of presentations, slide by slide, with notes; see `foveal.ports.Reader`.

    Args:
        limits: Limits on bytes, slides and pictures.
        images: Decodes the pictures.
    """

    def __init__(self, limits: Limits, images: ImageReader) -> None:
        self._limits = limits
        self._pictures = PictureFiles(images, limits)

    @property
    def media_types(self) -> frozenset[str]:
        """`.pptx`, `.pptm` and `.ppsx`."""
        return frozenset({PPTX})

    def read(self, asset: Asset, file: BinaryIO) -> Iterator[Content]:
        """Yield the text of every slide, in order, then the pictures.

        Raises:
            UnreadableAssetError: It is broken or encrypted.
            AssetLimitError: It is over a limit.
        """
        package = Package(document_bytes(asset, file, self._limits), self._limits)
        slides = list(_slides(package, self._limits.max_document_pages))
        blocks = [block for slide in slides for block in slide.blocks]
        begins_with, _ = title_of(blocks)
        title = _given(package.title()) or begins_with or PurePosixPath(asset.path).stem
        found: Iterator[Content] = chain(stretches(blocks, title), self._images(package, slides, title))
        yield next(found, None) or nothing_but_a_name(title)
        yield from found

    def _images(self, package: Package, slides: Sequence[_Slide], title: str) -> Iterator[ImageContent]:
        seen: set[str] = set()
        for slide in slides:
            for picture in slide.pictures:
                if picture.part in seen or picture.part not in package or len(seen) >= self._limits.max_pictures:
                    continue
                seen.add(picture.part)
                place = Locator(page=slide.number, box=picture.box)
                yield from self._pictures.read(
                    package.read(picture.part), locator=place, title=title, words=picture.words
                )


def _given(title: str) -> str:
    return "" if title.casefold() in {"powerpoint presentation", "powerpoint-präsentation"} else title


@dataclass(frozen=True, slots=True, kw_only=True)
class _Picture:
    part: str
    words: str
    box: Box | None


def chart_words(package: Package, number: int) -> dict[int, str]:
    """Titles, series and values of the charts on a slide, by the id of the frame they are in.

    Raises:
        AssetError: The presentation is broken or over a limit.
    """
    part = next(islice(_slide_parts(package), number - 1, None), None)
    found: dict[int, str] = {}
    if part is None:
        return found
    links = package.relationships(part)
    for frame in (e for e in package.xml(part).iter() if local(e) == "graphicFrame"):
        identity = next((_number(e, "id") for e in frame.iter() if local(e) == "cNvPr"), 0)
        link = next((links.get(attribute(e, "id")) for e in frame.iter() if local(e) == "chart"), None)
        if link and link.target in package:
            with suppress(UnreadableAssetError):  # the rest of the slide is worth seeing without its words
                found[identity] = chart_text(package.xml(link.target))
    return found


def _slides(package: Package, most: int) -> Iterator[_Slide]:
    """The slides in the order in which they are shown."""
    root = package.xml(package.main())
    size = next(((_number(e, "cx"), _number(e, "cy")) for e in root if local(e) == "sldSz"), (0, 0))
    for number, part in enumerate(islice(_slide_parts(package), most), start=1):
        yield _Slide(package, part, number, size)


def _slide_parts(package: Package) -> Iterator[str]:
    main = package.main()
    links = package.relationships(main)
    for entry in (e for group in package.xml(main) if local(group) == "sldIdLst" for e in group):
        link = links.get(attribute(entry, "id")) if len(entry.attrib) < 2 else _link_of(entry, links)
        if link and link.target in package:
            yield link.target


def _link_of(entry: Element, links: dict[str, Relationship]) -> Relationship | None:
    """Of `id` and `r:id` the one that is a relationship's."""
    return next((links[str(value)] for value in entry.attrib.values() if str(value) in links), None)


def _number(element: Element, name: str) -> int:
    value = attribute(element, name)
    return int(value) if value.lstrip("-").isdigit() and len(value) < 16 else 0


class _Slide:
    """The blocks and pictures of one slide."""

    def __init__(self, package: Package, part: str, number: int, size: tuple[int, int]) -> None:
        self.number = number
        self._package = package
        self._size = size
        self._links = package.relationships(part)
        self.pictures: list[_Picture] = []
        self.blocks: list[Block] = []
        self._titles: list[Block] = []
        for data in package.xml(part):
            if local(data) == "cSld":
                for tree in data:
                    if local(tree) == "spTree":
                        self._shapes(tree, 0, nested=False)
        self.blocks[:0] = self._titles or [Block(text="", level=1, page=number)]
        for notes in package.linked(part, "notesSlide"):
            self._notes(package.xml(notes))

    def _shapes(self, tree: Element, depth: int, *, nested: bool) -> None:
        for shape in tree:
            name = local(shape)
            if name == "sp":
                self._shape(shape)
            elif name == "pic":
                self._picture(shape, nested=nested)
            elif name == "graphicFrame":
                self._frame(shape)
            elif name == "grpSp" and depth < _DEEPEST_GROUP:
                self._shapes(shape, depth + 1, nested=True)
            elif name == "AlternateContent":  # the first choice, as programs of today take it
                for choice in shape:
                    if local(choice) == "Choice":
                        self._shapes(choice, depth + 1, nested=nested)
                        break

    def _shape(self, shape: Element) -> None:
        kind = next((attribute(e, "type") for e in shape.iter() if local(e) == "ph"), "")
        if kind in _RUNNING:
            return
        text = "\n".join(_paragraphs(shape))
        if text and kind in _TITLES:
            self._titles.append(Block(text=text, level=1, page=self.number))
        elif text:
            self.blocks.append(Block(text=text, page=self.number))

    def _picture(self, shape: Element, *, nested: bool) -> None:
        words = next((attribute(e, "descr") for e in shape.iter() if local(e) == "cNvPr"), "")
        link = next((self._links.get(attribute(e, "embed")) for e in shape.iter() if local(e) == "blip"), None)
        if alternative_text(words):
            self.blocks.append(Block(text=words, page=self.number))
        if link and link.target:
            box = None if nested else self._box(shape)  # a group has coordinates of its own
            self.pictures.append(_Picture(part=link.target, words=words, box=box))

    def _box(self, shape: Element) -> Box | None:
        offset = next((e for e in shape.iter() if local(e) == "off"), None)
        extent = next((e for e in shape.iter() if local(e) == "ext" and attribute(e, "cx")), None)
        width, height = self._size
        if offset is None or extent is None or width <= 0 or height <= 0:
            return None
        x, y = (min(max(v, 0.0), 1.0) for v in (_number(offset, "x") / width, _number(offset, "y") / height))
        return Box(
            x=x,
            y=y,
            width=min(max(_number(extent, "cx") / width, 0.0), 1 - x),
            height=min(max(_number(extent, "cy") / height, 0.0), 1 - y),
        )

    def _frame(self, frame: Element) -> None:
        """A table, or the words and figures of a chart or a diagram."""
        for element in frame.iter():
            name = local(element)
            if name == "tbl":
                rows = [
                    [" ".join(_paragraphs(cell)) for cell in row if local(cell) == "tc"]
                    for row in element
                    if local(row) == "tr"
                ]
                self.blocks.append(Block(text=table_rows(rows), page=self.number))
            elif name in {"chart", "relIds"}:
                link = self._links.get(attribute(element, "id") or attribute(element, "dm"))
                if link and link.target in self._package:
                    root = self._package.xml(link.target)
                    text = chart_text(root) if name == "chart" else "\n".join(_paragraphs(root))
                    self.blocks.append(Block(text=text, page=self.number))

    def _notes(self, root: Element) -> None:
        for shape in root.iter():
            if local(shape) == "sp" and any(local(e) == "ph" and attribute(e, "type") == "body" for e in shape.iter()):
                text = "\n".join(_paragraphs(shape))
                if text:
                    self.blocks.append(Block(text=text, page=self.number))


def _paragraphs(parent: Element) -> Iterator[str]:
    """Paragraphs of DrawingML text (ECMA-376 part 1, 21.1.2), those with words; lists are marked by their depth."""
    for paragraph in parent.iter():
        if local(paragraph) != "p":
            continue
        text = "".join(e.text or "" if local(e) == "t" else "\n" if local(e) == "br" else "" for e in paragraph.iter())
        depth = next((_number(e, "lvl") for e in paragraph if local(e) == "pPr"), 0)
        if text.strip():
            yield f"{'- ' if depth else ''}{text.strip()}"


def chart_text(root: Element) -> str:
    """Title, series and values of a chart as a table (21.2), from what the file keeps of its data."""
    titles = [" ".join(_paragraphs(e)) for e in root.iter() if local(e) == "title"]
    rows: list[list[str]] = []
    for series in (e for e in root.iter() if local(e) == "ser"):
        parts = {local(e): [v.text or "" for v in e.iter() if local(v) == "v"] for e in series}
        name, labels = " ".join(parts.get("tx", [])), parts.get("cat") or parts.get("xVal") or []
        if not rows and labels:
            rows.append(["", *labels])
        rows.append([name, *(parts.get("val") or parts.get("yVal") or [])])
    return "\n".join(filter(None, [*titles, table_rows(rows)]))
