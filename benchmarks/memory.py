"""Resident memory of an ingest at 100, 1,000 and 10,000 images: it must stay flat (limit 1.5 from 1,000 to 10,000).

The last line is the end of the run: fitting the adapter and building the indexes take some hundred megabytes more,
bounded by the sample that the adapter is fitted on.

The images are small and all models but the encoder are off, so that ten thousand take minutes; what memory depends on
(lists, commits, the store, the adapter) is the same.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.ingest import resident_mb

END = -1


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory")
    parser.add_argument("--images", type=int, default=10_000)
    args = parser.parse_args(arguments)
    marks = [n for n in (100, 1_000, 10_000) if n <= args.images]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _pictures(root / "photos", args.images)
        seen = _ingest(root, marks)
    end = seen.pop(END)
    for images, megabytes in seen.items():
        print(f"at {images:>6} images   {megabytes:8.0f} MB")
    print(f"ratio of the last two {seen[marks[-1]] / seen[marks[-2]]:4.2f}   (limit 1.5)")
    print(f"at the end         {end:8.0f} MB")


def _pictures(target: Path, count: int) -> None:
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    for number in range(count):
        place = target / f"{number // 1000:02}"
        place.mkdir(parents=True, exist_ok=True)
        low = rng.integers(0, 255, (6, 8, 3), np.uint8)
        Image.fromarray(low).resize((160, 120), Image.Resampling.BICUBIC).save(place / f"{number:05}.jpg")


def _ingest(root: Path, marks: list[int]) -> dict[int, float]:
    import foveal
    from foveal.types.ingestions import IngestionProgress

    seen: dict[int, float] = {}

    def observe(progress: IngestionProgress) -> None:
        for mark in marks:
            if progress.done >= mark and mark not in seen:
                seen[mark] = resident_mb()

    off = {f"understanding__{name}": False for name in ("objects", "ocr", "safety")}
    with foveal.open(root / "home", **off) as home:
        home.ingest([root / "photos"], observe=observe)
    seen[END] = resident_mb()
    return seen


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
