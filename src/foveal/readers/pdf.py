"""Reader of PDF files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import chain
from pathlib import PurePosixPath
from typing import BinaryIO, cast

import numpy as np

from foveal.readers.blocks import stretches, title_of
from foveal.readers.child_process import ChildProcesses, Message, Program
from foveal.readers.document_bytes import document_bytes, nothing_but_a_name
from foveal.readers.layout import Line, blocks_of
from foveal.readers.limits import Limits
from foveal.readers.pictures import picture_content
from foveal.readers.sniffing import PDF
from foveal.types.assets import Asset
from foveal.types.content import Content, ImageContent
from foveal.types.locators import Box, Locator

_NO_TITLE = re.compile(
    r"^(?:untitled|\(|adobe |microsoft (?:word|powerpoint|excel)|powerpoint|slide \d|document\d*$)|\.\w{2,5}$|_",
    re.IGNORECASE,
)
_LINE_FIELDS = ("text", "left", "top", "right", "bottom", "size", "bold")

Items = Iterator[tuple[Message, bytes]]


class PdfReader:
    """Reads the words, scanned pages and pictures of PDF files; see `foveal.ports.Reader`.

    PDFium reads them in processes of its own that obey the limits on memory and time and take a crash with them. Text
    comes first, page by page, then pictures: a page without words is a picture of itself.

    The title is that of the file's properties where somebody gave it one, else the largest heading of the first page,
    else the file's name without its ending.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._processes = ChildProcesses(
            Program(
                module="foveal.readers.pdf_process",
                thing="PDF",
                max_seconds=limits.max_document_seconds,
                max_memory_bytes=limits.max_memory_bytes,
                slow_remedy="Cut it into several files, or raise limits.document_seconds.",
            )
        )

    @property
    def media_types(self) -> frozenset[str]:
        """`application/pdf`."""
        return frozenset({PDF})

    def read(self, asset: Asset, file: BinaryIO) -> Iterator[Content]:
        """Yield the text of every page, in order, then its pictures.

        Raises:
            UnreadableAssetError: It is encrypted, or no page can be found in it.
            AssetLimitError: It is over a limit.
        """
        items = self._processes.run({"limits": asdict(self._limits)}, document_bytes(asset, file, self._limits))
        head, _ = next(items)
        pages, pictures = _pages(items)
        blocks = blocks_of([(number, lines) for number, lines in pages.items() if lines is not None])
        begins_with, blocks = title_of(blocks)
        title = _given(str(head["title"])) or begins_with or PurePosixPath(asset.path).stem
        warnings = self._warnings(cast("int", head["pages"]), [n for n, lines in pages.items() if lines is None])
        found: Iterator[Content] = chain(stretches(blocks, title), _images(pictures, title))
        first = next(found, None) or nothing_but_a_name(title)
        yield replace(first, warnings=(*warnings, *first.warnings))
        yield from found

    def _warnings(self, count: int, broken: list[int]) -> tuple[str, ...]:
        most = self._limits.max_document_pages
        found = [f"Only the first {most} of its {count} pages are read."] if count > most else []
        if broken:
            found.append(f"Pages that cannot be read: {', '.join(map(str, broken[:10]))}.")
        return tuple(found)


def _pages(items: Items) -> tuple[dict[int, list[Line] | None], Items]:
    """Lines by page (None for a broken one), and the items that follow them."""
    pages: dict[int, list[Line] | None] = {}
    for item, raw in items:
        if "page" not in item:
            return pages, chain([(item, raw)], items)
        pages[cast("int", item["page"])] = None if item.get("broken") else _lines(item)
    return pages, items


def _lines(item: Message) -> list[Line]:
    rows = cast("list[list[object]]", item["lines"])
    return [Line(**dict(zip(_LINE_FIELDS, row, strict=True))) for row in rows]  # type: ignore[arg-type]


def _images(items: Items, title: str) -> Iterator[ImageContent]:
    last: ImageContent | None = None
    for item, raw in items:
        if last is not None and "picture" in item:
            yield last
        if "picture" in item:
            last = _image(item, raw, title)
        elif last is not None:
            last = replace(last, warnings=("It has more pictures than are looked at.",))
    if last is not None:
        yield last


def _image(item: Message, raw: bytes, title: str) -> ImageContent:
    return picture_content(
        np.frombuffer(raw, np.uint8).reshape(cast("list[int]", item["shape"])),
        width_px=cast("int", item["width_px"]),
        height_px=cast("int", item["height_px"]),
        locator=Locator(page=cast("int", item["picture"]), box=_box(item["box"])),
        title=title,
        identity=str(item["identity"]),
    )


def _box(numbers: object) -> Box | None:
    if numbers is None:
        return None
    left, top, right, bottom = cast("list[float]", numbers)
    return Box(x=left, y=top, width=right - left, height=bottom - top)


def _given(title: str) -> str:
    """The title among a file's properties, unless a program put it there."""
    title = " ".join(title.split())
    return "" if _NO_TITLE.search(title) else title
