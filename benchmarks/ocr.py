"""Text in images: errors, receipts' fields and seconds, beside tesseract on the same files in the same run.

    python -m benchmarks.ocr [--receipts 50] [--no-tesseract]

On the scanned receipts of `ocr`: character error rate (edits that turn what was read into what stands there, a
character, lines in the order of the ground truth; letter case and runs of blanks are not compared, since the ground
truth is in capitals), word F1 (as multisets, whatever the order), and the share of receipts whose company, date,
address and total are exactly those of the ground truth (letter case, blanks and punctuation at the ends not compared;
the same rules find them in both engines' lines). `page` is a scan of a page in two columns, whose ground truth is
itself read by a machine: compare, do not trust.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data import test_data
from foveal.retrieval.receipts import FIELDS, receipt_fields
from foveal.types.content import OcrLine
from foveal.types.vectors import Pixels

LONGEST_S = 60


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--receipts", type=int, default=50)
    parser.add_argument("--no-tesseract", action="store_true")
    options = parser.parse_args(argv)
    data = test_data()
    entries = [json.loads(line) for line in (data / "ocr" / "ocr.jsonl").read_text("utf-8").splitlines()]
    receipts = [entry for entry in entries if entry.get("fields")][: options.receipts]
    pages = [entry for entry in entries if not entry.get("fields") and entry["file"].endswith(".png")]
    engines = {"foveal": foveal_reader()}
    if shutil.which("tesseract") and not options.no_tesseract:
        engines["tesseract"] = tesseract_lines
    print(f"{'':<22}{'CER':>7}{'word F1':>9}" + "".join(f"{name:>9}" for name in FIELDS) + f"{'s an image':>12}")
    for title, some in ((f"receipts ({len(receipts)})", receipts), (f"page ({len(pages)})", pages)):
        for name, read in engines.items():
            print(f"{title:<12}{name:<10}{row(data, some, read)}", flush=True)


def row(data: Path, entries: Sequence[dict[str, Any]], read: Callable[[Path], tuple[OcrLine, ...]]) -> str:
    edits, characters, f1, seconds = 0, 0, [], []
    right: Counter[str] = Counter()
    for entry in entries:
        started = time.perf_counter()
        lines = read(data / entry["file"])
        seconds.append(time.perf_counter() - started)
        said, true = folded("\n".join(line.text for line in lines)), folded(entry["text"])
        edits += distance(said, true)
        characters += len(true)
        f1.append(word_f1(said, true))
        found = receipt_fields(lines)
        for name, value in (entry.get("fields") or {}).items():
            right[name] += bare(found.get(name, "")) == bare(value)
    fields = (f"{right[name] / len(entries):>9.2f}" if entries[0].get("fields") else f"{'-':>9}" for name in FIELDS)
    return f"{edits / characters:>7.3f}{np.mean(f1):>9.3f}{''.join(fields)}{np.mean(seconds):>12.2f}"


def foveal_reader() -> Callable[[Path], tuple[OcrLine, ...]]:
    from foveal.models.ocr import LocalTextRecognizer
    from foveal.models.pull import ModelFolder
    from foveal.settings import load

    reader = LocalTextRecognizer(ModelFolder(load().models))
    reader.recognize(np.zeros((64, 64, 3), np.uint8))
    return lambda path: reader.recognize(pixels(path))


def pixels(path: Path) -> Pixels:
    from PIL import Image, ImageOps

    with Image.open(path) as opened:
        return np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))


def tesseract_lines(path: Path) -> tuple[OcrLine, ...]:
    """Tesseract's lines in its own order (one thread, English, page segmentation as it comes)."""
    command = ["tesseract", str(path), "-", "--oem", "1", "-l", "eng", "tsv"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=LONGEST_S, check=True, env={"OMP_THREAD_LIMIT": "1"}
    )
    words: dict[tuple[str, ...], list[list[str]]] = {}
    rows = [line.split("\t") for line in done.stdout.splitlines()[1:]]
    height, width = pixels(path).shape[:2]
    for one in rows:
        if one[0] == "5" and one[11].strip():
            words.setdefault(tuple(one[1:5]), []).append(one)
    return tuple(_line(line, width, height) for line in words.values())


def _line(words: Sequence[Sequence[str]], width: int, height: int) -> OcrLine:
    boxes = np.array([[float(value) for value in one[6:10]] for one in words])
    left, top = boxes[:, 0].min() / width, boxes[:, 1].min() / height
    right = (boxes[:, 0] + boxes[:, 2]).max() / width
    bottom = (boxes[:, 1] + boxes[:, 3]).max() / height
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return OcrLine(text=" ".join(one[11] for one in words), score=1.0, polygon=corners)


def folded(text: str) -> str:
    return " ".join(text.casefold().split())


def bare(value: str) -> str:
    return re.sub(r"\s+", "", value.casefold()).strip(".,:;-")


def word_f1(said: str, true: str) -> float:
    ours, theirs = Counter(said.split()), Counter(true.split())
    shared = sum((ours & theirs).values())
    return 2 * shared / max(1, sum(ours.values()) + sum(theirs.values()))


def distance(one: str, other: str) -> int:
    """Edit distance, by bit vectors (G. Myers 1999, in the form of H. Hyyrö 2003)."""
    if not one:
        return len(other)
    places: dict[str, int] = {}
    for place, character in enumerate(one):
        places[character] = places.get(character, 0) | 1 << place
    whole, last = (1 << len(one)) - 1, 1 << (len(one) - 1)
    up, down, score = whole, 0, len(one)
    for character in other:
        same = places.get(character, 0) | down
        across = (((places.get(character, 0) & up) + up) ^ up) | places.get(character, 0) | down
        grown, shrunk = down | ~(across | up) & whole, up & across
        score += bool(grown & last) - bool(shrunk & last)
        grown, shrunk = (grown << 1 | 1) & whole, (shrunk << 1) & whole
        up, down = shrunk | ~(same | grown) & whole, grown & same
    return score


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
