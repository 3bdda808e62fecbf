"""Vision enhancements and attached images on the wire, with the real models on real photos.

The requests are those of Microsoft's documentation of GPT-4 Turbo with Vision: bodies copied, endpoint and key changed.
"""

from __future__ import annotations

import base64
import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from PIL import Image
from starlette.types import ASGIApp

from foveal.asgi import create_app
from foveal.models.cards import Card
from foveal.runtime import Foveal
from foveal.settings import load

from .wire import EXTENSIONS, PLAIN, events

KEY = "a key of this test"
VISION = {"type": "AzureComputerVision", "parameters": {"endpoint": "https://example.com", "key": "none"}}
COLLECTION = {"type": "azure_search", "parameters": {"index_name": "photos"}}
BOTH = {"ocr": {"enabled": True}, "grounding": {"enabled": True}}
PHOTOS = 24


@pytest.fixture(scope="module")
def photos(test_data: Path) -> list[Path]:
    """Photos, those first of which one thing fills the most."""
    lines = [json.loads(line) for line in (test_data / "boxes" / "boxes.jsonl").read_text("utf-8").splitlines()]
    lines.sort(key=lambda line: -max(_share(line, thing) for thing in line["objects"]))
    return [test_data / line["file"] for line in lines[:PHOTOS]]


def _share(line: dict[str, Any], thing: dict[str, Any]) -> float:
    _, _, width, height = thing["bbox"]
    return float(width * height / line["width"] / line["height"])


@pytest.fixture(scope="module")
def home(
    tmp_path_factory: pytest.TempPathFactory, pulled: Callable[[str], Card], models_dir: Path, photos: list[Path]
) -> Iterator[Foveal]:
    for name in ("multilingual-e5-small", "efficientnet-lite2", "nanodet", "ssdlite", "pp-ocr-v6"):
        pulled(name)
    root = tmp_path_factory.mktemp("enhancements")
    (root / "photos").mkdir()
    for photo in photos:
        shutil.copy(photo, root / "photos")
    flags = {"home": root / "home", "models": models_dir, "index": "photos", "understanding.safety": False}
    with Foveal(load(flags, environ={})) as foveal:
        foveal.ingest([root / "photos"])
        yield foveal


@pytest.fixture
def url(home: Foveal, serve: Callable[[ASGIApp], str]) -> str:
    return serve(create_app(home, api_keys=(KEY,)))


@pytest.fixture
def http(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=60, trust_env=False, headers={"api-key": KEY}) as client:
        yield client


@pytest.fixture
def azure(url: str) -> Iterator[openai.AzureOpenAI]:
    with openai.AzureOpenAI(
        azure_endpoint=url, api_key=KEY, api_version="2024-02-15-preview", max_retries=0, timeout=60
    ) as client:
        yield client


def data_url(image: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(image).decode()}"


def jpeg(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=80)
    return out.getvalue()


def asking(*images: bytes, text: str = "Describe this picture:") -> list[dict[str, Any]]:
    parts = [{"type": "image_url", "image_url": {"url": data_url(image)}} for image in images]
    return [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": [{"type": "text", "text": text}, *parts]},
    ]


def seed_body(*images: bytes, **more: object) -> dict[str, Any]:
    body = {"enhancements": BOTH, "dataSources": [VISION], "messages": asking(*images)}
    return body | {"max_tokens": 100, "stream": False} | more


def grounding(reply: dict[str, Any]) -> dict[str, Any]:
    return dict(reply["choices"][0]["enhancements"]["grounding"])


def ask(http: httpx.Client, body: dict[str, Any], path: str = PLAIN, version: str = "2024-02-15-preview") -> Any:
    response = http.post(path, params={"api-version": version}, json=body)
    assert response.status_code == 200, response.text
    return response.json()


def overlap(polygon: list[dict[str, float]], line: dict[str, Any]) -> float:
    x, y, width, height = max(line["objects"], key=lambda thing: _share(line, thing))["bbox"]
    own = (x / line["width"], y / line["height"], (x + width) / line["width"], (y + height) / line["height"])
    low, high = polygon[0], polygon[2]
    across = min(high["x"], own[2]) - max(low["x"], own[0])
    down = min(high["y"], own[3]) - max(low["y"], own[1])
    shared = max(across, 0) * max(down, 0)
    areas = (high["x"] - low["x"]) * (high["y"] - low["y"]) + (own[2] - own[0]) * (own[3] - own[1])
    return float(shared / (areas - shared))


def test_the_documented_request_is_answered_with_the_places_of_what_is_named(
    azure: openai.AzureOpenAI, photos: list[Path], test_data: Path
) -> None:
    lines = [json.loads(line) for line in (test_data / "boxes" / "boxes.jsonl").read_text("utf-8").splitlines()]
    by_file = {line["file"]: line for line in lines}
    right = 0
    for photo in photos[:5]:
        reply = azure.chat.completions.create(
            model="foveal",
            messages=asking(photo.read_bytes()),  # type: ignore[arg-type]
            max_tokens=100,
            extra_body={"enhancements": BOTH, "dataSources": [VISION]},
        )
        choice = reply.choices[0]
        assert choice.finish_reason == "stop"
        found = choice.model_extra["enhancements"]["grounding"]  # type: ignore[index]
        assert found["status"] == "Success"
        (line,) = found["lines"]
        assert line["text"] == choice.message.content
        for span in line["spans"]:
            said = line["text"][span["offset"] : span["offset"] + span["length"]]
            assert said.lower() == span["text"]
            assert [sorted(point) for point in span["polygon"]] == [["x", "y"]] * 4
            assert all(0 <= value <= 1 for point in span["polygon"] for value in point.values())
            assert "image" not in span
        truth = by_file[photo.relative_to(test_data).as_posix()]
        right += any(overlap(span["polygon"], truth) >= 0.5 for span in line["spans"])
    assert right >= 4


@pytest.mark.parametrize(
    ("path", "version"), [(EXTENSIONS, "2023-12-01-preview"), (PLAIN, "2024-02-15-preview"), (PLAIN, "2024-10-21")]
)
def test_every_path_and_version_takes_the_request_with_or_without_a_vision_source(
    http: httpx.Client, photos: list[Path], path: str, version: str
) -> None:
    image = photos[0].read_bytes()
    with_source = ask(http, seed_body(image), path, version)
    without = {k: v for k, v in seed_body(image).items() if k != "dataSources"}
    without["enhancements"] = {"grounding": {"enabled": "true"}, "video": {"enabled": False}}
    assert grounding(with_source)["lines"] == grounding(ask(http, without, path, version))["lines"]
    choice = with_source["choices"][0]
    assert choice["finish_reason"] == "stop"
    details = {"type": "stop", "stop": "<|fim_suffix|>"} if version == "2023-12-01-preview" else None
    assert choice.get("finish_details") == details


def test_a_stream_has_the_places_right_before_its_end(http: httpx.Client, photos: list[Path]) -> None:
    image = photos[0].read_bytes()
    whole = ask(http, seed_body(image))
    params = {"api-version": "2024-02-15-preview"}
    *_, before, last = events(http.post(PLAIN, params=params, json=seed_body(image, stream=True)))
    assert grounding(before) == grounding(whole)
    assert before["choices"][0]["finish_reason"] is None
    assert last["choices"][0]["finish_reason"] == "stop"


def test_with_several_images_each_span_says_which_it_is_in(http: httpx.Client, photos: list[Path]) -> None:
    reply = ask(http, seed_body(*(photo.read_bytes() for photo in photos[:3]), max_tokens=400))
    (line,) = grounding(reply)["lines"]
    assert {span["image"] for span in line["spans"]} == {0, 1, 2}


def test_without_images_there_are_no_lines_and_without_the_wish_no_enhancements(
    http: httpx.Client, photos: list[Path]
) -> None:
    body = {"enhancements": BOTH, "messages": [{"role": "user", "content": "Hello"}]}
    assert grounding(ask(http, body)) == {"lines": [], "status": "Success"}
    for enhancements in (None, {}, {"grounding": {"enabled": False}}, {"grounding": None}):
        reply = ask(http, seed_body(photos[0].read_bytes(), enhancements=enhancements))
        assert "enhancements" not in reply["choices"][0]


@pytest.mark.parametrize("wrong", [5, "on", [], {"grounding": 5}, {"ocr": {"enabled": "perhaps"}}])
def test_enhancements_of_a_wrong_type_are_the_caller_s_fault(http: httpx.Client, wrong: object) -> None:
    body = {"enhancements": wrong, "messages": [{"role": "user", "content": "Hello"}]}
    response = http.post(PLAIN, params={"api-version": "2024-02-15-preview"}, json=body)
    assert response.status_code == 400, response.text


def mirrored_crop(photo: Path) -> bytes:
    with Image.open(photo) as picture:
        width, height = picture.size
        part = picture.convert("RGB").crop((width // 10, height // 8, width, height))
    return jpeg(part.transpose(Image.Transpose.FLIP_LEFT_RIGHT))


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("how does this relate to my photos?", "near-duplicate of a part, mirrored"),
        ("Wie hängt dieses Bild mit meinen Fotos zusammen?", "fast identisch"),
    ],
)
def test_a_mirrored_and_cropped_copy_is_called_a_near_duplicate_with_its_place(
    http: httpx.Client, url: str, photos: list[Path], question: str, said: str
) -> None:
    photo = photos[3]
    body = {"messages": asking(mirrored_crop(photo), text=question), "data_sources": [COLLECTION]}
    message = ask(http, body, version="2024-10-21")["choices"][0]["message"]
    (line,) = [line for line in message["content"].splitlines() if said in line]
    assert photo.name in line
    assert "%" in line
    (cited,) = [c for c in message["context"]["citations"] if c["filepath"] == photo.name]
    number = 1 + message["context"]["citations"].index(cited)
    assert line.endswith(f"[doc{number}]")
    assert "/thumbnail?" in cited["url"]
    assert "box=" in cited["url"]
    opened = http.get(cited["url"])
    assert opened.status_code == 200
    with Image.open(io.BytesIO(opened.content)) as boxed:
        assert max(boxed.size) <= 640
    plain = http.get(cited["url"].split("?")[0], params={"size": 640})
    assert plain.content != opened.content
    assert httpx.get(cited["url"], trust_env=False).status_code == 401


def test_the_very_same_thing_in_other_surroundings_is_named_and_its_place_given_in_both_pictures(
    http: httpx.Client, home: Foveal
) -> None:
    """C5, U3."""
    snapshot = home.store.snapshot("photos", home.catalog.index("photos").generation)
    known = [(one, chunk) for chunk in snapshot.scan() for one in chunk.objects if one.box in chunk.regions]
    small = [(one, chunk) for one, chunk in known if one.box.width * one.box.height < 0.4]
    thing, chunk = max(small, key=lambda pair: pair[0].score)
    _, data = home.original("photos", chunk.chunk_id)
    with Image.open(io.BytesIO(data)) as photo:
        box, size = thing.box, photo.size
        sides = ((box.x + box.width * side - 0.05 * (1 - 2 * side), box.y + box.height * side) for side in (0, 1))
        (left, top), (right, bottom) = ((round(x * size[0]), round(y * size[1])) for x, y in sides)
        part = photo.convert("RGB").crop((left, top, right, bottom)).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    shown = Image.new("RGB", (2 * part.width, part.height + 80), (120, 140, 160))
    shown.paste(part, (shown.width - part.width, 40))

    body = {"messages": asking(jpeg(shown), text="how does this relate to my photos?"), "data_sources": [COLLECTION]}
    message = ask(http, body, version="2024-10-21")["choices"][0]["message"]
    (line,) = [line for line in message["content"].splitlines() if "same object" in line]
    assert chunk.filepath in line
    (cited,) = [c for c in message["context"]["citations"] if c["filepath"] == chunk.filepath]
    assert "box=" in cited["url"]
    got = events(http.post("/v1/chat", json={**body, "model": "foveal"}))
    (found,) = [c for c in got[0]["citations"] if c["filepath"] == chunk.filepath]
    (same,) = [one for one in found["relations"] if one["kind"] == "same_object"]
    assert same["boxes"][0] == pytest.approx({"x": box.x, "y": box.y, "width": box.width, "height": box.height})
    assert same["shown_boxes"][0]["x"] > 0.45
    assert same["image"] == 0


def test_a_photo_that_is_not_in_the_collection_is_no_near_duplicate(http: httpx.Client, test_data: Path) -> None:
    stranger = sorted((test_data / "photos" / "flickr8k").glob("*.jpg"))[0]
    body = {
        "messages": asking(stranger.read_bytes(), text="how does this relate to my photos?"),
        "data_sources": [{"type": "azure_search", "parameters": {"index_name": "photos", "strictness": 1}}],
    }
    message = ask(http, body, version="2024-10-21")["choices"][0]["message"]
    assert "near-duplicate" not in message["content"]


@pytest.mark.parametrize(
    "box", ["1,2,3", "a,b,c,d", "-1,0,1,1", "0.5,0.5,0.6,0.5", "nan,0,1,1", ";".join(["0,0,1,1"] * 33)]
)
def test_boxes_that_are_none_are_refused(http: httpx.Client, home: Foveal, box: str) -> None:
    from foveal.types.search import Query

    chunk = home.search("photos", Query(text="photo", top=1)).hits[0].chunk
    response = http.get(f"/v1/indexes/photos/chunks/{chunk.chunk_id}/thumbnail", params={"box": box})
    assert response.status_code == 400, response.text
