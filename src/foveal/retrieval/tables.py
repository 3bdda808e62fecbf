"""Tables in a text: every row said by itself, with the names of its columns."""

from __future__ import annotations

import re
from collections.abc import Iterator

_ROW = re.compile(r"\s*\|(.*)\|\s*$")
_RULE = re.compile(r"\s*\|(?:\s*:?-{3,}:?\s*\|)+\s*$")
_BAR = re.compile(r"(?<!\\)\|")


def unfolded(text: str) -> str:
    r"""A text whose tables in markdown are read row by row, as paragraphs of their own.

    `| Pier | Depth |`, `| --- | --- |`, `| North | 4 m |` become `Pier: North; Depth: 4 m`. A row without a head, and a
    cell without a name, is what it is. A text without a table stays as it is.
    """
    lines = text.split("\n")
    return "\n".join(_unfolded(lines)) if any(_RULE.match(line) for line in lines) else text


def _unfolded(lines: list[str]) -> Iterator[str]:
    head: list[str] | None = None
    for number, line in enumerate(lines):
        if not _ROW.match(line):
            head = None
            yield line
        elif number + 1 < len(lines) and _RULE.match(lines[number + 1]):
            head = _cells(line)
        elif head is not None and not _RULE.match(line):
            yield f"\n{_said(head, _cells(line))}\n"
        elif head is None:
            yield line


def _cells(line: str) -> list[str]:
    match = _ROW.match(line)
    return [cell.replace("\\|", "|").strip() for cell in _BAR.split(match[1])] if match else []


def _said(head: list[str], cells: list[str]) -> str:
    named = zip([*head, *[""] * len(cells)], cells, strict=False)
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in named if cell)
