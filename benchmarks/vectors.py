"""V2: vectors for callers (`retrieval:vectorizeText`, `:vectorizeImage`); nothing is ingested or learnt.

    python -m benchmarks vectors [--photos N]

Text→image: a photo's first human caption must find that photo among all of its collection. Image→image: a copy of the
photo, turned left to right and cut to its middle four fifths, must find it. Chance is beside every figure.
"""

from __future__ import annotations

import argparse
import json
import sys

import numpy as np
from PIL import Image, ImageOps

from benchmarks.data import test_data
from foveal.pipeline.vectorizing import Vectorizer
from foveal.runtime.models import Models
from foveal.settings import load
from foveal.types.vectors import FloatArray, Pixels

PHOTOS = 80


def altered(pixels: Pixels) -> Pixels:
    """Turned left to right, a tenth cut off on every side."""
    height, width = pixels.shape[:2]
    middle = pixels[height // 10 : height - height // 10, width // 10 : width - width // 10, :]
    return np.ascontiguousarray(middle[:, ::-1])


def recall(asked: FloatArray, images: FloatArray) -> list[float]:
    """R@1, R@5, R@10."""
    scores = asked @ images.T
    ranks = 1 + (scores > scores.diagonal()[:, None]).sum(axis=1)
    return [float((ranks <= k).mean()) for k in (1, 5, 10)]


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="vectors")
    parser.add_argument("--photos", type=int, default=PHOTOS, help="photos of each collection")
    photos = parser.parse_args(argv).photos
    data = test_data()
    models = Models(load())
    vectorizer = Vectorizer(
        encoder=lambda: models.image,
        detector=lambda: models.objects,
        texts=lambda: models.queries,
        space=models.text_space,
    )
    records = [json.loads(line) for line in (data / "photos" / "captions.jsonl").read_text("utf-8").splitlines()]
    print(f"space {vectorizer.name}")
    print(f"{'collection':<12}{'n':>5}  {'question':<12}{'R@1':>6}{'R@5':>6}{'R@10':>6}{'chance R@1':>12}")
    for name in ("coco", "flickr8k"):
        chosen = [record for record in records if name in record["file"]][:photos]
        opened = [Image.open(data / record["file"]) for record in chosen]
        pixels = [np.asarray(ImageOps.exif_transpose(picture).convert("RGB")) for picture in opened]
        images = np.stack([vectorizer.of_image(one).vector for one in pixels])
        asked = {
            "caption": np.stack([vectorizer.of_text(record["captions"][0]).vector for record in chosen]),
            "altered copy": np.stack([vectorizer.of_image(altered(one)).vector for one in pixels]),
        }
        for question, vectors in asked.items():
            r1, r5, r10 = recall(vectors, images)
            row = f"{name:<12}{len(chosen):>5}  {question:<12}{r1:>6.2f}{r5:>6.2f}{r10:>6.2f}{1 / len(chosen):>12.3f}"
            print(row, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
