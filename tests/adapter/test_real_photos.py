"""The adapter with the real models on real photos."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from foveal.models.cards import Card
from foveal.models.image_encoder import EfficientNetLite
from foveal.models.pull import ModelFolder
from foveal.models.text_embedder import LocalTextEmbedder
from foveal.retrieval.adapter import FeatureLayout, fit, image_features
from foveal.retrieval.text_space import build_text_space

PHOTOS = 60


def test_photos_that_nobody_described_are_found_by_what_they_show(
    test_data: Path, model_folder: ModelFolder, pulled: Callable[[str], Card]
) -> None:
    """60 photos, one caption each as the question; chance is .08. Without the detector, which needs npm."""
    pulled("efficientnet-lite2")
    pulled("multilingual-e5-small")
    encoder, embedder = EfficientNetLite(model_folder), LocalTextEmbedder(model_folder)
    records = [json.loads(line) for line in (test_data / "photos" / "captions.jsonl").read_text("utf-8").splitlines()]
    photos = records[-PHOTOS:]
    features = []
    for photo in photos:
        with Image.open(test_data / photo["file"]) as opened:
            pixels = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
        features.append(image_features(encoder.encode([pixels])[0], None))
    stacked = np.stack(features)
    layout = FeatureLayout.of(size=stacked.shape[1], vector=encoder.dim, labels=len(encoder.labels), classes=0)
    adapter = fit(
        stacked[:0],
        np.zeros((0, embedder.dim), np.float32),
        collection=stacked,
        space=build_text_space(embedder, encoder.labels, ()),
        layout=layout,
    )
    questions = adapter.query(embedder.embed_queries([photo["captions"][0] for photo in photos]))
    scores = questions @ adapter.project(stacked).T
    ranks = 1 + (scores > scores.diagonal()[:, None]).sum(axis=1)
    assert (ranks <= 5).mean() > 0.6
    assert np.median(ranks) <= 3
