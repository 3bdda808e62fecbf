"""Text→image on photos held back from the adapter, with 0, 50, 200 and 500 others described (U10).

    python -m benchmarks text_to_image

Of the photos, 500 are held back; their human captions (five each) are the questions, and each must find its own photo
among the 500. Of the others so many are described (two captions joined). Three draws; means. Beside it, keyword search
over descriptions only: it finds no photo that has none, so its figure is what *describing every one of the 500* gives.
On noise: a draw moves R@10 by about .01.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from benchmarks.bm25 import Bm25
from benchmarks.data import test_data
from foveal.models.image_encoder import EfficientNetLite
from foveal.models.objects import both
from foveal.models.pull import ModelFolder
from foveal.models.text_embedder import LocalTextEmbedder
from foveal.retrieval.adapter import FeatureLayout, fit, image_features
from foveal.retrieval.text_space import TextSpace, build_text_space
from foveal.settings import load

GALLERY = 500
DESCRIBED = (0, 50, 200, 500)
DRAWS = 3


@dataclass(frozen=True)
class Collection:
    features: npt.NDArray[np.float32]
    descriptions: npt.NDArray[np.float32]
    questions: npt.NDArray[np.float32]
    captions: list[list[str]]
    space: TextSpace
    layout: FeatureLayout


def collect(data: Path, cache: Path | None) -> Collection:
    photos = [json.loads(line) for line in (data / "photos" / "captions.jsonl").read_text("utf-8").splitlines()]
    captions = [photo["captions"][:5] for photo in photos]
    if cache is not None and cache.is_file():
        stored = np.load(cache, allow_pickle=False)
    else:
        stored = compute(data, [photo["file"] for photo in photos], captions)
        if cache is not None:
            np.savez(cache, allow_pickle=False, **stored)
    vector, labels, classes, scales = (int(n) for n in stored["layout"])
    return Collection(
        features=stored["features"],
        descriptions=stored["descriptions"],
        questions=stored["questions"],
        captions=captions,
        space=TextSpace.from_bytes(stored["space"].tobytes()),
        layout=FeatureLayout(vector=vector, labels=labels, classes=classes, scales=scales),
    )


def compute(data: Path, files: list[str], captions: list[list[str]]) -> dict[str, npt.NDArray[np.generic]]:
    folder = ModelFolder(load().models)
    encoder, detector, embedder = EfficientNetLite(folder), both(folder), LocalTextEmbedder(folder)
    features = []
    for file in files:
        with Image.open(data / file) as opened:
            pixels = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
        features.append(image_features(encoder.encode([pixels])[0], detector.detect([pixels])[0]))
    stacked = np.stack(features)
    layout = FeatureLayout.of(
        size=stacked.shape[1], vector=encoder.dim, labels=len(encoder.labels), classes=len(detector.classes)
    )
    questions = embedder.embed_queries([caption for five in captions for caption in five])
    return {
        "features": stacked,
        "descriptions": embedder.embed_passages([" ".join(five[:2]) for five in captions]),
        "questions": questions.reshape(len(captions), 5, -1),
        "space": np.frombuffer(build_text_space(embedder, encoder.labels, detector.classes).to_bytes(), np.uint8),
        "layout": np.array([layout.vector, layout.labels, layout.classes, layout.scales]),
    }


def ranks(scores: npt.NDArray[np.float32], own: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    mine = scores[np.arange(len(own)), own]
    return np.asarray(1 + (scores > mine[:, None]).sum(axis=1))


def adapted(photos: Collection, described: int, draw: int) -> npt.NDArray[np.int64]:
    order = np.random.default_rng(draw).permutation(len(photos.features))
    held, taught = order[:GALLERY], order[GALLERY : GALLERY + described]
    adapter = fit(
        photos.features[taught],
        photos.descriptions[taught],
        collection=photos.features,
        space=photos.space,
        layout=photos.layout,
    )
    questions = photos.questions[held].reshape(GALLERY * 5, -1)
    return ranks(adapter.query(questions) @ adapter.project(photos.features[held]).T, np.repeat(np.arange(GALLERY), 5))


def by_keywords(photos: Collection, draw: int) -> npt.NDArray[np.int64]:
    """BM25 over the first caption of each held-back photo, the other four being the questions."""
    held = np.random.default_rng(draw).permutation(len(photos.features))[:GALLERY]
    engine = Bm25([photos.captions[i][0] for i in held])
    scores = np.stack([engine.scores(question) for i in held for question in photos.captions[i][1:]])
    # Ties count against it, half of them: an order among equals is luck.
    own = np.repeat(np.arange(GALLERY), 4)
    mine = scores[np.arange(len(own)), own][:, None]
    return np.asarray(1 + (scores > mine).sum(axis=1) + ((scores == mine).sum(axis=1) - 1) // 2)


def row(name: str, found: list[npt.NDArray[np.int64]]) -> dict[str, float | str]:
    rank = np.concatenate(found)
    return {
        "described": name,
        "R@1": round(float((rank <= 1).mean()), 3),
        "R@5": round(float((rank <= 5).mean()), 3),
        "R@10": round(float((rank <= 10).mean()), 3),
        "median rank": float(np.median(rank)),
    }


def main(argv: list[str]) -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--cache", type=Path, help="keep features here (npz) for the next run")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args(argv)
    photos = collect(test_data(), chosen.cache)
    rows = [row(str(n), [adapted(photos, n, draw) for draw in range(DRAWS)]) for n in DESCRIBED]
    rows.append(row("keywords, all 500 described", [by_keywords(photos, draw) for draw in range(DRAWS)]))
    if chosen.json:
        print(json.dumps(rows))
        return
    print(f"Text→image among {GALLERY} held-back photos, by others described:\n")
    print(f"{'described':<30}{'R@1':>7}{'R@5':>7}{'R@10':>7}{'median rank':>14}")
    for line in rows:
        print(f"{line['described']:<30}{line['R@1']:>7}{line['R@5']:>7}{line['R@10']:>7}{line['median rank']:>14}")


if __name__ == "__main__":
    main(sys.argv[1:])
