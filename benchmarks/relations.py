"""Is a copy of a photo known for one, and an object for the same one? They are shown to the collection, changed.

    python -m benchmarks.relations [--photos 100] [--home DIR]

The collection is all 1,080 photos, ingested into `--home` (kept between runs; default a temporary folder). For every
change: `retrieved`, the original is among the first five hits of the image alone, as a chat finds them; `named`, it is
also called a near-duplicate; `by hash`, what the perceptual hash alone would call one, mirrored or not. False
alarms: other photos among the same hits that are called near-duplicates, and a photo that is not in the collection.
Then the same for single objects: see `benchmarks.same_objects`.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image, ImageEnhance

from benchmarks.data import test_data
from benchmarks.same_objects import jpeg, same_objects
from foveal.pipeline.relating import with_copies
from foveal.readers.image_facts import perceptual_hash
from foveal.retrieval.duplicates import MAX_DISTANCE, hash_distance
from foveal.runtime import Foveal
from foveal.settings import load
from foveal.types.chat import ImageInput
from foveal.types.relations import RelationKind
from foveal.types.search import Query, SearchResult

HITS = 5
INDEX = "photos"
Change = Callable[[Image.Image, random.Random], Image.Image]


def cropped(picture: Image.Image, area: float, chance: random.Random) -> Image.Image:
    side = area**0.5
    width, height = int(picture.width * side), int(picture.height * side)
    x, y = chance.randrange(picture.width - width + 1), chance.randrange(picture.height - height + 1)
    return picture.crop((x, y, x + width, y + height))


def mirrored(picture: Image.Image) -> Image.Image:
    return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def scaled(picture: Image.Image, by: float) -> Image.Image:
    return picture.resize((int(picture.width * by), int(picture.height * by)))


CHANGES: dict[str, Change] = {
    "nothing (JPEG 75)": lambda p, _: p,
    "mirrored": lambda p, _: mirrored(p),
    "cropped to 80 %": lambda p, r: cropped(p, 0.8, r),
    "cropped to 60 %": lambda p, r: cropped(p, 0.6, r),
    "cropped to 40 %": lambda p, r: cropped(p, 0.4, r),
    "mirrored, cropped to 60 %": lambda p, r: mirrored(cropped(p, 0.6, r)),
    "mirrored, 60 %, halved": lambda p, r: scaled(mirrored(cropped(p, 0.6, r)), 0.5),
    "halved": lambda p, _: scaled(p, 0.5),
    "turned by 90°": lambda p, _: p.transpose(Image.Transpose.ROTATE_90),
    "brighter by 40 %": lambda p, _: ImageEnhance.Brightness(p).enhance(1.4),
    "grey": lambda p, _: p.convert("L").convert("RGB"),
}


@dataclass
class Counts:
    retrieved: list[bool] = field(default_factory=list)
    named: list[bool] = field(default_factory=list)
    by_hash: list[bool] = field(default_factory=list)
    others: list[bool] = field(default_factory=list)


def found_by_chat(foveal: Foveal, image: ImageInput) -> SearchResult:
    """As a chat does it."""
    result = foveal.search(INDEX, Query(images=(image.pixels,), top=2 * HITS, strictness=3))
    (result,) = with_copies([result], [image], foveal.relations)
    return replace(result, hits=result.hits[:HITS])


def main(argv: list[str]) -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--photos", type=int, default=100)
    options.add_argument("--home", type=Path)
    chosen = options.parse_args(argv)
    photos = test_data() / "photos"
    with tempfile.TemporaryDirectory() as temporary, Foveal(load({"home": chosen.home or Path(temporary)})) as foveal:
        if INDEX not in foveal.index_names():
            foveal.ingest([photos], index=INDEX)
        files = sorted(photos.rglob("*.jpg"))
        chance = random.Random(0)
        picked = chance.sample(files, chosen.photos)
        print(f"{len(files)} photos, {len(picked)} of them changed, first {HITS} hits at strictness 3\n")
        print(f"{'change':<28}{'retrieved':>10}{'named':>8}{'by hash':>9}{'false alarms':>15}{'ms in all':>12}")
        for name, change in CHANGES.items():
            row(foveal, photos, picked, name, change, chance)
        strangers(foveal, photos, picked)
        same_objects(foveal, photos, INDEX, chosen.photos)


def row(foveal: Foveal, photos: Path, picked: list[Path], name: str, change: Change, chance: random.Random) -> None:
    counts, spent = Counts(), 0.0
    for file in picked:
        with Image.open(file) as picture:
            image = foveal.open_image(jpeg(change(picture.convert("RGB"), chance)))
        foveal.look(image)
        started = time.perf_counter()
        hits = found_by_chat(foveal, image).hits
        related = foveal.relations(image, hits)
        spent += time.perf_counter() - started
        own = {h.chunk.chunk_id for h in hits if h.chunk.filepath == file.relative_to(photos).as_posix()}
        copies = {
            h.chunk.chunk_id
            for h, relations in zip(hits, related, strict=True)
            if any(r.kind is RelationKind.NEAR_DUPLICATE for r in relations)
        }
        hashes = perceptual_hash(image.pixels), perceptual_hash(image.pixels[:, ::-1].copy())
        original = next((h.chunk for h in hits if h.chunk.chunk_id in own), None)
        counts.retrieved.append(bool(own))
        counts.named.append(bool(own & copies))
        counts.others += [h.chunk.chunk_id in copies for h in hits if h.chunk.chunk_id not in own]
        theirs = original.perceptual_hash if original else None
        counts.by_hash.append(theirs is not None and any(hash_distance(h, theirs) <= MAX_DISTANCE for h in hashes))
    shares = [sum(c) / len(c) for c in (counts.retrieved, counts.named, counts.by_hash)]
    alarms = f"{sum(counts.others)} of {len(counts.others)}"
    ms = 1000 * spent / len(picked)
    print(f"{name:<28}{shares[0]:>10.0%}{shares[1]:>8.0%}{shares[2]:>9.0%}{alarms:>15}{ms:>12.0f}", flush=True)


def strangers(foveal: Foveal, photos: Path, picked: list[Path]) -> None:
    """Each photo shown as it is, its original left out of the hits: as if the collection did not have it."""
    alarms, seen = 0, 0
    for file in picked:
        image = foveal.open_image(file.read_bytes())
        name = file.relative_to(photos).as_posix()
        found = foveal.search(
            INDEX,
            Query(
                images=(image.pixels,),
                top=3 * HITS,
            ),
        ).hits
        hits = [h for h in found if h.chunk.filepath != name]
        related = foveal.relations(image, hits)
        alarms += sum(any(r.kind is RelationKind.NEAR_DUPLICATE for r in relations) for relations in related)
        seen += len(hits)
    print(f"\nnearest other photos, at any strictness, called near-duplicates: {alarms} of {seen}")


if __name__ == "__main__":
    main(sys.argv[1:])
