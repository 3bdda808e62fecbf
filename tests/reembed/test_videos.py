"""R7, V1: a video index whose vectors were made anew with another model is asked and added to like any other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from foveal.models.cards import Card
from foveal.runtime import Foveal
from foveal.settings import load
from foveal.testing.openai_server import OpenAIServer
from foveal.testing.serving import served
from foveal.testing.videos import Scene, video_of
from foveal.types.sources import Secret
from foveal.types.videos import IndexFeature, VideoMode, VideoQuery, VideoTask

DIM = 64


@pytest.fixture
def storage() -> Iterator[str]:
    """A server with a short video at every address."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        low = np.random.default_rng(len(Request(scope).url.path)).integers(0, 255, (6, 8, 3), np.uint8)
        pixels = np.kron(low, np.ones((16, 16, 1), np.uint8))
        await Response(video_of([Scene(pixels=pixels, seconds=1)]), media_type="video/mp4")(scope, receive, send)

    with served(app) as url:
        yield url


def test_a_video_index_made_anew_with_another_model_takes_further_videos_and_is_asked(
    tmp_path: Path, models_dir: Path, pulled: Callable[[str], Card], storage: str
) -> None:
    for card in ("multilingual-e5-small", "efficientnet-lite2"):
        pulled(card)
    with OpenAIServer() as server:
        deployment = {"kind": "embedding", "base_url": server.base_url, "model": "served", "dim": DIM, "retries": 0}
        flags = {
            "home": str(tmp_path / "home"),
            "models": str(models_dir),
            "fetch.allow": "127.0.0.1",
            "speech.on": False,
            **{f"understanding.{role}": False for role in ("objects", "ocr", "safety", "regions")},
            "deployments": {"served": deployment},
        }
        with Foveal(load(flags, environ={})) as home:
            _added(home, storage, "a")
            home.reembed("talks", "served")
            _added(home, storage, "bb")
            record = home.catalog.index("talks")
            found = home.vision.videos.find(["talks"], VideoQuery(text="a coloured pattern"), None)
    assert record.text_model == "served"
    assert {hit.document_id for hit in found} == {"a", "bb"}


def _added(home: Foveal, url: str, name: str) -> None:
    videos = home.vision.videos
    if not videos.registered("talks"):
        features = (IndexFeature(name="vision"),)
        videos.create("talks", fields=(), language="en", features=features, user_data={}, groups=())
    videos.start(
        "talks", name, [VideoTask(mode=VideoMode.ADD, document_id=name, url=Secret(f"{url}/{name}.mp4"))], None
    )
    home.jobs.run_next()
    assert videos.ingestion("talks", name, None).state == "Completed"
