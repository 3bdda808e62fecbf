"""Region search: does a crop of an object find the photo that it is from, among 1,080?

    python -m benchmarks.regions [--photos 1080] [--crops 150]

Objects of people's boxes on the COCO photos (no crowds, 64 pixels or more either way, not almost the whole photo) are
cut out and sought: as they are, mirrored, at half the size, and shifted by a tenth (what a person drags is not the
detector's box). `region` is the part as a part (`--image FILE#x,y,w,h`); `image` is the same crop as an image by
itself; `whole` is the image leg alone, as before regions were indexed. Also printed: whether the place that a hit says
lies on the object, regions and bytes an image, and milliseconds a search. Text and sensitive content are not looked
for: a search for a part asks neither.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.data import test_data
from foveal.retrieval.alignment import overlap
from foveal.retrieval.regions import cut
from foveal.types.locators import Box
from foveal.types.search import Hit, Query
from foveal.types.vectors import Pixels

if TYPE_CHECKING:
    from foveal.runtime import Foveal

INDEX = "photos"
LEAST_PX = 64
ALMOST_WHOLE = 0.9
TOP = 10


def halved(pixels: Pixels) -> Pixels:
    import cv2

    small: Pixels = cv2.resize(np.ascontiguousarray(pixels), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return small


def shifted(box: Box) -> Box:
    x, y = min(box.x + 0.1 * box.width, 1 - box.width), min(box.y + 0.1 * box.height, 1 - box.height)
    return Box(x=max(x, 0.0), y=max(y, 0.0), width=box.width, height=box.height)


WAYS: dict[str, Callable[[Pixels, Box], Pixels]] = {
    "as it is": cut,
    "mirrored": lambda pixels, box: np.ascontiguousarray(cut(pixels, box)[:, ::-1]),
    "half the size": lambda pixels, box: halved(cut(pixels, box)),
    "shifted": lambda pixels, box: cut(pixels, shifted(box)),
}


def crops(data: Path, count: int) -> list[tuple[str, Pixels, Box]]:
    """Photo, its pixels and the box of an object, drawn from all objects."""
    from PIL import Image, ImageOps

    found = []
    for text in (data / "boxes" / "boxes.jsonl").read_text("utf-8").splitlines():
        line = json.loads(text)
        width, height = float(line["width"]), float(line["height"])
        with Image.open(data / line["file"]) as opened:
            pixels = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
        for one in line["objects"]:
            x, y, w, h = one["bbox"]
            if not one["iscrowd"] and min(w, h) >= LEAST_PX and w * h < ALMOST_WHOLE * width * height:
                box = Box(x=x / width, y=y / height, width=w / width, height=h / height)
                found.append((line["file"].removeprefix("photos/"), pixels, box))
    order = np.random.default_rng(0).permutation(len(found))[:count]
    return [found[place] for place in order]


def main(argv: list[str]) -> None:
    import foveal

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=1080)
    parser.add_argument("--crops", type=int, default=150)
    options = parser.parse_args(argv)
    data = test_data()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        copied = collect(data / "photos", root / "photos", options.photos)
        with foveal.open(root / "home", understanding__ocr=False, understanding__safety=False) as home:
            started = time.monotonic()
            home.ingest([root / "photos"], index=INDEX)
            print(f"{copied} photos ingested in {time.monotonic() - started:.0f} s")
            chosen = crops(data, options.crops)
            heads = f"{'crop':<16}{'sought as':<10}{'R@1':>7}{'R@5':>7}{'R@10':>7}{'place':>8}{'ms':>7}"
            print(f"{heads}   ({len(chosen)} crops)")
            for way, made in WAYS.items():
                for name in ("region", "image", "whole"):
                    print(f"{way:<16}{name:<10}{row(home, name, chosen, made)}", flush=True)
        print(storage(root, copied))


def collect(source: Path, target: Path, count: int) -> int:
    """The COCO photos, then others."""
    photos = sorted(p for p in source.rglob("*") if p.suffix in {".jpg", ".jpeg", ".png"})
    photos.sort(key=lambda path: "coco" not in path.parts)
    for photo in photos[:count]:
        place = target / photo.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(photo, place)
    return len(photos[:count])


def row(
    home: Foveal, name: str, chosen: Sequence[tuple[str, Pixels, Box]], made: Callable[[Pixels, Box], Pixels]
) -> str:
    places, right, milliseconds = [], [], []
    for file, pixels, box in chosen:
        part = made(pixels, box)
        started = time.perf_counter()
        hits = sought(home, name, part)
        milliseconds.append((time.perf_counter() - started) * 1000)
        at = next((place for place, (path, _) in enumerate(hits, start=1) if path == file), 0)
        places.append(at)
        if at and hits[at - 1][1] is not None:
            right.append(overlap(hits[at - 1][1] or box, box) >= 0.5)
    shares = "".join(f"{np.mean([0 < place <= k for place in places]):>7.3f}" for k in (1, 5, 10))
    return f"{shares}{np.mean(right) if right else 0.0:>8.2f}{np.median(milliseconds):>7.0f}"


def sought(home: Foveal, name: str, part: Pixels) -> list[tuple[str, Box | None]]:
    if name == "whole":
        snapshot = home.store.snapshot(INDEX, home.catalog.index(INDEX).generation)
        vector = home.models.image.encode([part])[0].vector
        found = snapshot.nearest("image_vector", vector, where=None, limit=TOP)
        return [(chunk.filepath, None) for chunk in snapshot.fetch([one.chunk_id for one in found], vectors=False)]
    query = Query(regions=(part,), top=TOP) if name == "region" else Query(images=(part,), top=TOP)
    hits: tuple[Hit, ...] = home.search(INDEX, query).hits
    return [(hit.chunk.filepath, hit.matched) for hit in hits]


def storage(root: Path, photos: int) -> str:
    import foveal

    used = sum(file.stat().st_size for file in (root / "home" / "indexes").rglob("*") if file.is_file())
    with foveal.open(root / "home") as home:
        snapshot = home.store.snapshot(INDEX, home.catalog.index(INDEX).generation)
        regions = sum(len(chunk.regions) for chunk in snapshot.scan())
    return f"{regions / photos:.1f} regions and {used / photos / 1024:.0f} KiB of index an image"


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
