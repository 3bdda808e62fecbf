"""Reader of plain text and markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from typing import BinaryIO

from foveal.errors import UnreadableAssetError
from foveal.readers.blocks import Block, stretches, table_parts
from foveal.readers.encodings import decode_text
from foveal.readers.limits import Limits, bytes_within
from foveal.readers.markdown import Section, front_matter_title, plain_heading, sections
from foveal.readers.rows import delimited_rows, is_of_rows
from foveal.readers.sniffing import TEXT_TYPES
from foveal.types.assets import Asset
from foveal.types.content import TextContent
from foveal.types.locators import Locator

_TITLE_MAX_CHARS = 80
_FIRST_LINE = re.compile(r"\s*(\S[^\r\n]*?)[ \t]*\r?\n[ \t]*\r?\n")


class TextReader:
    """Reads text files; see `foveal.ports.Reader`.

    Characters are counted in the decoded text without its byte-order mark, line ends as they are in the file.
    Markdown is cut at its headings; plain text is one stretch; a file of rows is a table. The title is the front
    matter's or the first heading's (of plain text: its first line, when it is short and a blank line follows), else the
    file's name without its ending.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    @property
    def media_types(self) -> frozenset[str]:
        """`text/plain` and `text/markdown`."""
        return TEXT_TYPES

    def read(self, asset: Asset, file: BinaryIO) -> Iterator[TextContent]:
        """Yield each section with words in it, in order.

        Raises:
            UnreadableAssetError: It is no text, or blank.
            AssetLimitError: It is over the limit on bytes.
        """
        text, warnings = self._text(asset, file)
        if is_of_rows(asset.path) and (rows := delimited_rows(text)):
            yield from _rows_content(rows, PurePosixPath(asset.path).stem, warnings)
            return
        found = sections(text) if asset.media_type == "text/markdown" else [Section(start=0, end=len(text))]
        title = _title(asset, text, found)
        empty = True
        for section in found:
            start, end = _trimmed(text, section.start, section.end)
            if start == end:
                continue
            empty = False
            yield TextContent(
                text=text[start:end],
                title=title,
                heading=section.heading,
                locator=Locator(start_char=start, end_char=end),
                warnings=warnings,
            )
            warnings = ()
        if empty:
            raise UnreadableAssetError("There are no words in it.")

    def _text(self, asset: Asset, file: BinaryIO) -> tuple[str, tuple[str, ...]]:
        remedy = "Cut it into several files, or raise limits.text_bytes."
        data = bytes_within(asset, file, self._limits.max_text_bytes, kind="text", remedy=remedy)
        try:
            text, _ = decode_text(data)
        except ValueError:
            raise UnreadableAssetError("The bytes are in no text encoding that Foveal knows.") from None
        lost = text.count("\ufffd")
        return text, (f"Characters that could not be decoded: {lost}.",) if lost else ()


def _rows_content(rows: list[list[str]], title: str, warnings: tuple[str, ...]) -> Iterator[TextContent]:
    for content in stretches((Block(text=part) for part in table_parts(rows)), title):
        yield replace(content, warnings=warnings)
        warnings = ()


def _title(asset: Asset, text: str, found: list[Section]) -> str:
    title = ""
    if asset.media_type == "text/markdown":
        title = front_matter_title(text) or next((s.heading[-1] for s in found if s.heading), "")
    elif first := _FIRST_LINE.match(text):
        title = plain_heading(first[1]) if len(first[1]) <= _TITLE_MAX_CHARS else ""
    return title or PurePosixPath(asset.path).stem


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
