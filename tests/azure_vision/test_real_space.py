"""V2 with the real models: a photo's own caption is nearer to it than those of others."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from starlette.types import ASGIApp

from foveal.asgi import create_app
from foveal.models.cards import Card
from foveal.runtime import Foveal
from foveal.settings import load

PHOTOS = 12
VERSION = {"api-version": "2024-02-01", "model-version": "2023-04-15"}


@pytest.fixture(scope="module")
def product(
    tmp_path_factory: pytest.TempPathFactory, pulled: Callable[[str], Card], models_dir: Path
) -> Iterator[Foveal]:
    for name in ("multilingual-e5-small", "efficientnet-lite2", "nanodet", "ssdlite"):
        pulled(name)
    with Foveal(load({"home": tmp_path_factory.mktemp("home"), "models": models_dir}, environ={})) as foveal:
        yield foveal


@pytest.fixture
def http(product: Foveal, serve: Callable[[ASGIApp], str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=serve(create_app(product)), timeout=60, trust_env=False) as client:
        yield client


def test_photos_are_nearest_to_their_own_captions_far_more_often_than_by_chance(
    http: httpx.Client, test_data: Path
) -> None:
    """12 photos and their captions: by chance one in twelve is nearest. Nothing is ingested."""
    records = [json.loads(line) for line in (test_data / "photos" / "captions.jsonl").read_text("utf-8").splitlines()]
    photos = [record for record in records if "coco" in record["file"]][:PHOTOS]
    words = np.array([_vector(http, "Text", json={"text": photo["captions"][0]}) for photo in photos])
    images = np.array(
        [
            _vector(
                http,
                "Image",
                content=(test_data / photo["file"]).read_bytes(),
                headers={"content-type": "application/octet-stream"},
            )
            for photo in photos
        ]
    )
    scores = words @ images.T
    ranks = 1 + (scores > scores.diagonal()[:, None]).sum(axis=1)
    assert (ranks == 1).mean() >= 0.5
    assert np.median(ranks) <= 2
    assert scores.diagonal().mean() > scores.mean() + 0.2


def test_the_same_words_in_another_language_are_near(http: httpx.Client) -> None:
    english, german, other = (
        np.array(_vector(http, "Text", json={"text": text}))
        for text in ("a dog on the beach", "ein Hund am Strand", "a plate of food")
    )
    assert english @ german > english @ other + 0.2


def test_the_doctor_says_which_space_it_is(product: Foveal) -> None:
    check = next(check for check in product.checks() if check.name == "image and text vectors")
    assert check.state == "on"
    assert product.vision.vectorizer.name in check.detail


def _vector(http: httpx.Client, what: str, **send: object) -> list[float]:
    reply = http.post(f"/computervision/retrieval:vectorize{what}", params=VERSION, **send)  # type: ignore[arg-type]
    assert reply.status_code == 200, reply.text
    vector: list[float] = reply.json()["vector"]
    return vector
