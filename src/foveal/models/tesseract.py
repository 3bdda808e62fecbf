"""Scripts that PP-OCR does not read, by tesseract where a person has installed it (github.com/tesseract-ocr/tesseract).

Nothing of it comes with Foveal: the program and the data of its languages are looked for when the first image needs
them. It runs as a process of its own with a deadline and one thread, and is given pixels only, never somebody's file.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np

from foveal.types.content import OcrLine
from foveal.types.vectors import Pixels

SCRIPTS: Final[Mapping[str, tuple[str, ...]]] = {
    "Thai": ("tha",),
    "Lao": ("lao",),
    "Khmer": ("khm",),
    "Myanmar": ("mya",),
    "Hangul": ("kor",),
    "Cyrillic": ("rus", "ukr", "bul", "srp", "bel", "mkd", "kaz", "mon"),
    "Arabic": ("ara", "fas", "urd", "pus", "uig", "snd"),
    "Hebrew": ("heb", "yid"),
    "Devanagari": ("hin", "mar", "nep", "san"),
    "Bengali": ("ben", "asm"),
    "Gurmukhi": ("pan",),
    "Gujarati": ("guj",),
    "Tamil": ("tam",),
    "Telugu": ("tel",),
    "Kannada": ("kan",),
    "Malayalam": ("mal",),
    "Sinhala": ("sin",),
    "Georgian": ("kat",),
    "Armenian": ("hye",),
    "Ethiopic": ("amh", "tir"),
}
"""Scripts, as tesseract's detection and Unicode's names of letters call them, and the names of its data."""

_DEADLINE_S: Final = 30.0
_LARGEST_PX: Final = 2000
_SMALLEST_PX: Final = 1000
"""Long side to which smaller images are enlarged: it wants letters 20 pixels high or more."""
_MOST_LANGUAGES: Final = 3
"""Given at once: each takes its time."""
_LEAST_CONFIDENCE: Final = 50.0
"""Of a word, 0..100."""
_UNICODE: Final = {"Hangul": "HANGUL", **{script: script.upper() for script in SCRIPTS if script != "Hangul"}}
_VERSION: Final = re.compile(r"tesseract v?([\d.]+)")
_SCRIPT: Final = re.compile(r"^Script: (\w+)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """What there is of tesseract on this machine.

    Attributes:
        scripts: Scripts of `SCRIPTS` that it has data for, with the names of the data.
        finds_scripts: Whether it can tell scripts apart (its data `osd`).
    """

    program: str
    version: str
    scripts: Mapping[str, tuple[str, ...]]
    finds_scripts: bool


@lru_cache(maxsize=1)
def installed() -> Installed | None:
    """Tesseract with data of a script that PP-OCR lacks; None without. Looked for once a process."""
    program = shutil.which("tesseract")
    if program is None:
        return None
    version = _VERSION.search(_run([program, "--version"]) or "")
    names = set((_run([program, "--list-langs"]) or "").split())
    scripts = {
        script: there for script, data in SCRIPTS.items() if (there := tuple(name for name in data if name in names))
    }
    if version is None or not scripts:
        return None
    return Installed(program=program, version=version[1], scripts=scripts, finds_scripts="osd" in names)


class OtherScripts:
    """Reads lines in the scripts that tesseract has data for; what it reads in others is left out."""

    def __init__(self, there: Installed) -> None:
        self._there = there

    @property
    def identity(self) -> str:
        """Version and languages: installing another reads the images anew that are ingested again."""
        names = sorted(name for data in self._there.scripts.values() for name in data)
        return f"tesseract-{self._there.version}({'+'.join(names)})"

    def read(self, image: Pixels) -> tuple[OcrLine, ...]:
        """Lines from top to bottom; none where it takes longer than half a minute."""
        picture = _png(image)
        names = self._languages(picture)
        command = [self._there.program, "-", "-", "--oem", "1", "--psm", "3", "-l", "+".join((*names, "eng"))]
        table = _run([*command, "tsv"], picture) or _run([*command[:-1], "+".join(names), "tsv"], picture)
        return _lines(table or "", tuple(self._there.scripts))

    def _languages(self, picture: bytes) -> Sequence[str]:
        """Of the script that it sees, or the first that there are."""
        every = [name for data in self._there.scripts.values() for name in data]
        if len(every) > 1 and self._there.finds_scripts:
            seen = _SCRIPT.search(_run([self._there.program, "-", "-", "--psm", "0"], picture) or "")
            every = list(self._there.scripts.get(seen[1] if seen else "", every))
        return every[:_MOST_LANGUAGES]


def _run(command: Sequence[str], data: bytes = b"") -> str | None:
    """What a program prints; None where it fails, and it is killed when its time is up."""
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(  # noqa: S603 - the program that `which` found, with arguments of our own
            command,
            input=data,
            capture_output=True,
            timeout=_DEADLINE_S,
            check=True,
            env={**os.environ, "OMP_THREAD_LIMIT": "1"},
        )
        return done.stdout.decode("utf-8", "replace")
    return None


def _png(image: Pixels) -> bytes:
    import cv2

    longest = max(image.shape[:2])
    scale = min(max(1.0, _SMALLEST_PX / longest), 4.0) if longest < _SMALLEST_PX else min(1.0, _LARGEST_PX / longest)
    picture = np.ascontiguousarray(image[..., ::-1])
    if scale != 1.0:
        smooth = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=smooth)
    return cv2.imencode(".png", picture)[1].tobytes()


def _lines(table: str, scripts: Sequence[str]) -> tuple[OcrLine, ...]:
    """Lines of tesseract's table (level, page, block, paragraph, line, word, left, top, width, height, confidence,
    text) that hold a letter of these scripts.
    """
    words: dict[tuple[str, ...], list[list[str]]] = {}
    width = height = 1.0
    for row in (line.split("\t") for line in table.splitlines()[1:]):
        if len(row) < 12:
            continue
        if row[0] == "1":
            width, height = max(float(row[8]), 1.0), max(float(row[9]), 1.0)
        elif row[0] == "5" and row[11].strip() and float(row[10]) >= _LEAST_CONFIDENCE:
            words.setdefault(tuple(row[1:5]), []).append(row)
    lines = (_line(line, width, height) for line in words.values())
    return tuple(line for line in lines if is_written_in(line.text, scripts))


def _line(words: Sequence[Sequence[str]], width: float, height: float) -> OcrLine:
    boxes = np.array([[float(value) for value in row[6:10]] for row in words])
    left, top = float(boxes[:, 0].min()) / width, float(boxes[:, 1].min()) / height
    right = float((boxes[:, 0] + boxes[:, 2]).max()) / width
    bottom = float((boxes[:, 1] + boxes[:, 3]).max()) / height
    score = float(np.mean([float(row[10]) for row in words])) / 100
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return OcrLine(text=_joined([row[11] for row in words]), score=score, polygon=corners)


def _joined(words: Sequence[str]) -> str:
    """Words with blanks between; Thai, Lao, Khmer and Burmese are written without, and are cut up by tesseract."""
    text = words[0]
    for before, word in pairwise(words):
        together = _has_no_blanks(before[-1:]) and _has_no_blanks(word[:1])
        text += word if together else f" {word}"
    return text


def _has_no_blanks(letter: str) -> bool:
    return bool(letter) and unicodedata.name(letter, "").startswith(("THAI", "LAO", "KHMER", "MYANMAR"))


def is_written_in(text: str, scripts: Sequence[str]) -> bool:
    """Whether most letters of a text are of these scripts."""
    heads = tuple(_UNICODE[script] for script in scripts)
    letters = [letter for letter in text if letter.isalpha()]
    own = sum(unicodedata.name(letter, "").startswith(heads) for letter in letters)
    return len(letters) > 0 and own >= 0.5 * len(letters)
