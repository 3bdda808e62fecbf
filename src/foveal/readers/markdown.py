"""Markdown: where its headings are. Syntax: CommonMark 0.31.2, sections 4.2 (ATX), 4.3 (setext) and 4.5 (fences).

Nothing is rendered: a model and a person read the source as well, and characters keep their places.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FRONT_MATTER = re.compile(r"(---|\+\+\+)[ \t]*\r?\n(.*?)(?:\r?\n|(?<=\n))(\1|\.\.\.)[ \t]*(?:\r?\n|$)", re.DOTALL)
_TITLE_LINE = re.compile(r"^title[ \t]*[:=][ \t]*(.+?)[ \t]*$", re.MULTILINE)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_SETEXT = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_NO_PARAGRAPH = re.compile(r"[ \t]*$| {4}|\t| {0,3}(?:[-*+>|]|\d+[.)]|#{1,6}(?:\s|$))")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
_MARKS = re.compile(r"[*`]+|(?<!\w)_+|_+(?!\w)|\s*\{#[^}]*\}\s*$")
_HEADING_MAX_CHARS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What stands under one heading.

    Attributes:
        heading: Headings above it, outermost first.
        start: First character after the heading line.
        end: One past the last.
    """

    start: int
    end: int
    heading: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Heading:
    level: int
    text: str
    start: int
    end: int


def sections(text: str) -> list[Section]:
    """Stretches between headings, in order. A heading with nothing under it and no heading below stands for itself."""
    found: list[Section] = []
    path: list[_Heading] = []
    headings = list(_headings(text))
    first = headings[0].start if headings else len(text)
    if text[:first].strip():
        found.append(Section(start=0, end=first))
    for i, heading in enumerate(headings):
        end = headings[i + 1].start if i + 1 < len(headings) else len(text)
        path = [*(above for above in path if above.level < heading.level), heading]
        names = tuple(above.text for above in path if above.text)
        if text[heading.end : end].strip():
            found.append(Section(start=heading.end, end=end, heading=names))
        elif i + 1 == len(headings) or headings[i + 1].level <= heading.level:
            found.append(Section(start=heading.start, end=heading.end, heading=names))
    return found


def front_matter_title(text: str) -> str:
    """`title` of YAML or TOML front matter, empty when there is none."""
    matter = _FRONT_MATTER.match(text)
    line = _TITLE_LINE.search(matter[2]) if matter else None
    if not line:
        return ""
    value = line[1]
    if len(value) > 1 and value[0] in "\"'" and value[-1] == value[0]:
        value = value[1:-1]
    return value.strip()[:_HEADING_MAX_CHARS]


def front_matter_end(text: str) -> int:
    """The first character after the front matter; 0 where there is none."""
    matter = _FRONT_MATTER.match(text)
    return matter.end() if matter else 0


def plain_heading(text: str) -> str:
    """A heading without emphasis, code marks, link targets and anchors."""
    return " ".join(_MARKS.sub("", _LINK.sub(r"\1", text)).split())[:_HEADING_MAX_CHARS]


def _headings(text: str) -> Iterator[_Heading]:
    matter = _FRONT_MATTER.match(text)
    start = matter.end() if matter else 0
    fence = ""
    above: tuple[int, str] | None = None  # a first line of a paragraph, which an underline would make a heading
    prose = False  # whether the line before belongs to a paragraph
    for raw in text[start:].splitlines(keepends=True):
        line, end = raw.rstrip("\r\n"), start + len(raw)
        mark = _FENCE.match(line)
        first, above, prose_before, prose = above, None, prose, False
        if fence:
            if mark and mark[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
        elif mark:
            fence = mark[1]
        elif atx := _ATX.match(line):
            yield _Heading(len(atx[1]), plain_heading(atx[2] or ""), start, end)
        elif first and (underline := _SETEXT.match(line)):
            yield _Heading(1 if underline[1][0] == "=" else 2, plain_heading(first[1]), first[0], end)
        elif not _NO_PARAGRAPH.match(line):
            # only a paragraph of one line is taken as a heading: longer ones are prose above a rule
            prose, above = True, None if prose_before else (start, line)
        start = end
