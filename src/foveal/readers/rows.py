"""Files of rows: cells put apart by commas, semicolons, tabs or bars (RFC 4180 and its relatives)."""

from __future__ import annotations

import csv
import io
from pathlib import PurePosixPath

ROW_SUFFIXES = (".csv", ".tsv", ".tab")
MOST_COLUMNS = 60
_DELIMITERS = ",;\t|"
_SAMPLE_CHARS = 20_000


def is_of_rows(path: str) -> bool:
    """Whether a text of that name is a file of rows."""
    return PurePosixPath(path).suffix.lower() in ROW_SUFFIXES


def delimited_rows(text: str) -> list[list[str]]:
    """The rows with something in them; of one that is broken, those before it."""
    try:
        dialect: type[csv.Dialect] | csv.Dialect = csv.Sniffer().sniff(text[:_SAMPLE_CHARS], delimiters=_DELIMITERS)
    except csv.Error:
        dialect = csv.excel
    found: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), dialect):
            if any(cell.strip() for cell in row):
                found.append([cell.strip() for cell in row[:MOST_COLUMNS]])
    except csv.Error:
        return found
    return found
