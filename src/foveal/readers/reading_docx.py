"""Word documents as they are read: headings, lists with their numbers, tables, pictures, bold and italic words.

What is marked as deleted, notes for programs and the layout of pages are left out. Numbering: ECMA-376 part 1, 17.9.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from foveal.readers.docx import drawn, heading_levels
from foveal.readers.packages import Element, Package, attribute, local
from foveal.readers.pictures import alternative_text
from foveal.types.reading import BlockKind, ReadingBlock, Row, Run, Runs

MOST_BLOCKS = 50_000
_SKIPPED = frozenset({"del", "moveFrom", "Fallback", "instrText", "delText", "txbxContent", "pPr", "sectPr", "rPr"})
_INSIDE = frozenset({"sdt", "sdtContent", "customXml", "ins", "moveTo", "smartTag"})
_BULLET = "•"
_DEEPEST_TABLE = 3
_HEADING_MAX_CHARS = 200
_OFF = frozenset({"0", "false", "none", "off"})


class DocxReading:
    """A document, in one walk.

    Attributes:
        blocks: In order.
        pictures: Names of the parts of its pictures, by their number in `blocks`.

    Raises:
        AssetError: It is broken or over a limit.
    """

    def __init__(self, package: Package) -> None:
        self.blocks: list[ReadingBlock] = []
        self.pictures: list[str] = []
        main = package.main()
        self._package = package
        self._links = package.relationships(main)
        self._levels = heading_levels(package, main)
        self._numbering = _Numbering(package, main)
        root = package.xml(main)
        self._page = 1 if any(local(e) == "lastRenderedPageBreak" for e in root.iter()) else None
        for body in root:
            if local(body) == "body":
                self._walk(body)
        for kind in ("footnotes", "endnotes"):
            for part in self._package.linked(main, kind):
                self._notes(self._package.xml(part))

    def _walk(self, parent: Element) -> None:
        for child in parent:
            if len(self.blocks) >= MOST_BLOCKS:
                return
            name = local(child)
            if name == "p":
                self._paragraph(child)
            elif name == "tbl":
                drawn_inside = _Found()
                rows = tuple(self._rows(child, 0, drawn_inside))
                if rows:
                    self.blocks.append(ReadingBlock(kind=BlockKind.TABLE, rows=rows, page=self._page))
                self._add_drawn(drawn_inside)
            elif name in _INSIDE:
                self._walk(child)

    def _paragraph(self, paragraph: Element) -> None:
        begins, found = self._page, _Found()
        self._runs(paragraph, found, Run(text=""))
        runs = _joined(found.runs)
        text = "".join(run.text for run in runs)
        if text.strip():
            if text.startswith("\f"):
                begins = self._page
            clean = tuple(replace(run, text=run.text.replace("\f", "")) for run in runs)
            self.blocks.append(replace(self._shaped(paragraph, len(text)), runs=clean, page=begins))
        self._add_drawn(found)

    def _add_drawn(self, found: _Found) -> None:
        """Pictures and text boxes stand after what they are anchored in."""
        for part, words in found.pictures:
            number = len(self.pictures)
            self.pictures.append(part)
            shown = (Run(text=alternative_text(words)),) if alternative_text(words) else ()
            self.blocks.append(ReadingBlock(kind=BlockKind.PICTURE, picture=number, runs=shown, page=self._page))
        for box in found.boxes:
            self._walk(box)

    def _shaped(self, paragraph: Element, chars: int) -> ReadingBlock:
        """What a paragraph is, without its words."""
        properties = next((e for e in paragraph if local(e) == "pPr"), None)
        style = _value(properties, "pStyle")
        outline = _value(properties, "outlineLvl")
        level = int(outline) + 2 if outline.isdigit() and int(outline) < 9 else self._levels.get(style, 0)
        if level and chars <= _HEADING_MAX_CHARS:
            return ReadingBlock(kind=BlockKind.HEADING, level=min(level, 6))
        marker = self._numbering.marker(properties, style)
        if marker:
            return ReadingBlock(kind=BlockKind.ITEM, marker=marker[0], level=marker[1])
        quote = "quote" in style.casefold()
        return ReadingBlock(kind=BlockKind.QUOTE if quote else BlockKind.PARAGRAPH)

    def _runs(self, element: Element, found: _Found, style: Run) -> None:
        for child in element:
            name = local(child)
            if name == "r":
                self._runs(child, found, _styled(child, style))
            elif name == "t":
                found.runs.append(replace(style, text=child.text or ""))
            elif name in {"tab", "ptab"}:
                found.runs.append(replace(style, text="\t"))
            elif name in {"br", "cr"}:
                found.runs.append(replace(style, text="\n"))
            elif name == "noBreakHyphen":
                found.runs.append(replace(style, text="-"))
            elif name == "lastRenderedPageBreak":
                self._page = (self._page or 0) + 1
                found.runs.append(replace(style, text="\f"))
            elif name in {"drawing", "pict", "object"}:
                self._drawing(child, found)
            elif name not in _SKIPPED:
                self._runs(child, found, style)

    def _drawing(self, drawing: Element, found: _Found) -> None:
        pictures, boxes = drawn(drawing, self._links)
        found.pictures.extend((part, words) for part, words in pictures if part in self._package)
        found.boxes.extend(boxes)

    def _rows(self, table: Element, depth: int, inside: _Found) -> Iterator[Row]:
        for row in table.iter():
            if local(row) != "tr" or _above(row, "tbl") is not table:
                continue
            cells = [cell for cell in row.iter() if local(cell) == "tc" and _above(cell, "tr") is row]
            yield Row(cells=tuple(part for cell in cells for part in self._cell(cell, depth, inside)))

    def _cell(self, cell: Element, depth: int, inside: _Found) -> list[Runs]:
        """The words of a cell, and empty cells for the further columns it takes; what is drawn goes to `inside`."""
        parts: list[Run] = []
        for child in cell:
            found = _Found()
            if local(child) == "p":
                self._runs(child, found, Run(text=""))
            elif local(child) == "tbl" and depth < _DEEPEST_TABLE:
                for row in self._rows(child, depth + 1, inside):
                    found.runs.extend(run for one in row.cells for run in (*one, Run(text=" ")))
            inside.pictures.extend(found.pictures)
            inside.boxes.extend(found.boxes)
            if found.runs:
                parts.extend([Run(text="\n")] if parts else [])
                parts.extend(found.runs)
        properties = next((e for e in cell if local(e) == "tcPr"), None)
        span = _value(properties, "gridSpan")
        more = min(int(span) - 1, 50) if span.isdigit() and int(span) > 1 else 0
        clean = tuple(replace(run, text=run.text.replace("\f", "")) for run in _joined(parts))
        return [clean, *[()] * more]

    def _notes(self, root: Element) -> None:
        for note in root:
            found = _Found()
            for paragraph in (e for e in note.iter() if local(e) == "p"):
                self._runs(paragraph, found, Run(text=""))
            if "".join(run.text for run in found.runs).strip():
                self.blocks.append(ReadingBlock(kind=BlockKind.PARAGRAPH, runs=_joined(found.runs), page=self._page))


@dataclass(slots=True)
class _Found:
    runs: list[Run] = field(default_factory=list)
    pictures: list[tuple[str, str]] = field(default_factory=list)
    boxes: list[Element] = field(default_factory=list)


class _Numbering:
    """Numbers and bullets of lists: by list and depth, counted as they come."""

    def __init__(self, package: Package, main: str) -> None:
        self._levels: dict[tuple[str, int], tuple[str, str]] = {}
        self._styles: dict[str, tuple[str, int]] = {}
        self._counts: defaultdict[str, list[int]] = defaultdict(lambda: [0] * 9)
        for part in package.linked(main, "numbering"):
            self._read(package.xml(part))
        for part in package.linked(main, "styles"):
            for style in package.xml(part):
                properties = next((e for e in style if local(e) == "pPr"), None)
                if (listed := _listed(properties)) is not None:
                    self._styles[attribute(style, "styleId")] = listed

    def _read(self, root: Element) -> None:
        shapes: dict[str, dict[int, tuple[str, str]]] = {}
        for abstract in (e for e in root if local(e) == "abstractNum"):
            shapes[attribute(abstract, "abstractNumId")] = {
                _whole(attribute(level, "ilvl")): (_value(level, "numFmt"), _value(level, "lvlText"))
                for level in abstract
                if local(level) == "lvl"
            }
        for number in (e for e in root if local(e) == "num"):
            for depth, shape in shapes.get(_value(number, "abstractNumId"), {}).items():
                self._levels[attribute(number, "numId"), depth] = shape

    def marker(self, properties: Element | None, style: str) -> tuple[str, int] | None:
        """What stands before a paragraph, and how deep; None for one that is in no list."""
        listed = _listed(properties) or self._styles.get(style)
        if listed is None:
            return (_BULLET, 0) if style.startswith("List") else None
        name, depth = listed
        if name == "0":
            return None
        kind, text = self._levels.get((name, depth), ("bullet", ""))
        counts = self._counts[name]
        counts[depth] += 1
        counts[depth + 1 :] = [0] * (8 - depth)
        if kind in {"bullet", "none", ""}:
            return _BULLET, depth
        for place in range(9):
            text = text.replace(f"%{place + 1}", _written(counts[place] or 1, self._kind(name, place)))
        return text or f"{counts[depth]}.", depth

    def _kind(self, name: str, depth: int) -> str:
        return self._levels.get((name, depth), ("decimal", ""))[0]


def _listed(properties: Element | None) -> tuple[str, int] | None:
    for setting in () if properties is None else properties:
        if local(setting) == "numPr" and _value(setting, "numId"):
            return _value(setting, "numId"), _whole(_value(setting, "ilvl"))
    return None


def _whole(text: str) -> int:
    return min(int(text), 8) if text.isdigit() and len(text) < 4 else 0


def _written(number: int, kind: str) -> str:
    if kind in {"lowerLetter", "upperLetter"}:
        letter = chr(ord("a") + (number - 1) % 26)
        return letter if kind == "lowerLetter" else letter.upper()
    if kind in {"lowerRoman", "upperRoman"}:
        roman = _roman(number)
        return roman if kind == "upperRoman" else roman.lower()
    return str(number)


def _roman(number: int) -> str:
    found = ""
    for value, sign in zip(
        (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1),
        ("M", "CM", "D", "CD", "C", "XC", "L", "XL", "X", "IX", "V", "IV", "I"),
        strict=True,
    ):
        while number >= value and len(found) < 20:
            found, number = found + sign, number - value
    return found


def _styled(run: Element, style: Run) -> Run:
    properties = next((e for e in run if local(e) == "rPr"), None)
    for setting in () if properties is None else properties:
        on = attribute(setting, "val").casefold() not in _OFF
        if local(setting) == "b":
            style = replace(style, bold=on)
        elif local(setting) == "i":
            style = replace(style, italic=on)
    return style


def _joined(runs: list[Run]) -> Runs:
    """Neighbours of one style made one: programs cut words anywhere."""
    joined: list[Run] = []
    for run in runs:
        if joined and replace(joined[-1], text=run.text) == run:
            joined[-1] = replace(run, text=joined[-1].text + run.text)
        elif run.text:
            joined.append(run)
    return tuple(joined)


def _value(properties: Element | None, name: str) -> str:
    return next((attribute(e, "val") for e in (() if properties is None else properties) if local(e) == name), "")


def _above(element: Element, name: str) -> Element | None:
    return next((e for e in element.iterancestors() if local(e) == name), None)
