"""Reader of Excel workbooks (ECMA-376 part 1, section 18, "SpreadsheetML"): the values of cells, sheet by sheet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import PurePosixPath
from typing import BinaryIO

from foveal.errors import AssetLimitError, UnreadableAssetError
from foveal.readers.blocks import Block, stretches, table_parts
from foveal.readers.document_bytes import document_bytes, nothing_but_a_name
from foveal.readers.limits import Limits
from foveal.readers.packages import Element, Package, attribute, local
from foveal.readers.sniffing import XLSX
from foveal.types.assets import Asset
from foveal.types.content import TextContent

_COLUMN = re.compile(r"[A-Z]{1,3}")
_MOST_COLUMNS = 512
_MOST_CELLS = 1_000_000
_MOST_EMPTY = 10_000
"""Rows without a value that are counted between two that have some."""


class XlsxReader:
    """Reads workbooks: each sheet a table under the sheet's name; see `foveal.ports.Reader`.

    Values are those that were last computed; dates are the numbers that the file has.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    @property
    def media_types(self) -> frozenset[str]:
        """`.xlsx` and `.xlsm`."""
        return frozenset({XLSX})

    def read(self, asset: Asset, file: BinaryIO) -> Iterator[TextContent]:
        """Yield the sheets, in order; `page` is the sheet's number.

        Raises:
            UnreadableAssetError: It is broken or encrypted.
            AssetLimitError: It is over a limit.
        """
        package = Package(document_bytes(asset, file, self._limits), self._limits)
        title = package.title() or PurePosixPath(asset.path).stem
        found = stretches(_blocks(package, self._limits.max_document_pages), title)
        yield next(found, None) or nothing_but_a_name(title)
        yield from found


def sheet_of(package: Package, number: int) -> tuple[str, list[list[str]]]:
    """Name and rows of a sheet, counted from 1; rows without a value are kept, so that their numbers hold.

    Raises:
        UnreadableAssetError: It is broken, or has no such sheet.
        AssetLimitError: It is over a limit.
    """
    main = package.main()
    links = package.relationships(main)
    shared = next((_strings(package.xml(part)) for part in package.linked(main, "sharedStrings")), [])
    sheet = next(islice((e for e in package.xml(main).iter() if local(e) == "sheet"), number - 1, None), None)
    link = None if sheet is None else next((links[str(v)] for v in sheet.attrib.values() if str(v) in links), None)
    if sheet is None or link is None or link.target not in package:
        raise UnreadableAssetError(f"The workbook has no sheet {number}.")
    root = package.xml(link.target)
    rows: list[list[str]] = []
    numbers = (_whole(attribute(e, "r")) for e in root.iter() if local(e) == "row")
    for values, place in zip(_rows(root, shared), numbers, strict=True):
        rows.extend([] for _ in range(min(max(place - 1 - len(rows), 0), _MOST_EMPTY)))
        rows.append(values)
    return attribute(sheet, "name"), rows


def _whole(text: str) -> int:
    return int(text) if text.isdigit() and len(text) < 9 else 0


def _blocks(package: Package, most: int) -> Iterator[Block]:
    main = package.main()
    links = package.relationships(main)
    shared = next((_strings(package.xml(part)) for part in package.linked(main, "sharedStrings")), [])
    sheets = [e for e in package.xml(main).iter() if local(e) == "sheet"][:most]
    left = _MOST_CELLS
    for number, sheet in enumerate(sheets, start=1):
        link = next((links[str(v)] for v in sheet.attrib.values() if str(v) in links), None)
        if link is None or link.target not in package:
            continue
        rows = list(_rows(package.xml(link.target), shared))
        left -= sum(map(len, rows))
        if left < 0:
            raise AssetLimitError(f"The workbook has more than {_MOST_CELLS} cells.", remedy="Cut it into several.")
        filled = [row for row in rows if any(cell.strip() for cell in row)]
        if filled:
            yield Block(text=attribute(sheet, "name"), level=1, page=number)
            yield from (Block(text=text, page=number) for text in table_parts(filled))


def _strings(root: Element) -> list[str]:
    return [_text(item) for item in root if local(item) == "si"]


def _text(item: Element) -> str:
    """Text of a string, without how it is pronounced (`rPh`, 18.4.6)."""
    return "".join(
        e.text or ""
        for e in item.iter()
        if local(e) == "t" and not any(local(above) == "rPh" for above in e.iterancestors())
    )


def _rows(root: Element, shared: list[str]) -> Iterator[list[str]]:
    for row in (e for e in root.iter() if local(e) == "row"):
        values: list[str] = []
        for cell in (e for e in row if local(e) == "c"):
            column = _column(attribute(cell, "r"), len(values))
            if column < _MOST_COLUMNS:
                values.extend([""] * (column - len(values)))
                values.append(_value(cell, shared))
        yield values


def _column(reference: str, following: int) -> int:
    """Number of a cell's column, from 0; a cell without a reference follows the one before (18.3.1.4)."""
    letters = _COLUMN.match(reference)
    number = 0
    for letter in letters[0] if letters else "":
        number = 26 * number + ord(letter) - ord("A") + 1
    return max(number - 1, following) if letters else following


def _value(cell: Element, shared: list[str]) -> str:
    """Text of a cell, by its type (18.18.11)."""
    kind = attribute(cell, "t")
    if kind == "inlineStr":
        return next((_text(e) for e in cell if local(e) == "is"), "")
    value = next((e.text or "" for e in cell if local(e) == "v"), "")
    if kind == "s":
        return shared[int(value)] if value.isdigit() and int(value) < len(shared) else ""
    if kind == "b":
        return {"1": "TRUE", "0": "FALSE"}.get(value, value)
    return value
