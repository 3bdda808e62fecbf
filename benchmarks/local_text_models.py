"""Speed of the local text embedder and of OCR, and OCR's character error rate, on one thread.

FOVEAL_TEST_DATA=... python benchmarks/local_text_models.py [--photos 160] [--receipts 50]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from foveal.models.ocr import LocalTextRecognizer
from foveal.models.pull import ModelFolder
from foveal.models.text_embedder import LocalTextEmbedder
from foveal.settings import load
from foveal.types.vectors import Pixels

DATA = Path(os.environ.get("FOVEAL_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))


def opened(path: Path) -> Pixels:
    return np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB"), dtype=np.uint8)


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


def character_errors(expected: str, found: str) -> int:
    """Levenshtein distance, a row at a time."""
    row, letters = np.arange(len(found) + 1), np.array(list(found), dtype="<U1")
    for index, letter in enumerate(expected, start=1):
        substituted = np.minimum(row[1:] + 1, row[:-1] + (letters != letter))
        row = np.minimum.accumulate(np.concatenate([[index], substituted]) - np.arange(len(row)))
        row += np.arange(len(row))
    return int(row[-1])


def folded(text: str) -> str:
    """Upper case, white space collapsed: the receipts' transcripts are upper-case."""
    return " ".join(text.upper().split())


def photos(recognizer: LocalTextRecognizer, count: int) -> None:
    files = [DATA / row["file"] for row in rows("photos/captions.jsonl")]
    times: dict[bool, list[float]] = {False: [], True: []}
    for image in map(opened, random.Random(5).sample(files, count)):
        start = time.perf_counter()
        lines = recognizer.recognize(image)
        times[bool(lines)].append((time.perf_counter() - start) * 1e3)
    for has_lines, spent in times.items():
        if spent:
            kind = "with lines" if has_lines else "without lines"
            print(f"photos {kind}: {len(spent)}, mean {np.mean(spent):.0f} ms, p95 {np.percentile(spent, 95):.0f} ms")


def receipts(recognizer: LocalTextRecognizer, count: int) -> None:
    errors = characters = 0
    spent = 0.0
    chosen = [row for row in rows("ocr/ocr.jsonl") if "/sroie/" in row["file"]][:count]
    for row in chosen:
        image, start = opened(DATA / row["file"]), time.perf_counter()
        found = " ".join(line.text for line in recognizer.recognize(image))
        spent += time.perf_counter() - start
        expected = folded(" ".join(line["text"] for line in row["lines"]))
        errors += character_errors(expected, folded(found))
        characters += len(expected)
    print(f"receipts: {len(chosen)}, CER {errors / characters:.3f}, {spent / len(chosen):.2f} s each")


def embedding(embedder: LocalTextEmbedder) -> None:
    captions = [text for row in rows("photos/captions.jsonl") for text in row["captions"]][:600]
    start = time.perf_counter()
    embedder.embed_queries(["first"])
    print(f"text embedder: opened in {time.perf_counter() - start:.2f} s")
    spent = []
    for text in captions[:100]:
        start = time.perf_counter()
        embedder.embed_queries([text])
        spent.append((time.perf_counter() - start) * 1e3)
    print(f"query: p50 {np.percentile(spent, 50):.1f} ms, p95 {np.percentile(spent, 95):.1f} ms")
    start = time.perf_counter()
    embedder.embed_passages(captions)
    print(f"captions: {len(captions) / (time.perf_counter() - start):.0f} a second")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=160)
    parser.add_argument("--receipts", type=int, default=50)
    options = parser.parse_args()
    folder = ModelFolder(load().models)
    recognizer = LocalTextRecognizer(folder)
    recognizer.recognize(np.zeros((64, 64, 3), dtype=np.uint8))
    photos(recognizer, options.photos)
    receipts(recognizer, options.receipts)
    embedding(LocalTextEmbedder(folder))


if __name__ == "__main__":
    main()
