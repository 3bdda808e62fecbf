"""What a receipt or invoice says: who, when, where and how much, by the layout of its lines and by words.

A receipt has its seller on top, the address under it, and a row that begins with a word for the total and ends with an
amount. That is all that is used: no shop, country or form is known here. The words are in `receipt_words`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from foveal.retrieval.receipt_words import (
    ADDRESS,
    CASH,
    CHANGE,
    COMPANY,
    DATE,
    FINAL,
    LEGAL,
    MONTHS,
    NOT_ADDRESS,
    NOT_COMPANY,
    NOT_TOTAL,
    TOTAL,
)
from foveal.types.content import OcrLine

FIELDS: Final = ("company", "date", "address", "total")

_FEWEST_ROWS: Final = 4
_FEWEST_FIELDS: Final = 3
"""Of the four, a total among them, that make an image a receipt."""
_HEAD_ROWS: Final = 14
"""Rows from the top in which the seller and the address are looked for."""
_COMPANY_ROWS: Final = 6
_ADDRESS_ROWS: Final = 6
_SHORTEST_NAME: Final = 4
"""Letters."""
_TAIL_ROWS: Final = 10
_AMOUNT: Final = re.compile(
    r"(?<![\w.,/:-])(?:[$€£¥]|RM|RN|USD|EUR|CHF|GBP|SGD|MYR)?\s{0,2}"
    r"(-?\d{1,3}(?:[ ,.']\d{3})+[.,]\s?\d{2}|-?\d{0,7}[.,]\s?\d{2})(?!\s?%)(?![\d/:-])(?![.,]\d)",
    re.IGNORECASE,
)
_WHOLE_AMOUNT: Final = re.compile(
    r"(?:[¥￥円元원]\s{0,2}(\d{1,3}(?:,\d{3})*|\d+))|(?:(\d{1,3}(?:,\d{3})*|\d+)\s{0,2}[¥円元원])"
)
"""Of currencies without cents."""
_DATES: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?<!\d)\d{4}\s?年\s?\d{1,2}\s?月\s?\d{1,2}\s?日",
        r"(?<![\d/.-])(?:19|20)\d\d([-/.])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12]\d|3[01])(?!\d)",
        r"(?<![\d/.-])(?:0?[1-9]|[12]\d|3[01])\s?([-/.])\s?(?:0?[1-9]|[12]\d|3[01])\s?\1\s?(?:(?:19|20)\d\d|\d\d(?![\d/-]))",
        rf"(?<!\d)(?:0?[1-9]|[12]\d|3[01])[-/. ]{{0,2}}(?:{MONTHS})\w{{0,6}}[-/., ]{{0,2}}(?:(?:19|20)\d\d|\d\d)(?!\d)",
        rf"\b(?:{MONTHS})\w{{0,6}}\.?\s{{0,2}}(?:0?[1-9]|[12]\d|3[01]),?\s{{0,2}}(?:19|20)\d\d(?!\d)",
    )
)
_REGISTRATION: Final = re.compile(
    r"\s*[(\[]?\s*(?:co\.?\s*(?:reg\.?)?\s*(?:no\.?)?)?\s*[:.]?\s*[A-Z]{0,2}\d[\dA-Z]{4,}\s*-?\s*\w?\s*[)\]]?\s*$",
    re.IGNORECASE,
)
"""A register's number after the name, mostly in brackets."""
_NUMBER: Final = re.compile(r"^#\s?\d+\s+(?=\D)")
"""Of a shop or a till, before the name."""
_PHONE: Final = re.compile(r"\s*\|?\s*(?:[TFtf]\s?[:.]\s?)?\+?\(?\d{2,4}\)?[ -]{0,2}\d{3,4}[ -]?\d{3,4}\W*$")
"""At the end of a line."""
_POSTCODE: Final = re.compile(r"(?<![\d-])\d{4,6}(?![\d-])")


@dataclass(frozen=True, slots=True)
class _Row:
    """Lines side by side, from left to right, as one text."""

    parts: tuple[OcrLine, ...]

    @property
    def text(self) -> str:
        return "  ".join(part.text for part in self.parts)

    @property
    def amounts(self) -> list[str]:
        return [amount for part in self.parts for amount in _amounts(part.text)]


def receipt_fields(lines: Sequence[OcrLine]) -> dict[str, str]:
    """The fields that are found, in the order of `FIELDS`, each as it stands there.

    Args:
        lines: Read in one image, in any order; those without a place of four corners are left out.

    Returns:
        Nothing where it does not look like a receipt: fewer than three of the four fields, or no total.
    """
    rows = _rows([line for line in lines if len(line.polygon) == 4])
    if len(rows) < _FEWEST_ROWS:
        return {}
    company_at, company = _company(rows)
    found = {
        "company": company,
        "date": _date(rows),
        "address": _address(rows, company_at),
        "total": _total(rows),
    }
    kept = {name: value for name, value in found.items() if value}
    return kept if "total" in kept and len(kept) >= _FEWEST_FIELDS else {}


def receipt_facts(lines: Sequence[OcrLine]) -> tuple[str, ...]:
    """The fields as facts that words and filters find: "total: 9.00"; empty where it is no receipt."""
    return tuple(f"{name}: {value}" for name, value in receipt_fields(lines).items())


def _rows(lines: Sequence[OcrLine]) -> list[_Row]:
    """Lines that share a height, from top to bottom."""
    rows: list[list[OcrLine]] = []
    for line in sorted(lines, key=_middle):
        if rows and _middle(line) - _middle(rows[-1][0]) < 0.5 * min(_height(rows[-1][0]), _height(line)):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [_Row(tuple(sorted(row, key=lambda line: min(x for x, _ in line.polygon)))) for row in rows]


def _middle(line: OcrLine) -> float:
    return sum(y for _, y in line.polygon) / len(line.polygon)


def _height(line: OcrLine) -> float:
    left_top, right_top, right_bottom, left_bottom = line.polygon
    return max(1e-6, (left_bottom[1] - left_top[1] + right_bottom[1] - right_top[1]) / 2)


def _company(rows: Sequence[_Row]) -> tuple[int, str]:
    """Last row and name of the seller: the first line on top that has the form of a company, else the first of words.

    A name that begins or goes on with nothing but its legal form takes in the line before or after it.
    """
    head = [(place, _unregistered(part.text)) for place, row in enumerate(rows[:_COMPANY_ROWS]) for part in row.parts]
    named = [(place, text) for place, text in head if _is_name(text)]
    formed = [place for place, (_, text) in enumerate(named) if COMPANY.search(text) and not _POSTCODE.search(text)]
    if not named:
        return -1, ""
    unlike_an_address = [place for place, (_, text) in enumerate(named) if not _is_address(text)]
    first = last = next(iter(formed or unlike_an_address), 0)
    if first and LEGAL.match(named[first][1]):
        first -= 1
    if first + 1 < len(named) and sum(map(str.isalpha, named[first][1])) < _SHORTEST_NAME:  # "THE"
        last += 1
    while last + 1 < len(named) and (LEGAL.match(named[last + 1][1]) or _is_open(named[last][1])):
        last += 1
    return named[last][0], " ".join(text for _, text in named[first : last + 1])


def _is_open(text: str) -> bool:
    return text.count("(") > text.count(")")


def _unregistered(text: str) -> str:
    """A name without its number in a register."""
    bare = _REGISTRATION.sub("", _NUMBER.sub("", text)).strip(" -:,")
    return bare or text


def _is_name(text: str) -> bool:
    letters = sum(map(str.isalpha, text))
    enough = letters >= 3 and letters >= 0.5 * len(text.replace(" ", ""))
    return enough and not NOT_COMPANY.search(text)


def _date(rows: Sequence[_Row]) -> str:
    """The date beside a word for one, else the first."""
    dates = [(bool(DATE.search(row.text)), found) for row in rows for found in _dates(row.text)]
    return next((found for named, found in dates if named), dates[0][1] if dates else "")


def _dates(text: str) -> Iterator[str]:
    for pattern in _DATES:
        for match in pattern.finditer(text):
            yield " ".join(match.group().split())


def _address(rows: Sequence[_Row], company_at: int) -> str:
    """Rows under the seller from the first that looks like part of an address to the last; else such at the end."""
    return _address_in(rows[company_at + 1 : _HEAD_ROWS]) or _address_in(
        rows[max(_HEAD_ROWS, len(rows) - _TAIL_ROWS) :]
    )


def _address_in(rows: Sequence[_Row]) -> str:
    lines: list[str] = []
    last = 0
    for row in rows:
        text = next((part.text for part in row.parts if _is_address(part.text)), "")
        town = "" if text else _town(row)
        if text or (town and lines):
            lines.append(text or town)
            # A town belongs to it between two lines that do, and after one that ends with a comma.
            last = len(lines) if text or lines[-2].endswith(",") else last
        elif lines:
            break
        if len(lines) >= _ADDRESS_ROWS:
            break
    return " ".join(_PHONE.sub("", line).strip() for line in lines[:last])


def _town(row: _Row) -> str:
    """The words of a row that may be a part of an address: no numbers but among commas, nothing that heads
    something else.
    """
    text = row.parts[0].text
    numbered = any(map(str.isdigit, text)) and "," not in text
    wrong = NOT_ADDRESS.search(row.text) or numbered or row.amounts or any(_dates(row.text))
    return "" if wrong or sum(map(str.isalpha, text)) < 3 else text


def _is_address(text: str) -> bool:
    if NOT_ADDRESS.search(text) or any(_dates(text)):
        return False
    return bool(ADDRESS.search(text) or (_POSTCODE.search(text) and sum(map(str.isalpha, text)) >= 4))


def _total(rows: Sequence[_Row]) -> str:
    """The amount beside a word for the total: what was paid less the change where both stand there and it is among
    them, else the last of those that are final, else the last; without any, what was paid.
    """
    labelled = [(bool(FINAL.search(label)), amount) for label, amount in _labelled(rows, TOTAL, but=NOT_TOTAL)]
    amounts = [amount for _, amount in labelled]
    given = [amount for _, amount in _labelled(rows, CASH, but=CHANGE)]
    paid = _paid(rows, given)
    if paid is not None:
        every = [*amounts, *(amount for row in rows for amount in row.amounts)]
        same = next((amount for amount in every if _value(amount) == paid), None)
        if same is not None:
            return same
    final = [amount for is_final, amount in labelled if is_final]
    return (final or amounts or given or [""])[-1]


def _paid(rows: Sequence[_Row], given: Sequence[str]) -> int | None:
    """Hundredths that were handed over less the change; None where either is missing or doubtful."""
    back = [amount for _, amount in _labelled(rows, CHANGE)]
    if len(given) != 1 or len(back) != 1 or _value(given[0]) <= _value(back[0]):
        return None
    return _value(given[0]) - _value(back[0])


def _labelled(
    rows: Sequence[_Row], label: re.Pattern[str], *, but: re.Pattern[str] | None = None
) -> Iterator[tuple[str, str]]:
    """Lines with the label, and the amount at the end of their row; of a row without one, that of the row below if it
    has nothing else.
    """
    for place, row in enumerate(rows):
        for number, part in enumerate(row.parts):
            if not label.search(part.text) or (but and but.search(part.text)):
                continue
            amounts = [amount for one in row.parts[number:] for amount in _amounts(one.text)]
            if not amounts and place + 1 < len(rows) and not any(map(str.isalpha, _no_amounts(rows[place + 1].text))):
                amounts = rows[place + 1].amounts
            if amounts:
                yield part.text, amounts[-1]


def _amounts(text: str) -> Iterator[str]:
    for match in _AMOUNT.finditer(text):
        yield "".join(match.group(1).split())
    for match in _WHOLE_AMOUNT.finditer(text):
        yield match.group(1) or match.group(2)


def _no_amounts(text: str) -> str:
    return _WHOLE_AMOUNT.sub("", _AMOUNT.sub("", text))


def _value(amount: str) -> int:
    """An amount in hundredths, whatever marks thousands and decimals."""
    digits = int("".join(filter(str.isdigit, amount)) or 0)
    return digits if re.search(r"[.,]\d{2}$", amount) else 100 * digits
