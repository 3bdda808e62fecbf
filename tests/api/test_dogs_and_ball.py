"""The documented vision request on photos of two dogs and a ball: every one of them gets its place in the answer.

What the chat model says is given; where things are was measured by hand, as fractions: left, top, right, bottom.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from foveal.asgi import create_app
from foveal.models.cards import Card
from foveal.runtime import Foveal
from foveal.settings import load
from foveal.testing.openai_server import Faults, OpenAIServer

SAID = "Two dogs play with a ball on the ground."
PHOTOS = {
    "381514859_b40418d9c3.jpg": ([(0.12, 0.44, 0.5, 0.87), (0.37, 0.44, 0.58, 0.87)], [(0.63, 0.78, 0.72, 0.89)]),
    "3542418447_7c337360d6.jpg": ([(0.1, 0.23, 0.93, 0.84)], [(0.13, 0.52, 0.41, 0.73)]),
    "1937262236_cbf5bfa101.jpg": ([(0.0, 0.13, 0.49, 0.89), (0.45, 0.37, 1.0, 1.0)], []),
    "412101267_7257e6d8c0.jpg": ([(0.08, 0.36, 0.81, 1.0), (0.4, 0.1, 0.84, 0.87)], []),
}
"""Dogs, then balls, as far as small detectors are held to them: a toy of another form is no ball to them, nor is one in
a mouth; of the dogs of the second photo one stands before the other, and only a second place is asked of it."""

Corners = tuple[float, float, float, float]


@pytest.fixture(scope="module")
def client(
    tmp_path_factory: pytest.TempPathFactory, pulled: Callable[[str], Card], models_dir: Path
) -> Iterator[tuple[Foveal, OpenAIServer]]:
    for name in ("nanodet", "ssdlite", "pp-ocr-v6", "efficientnet-lite2"):
        pulled(name)
    with OpenAIServer() as model:
        model.faults = Faults(reply=SAID)
        flags = {
            "home": tmp_path_factory.mktemp("dogs"),
            "models": models_dir,
            "understanding.safety": False,
            "deployments": {"gpt-4": {"base_url": model.base_url, "model": "fake"}},
        }
        with Foveal(load(flags, environ={})) as foveal:
            yield foveal, model


def spans_of(url: str, photo: Path) -> list[dict[str, Any]]:
    image = f"data:image/jpeg;base64,{base64.b64encode(photo.read_bytes()).decode()}"
    body = {
        "enhancements": {"ocr": {"enabled": True}, "grounding": {"enabled": True}},
        "dataSources": [
            {"type": "AzureComputerVision", "parameters": {"endpoint": "https://example.com", "key": "none"}}
        ],
        "messages": [
            {"role": "system", "content": "You are a helpful assistant."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Describe this picture:"},
                    {"type": "image_url", "image_url": {"url": image}},
                ],
            },
        ],
        "max_tokens": 100,
        "stream": False,
    }
    path = f"{url}/openai/deployments/gpt-4/chat/completions"
    params = {"api-version": "2024-02-15-preview"}
    response = httpx.post(path, params=params, json=body, headers={"api-key": "any"}, timeout=120, trust_env=False)
    assert response.status_code == 200, response.text
    (line,) = response.json()["choices"][0]["enhancements"]["grounding"]["lines"]
    assert line["text"] == SAID
    found: list[dict[str, Any]] = line["spans"]
    return found


@pytest.mark.parametrize("name", list(PHOTOS))
def test_both_dogs_and_the_ball_of_a_photo_get_their_places(
    client: tuple[Foveal, OpenAIServer], serve: Callable[[ASGIApp], str], test_data: Path, name: str
) -> None:
    photo = test_data / "photos" / "flickr8k" / name
    if not photo.is_file():
        pytest.skip("this photo is not here")
    spans = spans_of(serve(create_app(client[0])), photo)
    named: dict[str, list[Corners]] = {"dogs": [], "ball": []}
    for span in spans:
        corners = span["polygon"]
        named[span["text"]].append((corners[0]["x"], corners[0]["y"], corners[2]["x"], corners[2]["y"]))
    dogs, balls = PHOTOS[name]
    assert len(named["dogs"]) == 2
    for true, found in ((dogs, named["dogs"]), (balls, named["ball"])):
        for one in true:
            assert max((share(one, other) for other in found), default=0.0) >= 0.5, (one, found)


def share(one: Corners, other: Corners) -> float:
    """Intersection over union."""
    across, down = (max(0.0, min(one[i + 2], other[i + 2]) - max(one[i], other[i])) for i in (0, 1))
    both = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return across * down / (both - across * down)
