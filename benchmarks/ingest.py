"""Ingest against the bare sum of its model calls on the same images, both over the same cores; and memory.

Prints: seconds of the model calls alone, of the first ingest, of a second one that has nothing to do, the ratio
(limit 1.15), and the growth of resident memory from the hundredth photo to the last.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.data import test_data


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest")
    parser.add_argument("--photos", type=int, default=1080)
    parser.add_argument("--no-models", action="store_true", help="skip the bare model calls")
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        photos = _collect(root / "photos", args.photos)
        first, second, memory = _ingest(root)
        print(f"photos                        {len(photos)}")
        if not args.no_models:
            bare = _model_calls(photos)
            print(f"model calls alone             {bare:8.1f} s")
            print(f"ratio ingest / model calls    {first / bare:8.2f}   (limit 1.15)")
        print(f"ingest                        {first:8.1f} s   {len(photos) / first:.1f} photos/s")
        print(f"ingest again, nothing to do   {second:8.1f} s")
        print(f"resident memory at 100 photos {memory[0]:8.0f} MB, at the end {memory[1]:.0f} MB")


def _collect(target: Path, count: int) -> list[Path]:
    source = test_data() / "photos"
    photos = sorted(p for p in source.rglob("*") if p.suffix in {".jpg", ".jpeg", ".png"})[:count]
    for photo in photos:
        place = target / photo.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(photo, place)
    return photos


def _ingest(root: Path) -> tuple[float, float, tuple[float, float]]:
    import foveal
    from foveal.types.ingestions import IngestionProgress

    early: list[float] = []

    def observe(progress: IngestionProgress) -> None:
        if progress.done >= 100 and not early:
            early.append(resident_mb())

    with foveal.open(root / "home") as home:
        _warm(home)
        started = time.monotonic()
        home.ingest([root / "photos"], observe=observe)
        first = time.monotonic() - started
        late = resident_mb()
    with foveal.open(root / "home") as home:
        started = time.monotonic()
        home.ingest([root / "photos"])
        second = time.monotonic() - started
    return first, second, (early[0] if early else late, late)


def _warm(home: object) -> None:
    """Load the models, which the ratio is not about."""
    import numpy as np

    models = home.models  # type: ignore[attr-defined]
    pixels = np.zeros((240, 320, 3), np.uint8)
    models.image.encode([pixels])
    for model, call in ((models.objects, "detect"), (models.safety, "score_images")):
        if model is not None:
            getattr(model, call)([pixels])
    if models.ocr is not None:
        models.ocr.recognize(pixels)
    models.text.embed_passages(["warm"])


def _model_calls(photos: list[Path]) -> float:
    """Every model call of an ingest, on decoded images, with as many threads; decoding is not counted."""
    import foveal
    from foveal.pipeline.words import words_to_embed
    from foveal.retrieval.regions import choose_regions, region_square

    with tempfile.TemporaryDirectory() as folder, foveal.open(folder) as home:
        _warm(home)
        models = home.models
        reader = home.parts.image_reader
        decode_lock = threading.Lock()
        spent = [0.0]

        def one(path: Path) -> None:
            from foveal.types.assets import Asset, AssetId, MediaKind

            data = path.open("rb")
            asset = Asset(
                asset_id=AssetId(""), path=path.name, media_type="image/jpeg", kind=MediaKind.IMAGE, size_bytes=1
            )
            content = next(iter(reader.read(asset, data)))
            started = time.monotonic()
            models.image.encode([content.pixels])
            found = models.objects.detect([content.pixels])[0] if models.objects else None
            if found is not None and home.settings.understanding.regions:
                height, width = content.pixels.shape[:2]
                boxes = choose_regions(found, width_px=width, height_px=height)
                if boxes:
                    models.image.encode([region_square(content.pixels, box) for box in boxes])
            lines = models.ocr.recognize(content.pixels) if models.ocr else ()
            if models.safety:
                models.safety.score_images([content.pixels])
            words = words_to_embed("", "", "\n".join(line.text for line in lines))
            if words:
                models.text.embed_passages([words])
            with decode_lock:
                spent[0] += time.monotonic() - started

        workers = home.settings.worker_count
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(one, photos))
        return spent[0] / workers


def resident_mb() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
