"""The Image Analysis face on the wire."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from foveal.testing.fakes_eyes import fake_vision

from .conftest import BLUE, GREEN, RED, SeeingEngine, picture_of

ALL = "caption,denseCaptions,tags,objects,read,people,smartCrops"
PICTURE = picture_of((RED, (16, 8, 48, 40)), (GREEN, (120, 40, 160, 80)))


def analyzed(http: httpx.Client, features: str = ALL, data: bytes = PICTURE, **params: str) -> dict[str, Any]:
    reply = http.post(
        "/computervision/imageanalysis:analyze",
        params={"api-version": "2023-10-01", "features": features, **params},
        content=data,
        headers={"content-type": "application/octet-stream"},
    )
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_objects_come_with_boxes_in_pixels_of_the_image(http: httpx.Client) -> None:
    got = analyzed(http, "objects")
    assert got["metadata"] == {"width": 160, "height": 80}
    places = {o["tags"][0]["name"]: o["boundingBox"] for o in got["objectsResult"]["values"]}
    assert places == {"red": {"x": 16, "y": 8, "w": 32, "h": 32}, "green": {"x": 120, "y": 40, "w": 40, "h": 40}}


def test_only_what_is_asked_for_is_in_the_reply(http: httpx.Client) -> None:
    assert set(analyzed(http, "tags")) == {"modelVersion", "metadata", "tagsResult"}
    assert set(analyzed(http)) == {
        "modelVersion", "metadata", "captionResult", "denseCaptionsResult", "tagsResult", "objectsResult", "readResult",
        "peopleResult", "smartCropsResult",
    }  # fmt: skip


def test_without_a_vision_model_the_caption_lists_what_was_detected(http: httpx.Client) -> None:
    caption = analyzed(http, "caption")["captionResult"]
    assert {"a red", "a green"} <= set(caption["text"].split(" and "))
    assert 0 < caption["confidence"] <= 1


def test_with_a_vision_model_the_caption_is_its_first_sentence_and_may_be_neutral(
    http: httpx.Client, engine: SeeingEngine
) -> None:
    engine.vision = fake_vision(captions=True)
    assert analyzed(http, "caption")["captionResult"]["text"].startswith("A man shows picture")
    assert "glad" not in analyzed(http, "caption")["captionResult"]["text"]
    neutral = analyzed(http, "caption", **{"gender-neutral-caption": "true"})
    assert neutral["captionResult"]["text"].startswith("A person shows picture")


def test_a_vision_model_is_not_asked_where_no_words_are_wanted(http: httpx.Client, engine: SeeingEngine) -> None:
    def never(_: object) -> object:
        raise AssertionError("a caption was paid for")

    object.__setattr__(engine.vision, "caption", never)
    assert analyzed(http, "tags,read,objects")["tagsResult"]["values"]


def test_dense_captions_begin_with_the_whole_image(http: httpx.Client) -> None:
    values = analyzed(http, "denseCaptions")["denseCaptionsResult"]["values"]
    assert values[0]["boundingBox"] == {"x": 0, "y": 0, "w": 160, "h": 80}
    assert {value["text"] for value in values[1:]} == {"a red", "a green"}


def test_text_has_lines_and_words_with_corners(http: httpx.Client) -> None:
    line = analyzed(http, "read")["readResult"]["blocks"][0]["lines"][0]
    assert line["text"] == "EXIT 12"
    assert line["boundingPolygon"] == [{"x": 40, "y": 40}, {"x": 120, "y": 40}, {"x": 120, "y": 50}, {"x": 40, "y": 50}]
    assert [word["text"] for word in line["words"]] == ["EXIT", "12"]
    assert line["words"][0]["boundingPolygon"][1]["x"] < line["words"][1]["boundingPolygon"][0]["x"]
    assert line["words"][0]["confidence"] == 0.9


@pytest.mark.parametrize("version", ["2023-02-01-preview", "2023-04-01-preview"])
def test_the_previews_have_text_as_pages_and_content(http: httpx.Client, version: str) -> None:
    read = analyzed(http, "read", **{"api-version": version})["readResult"]
    assert "blocks" not in read
    assert read["content"] == "EXIT 12"
    page = read["pages"][0]
    assert page["lines"][0]["boundingBox"] == [40, 40, 120, 40, 120, 50, 40, 50]
    at = page["words"][1]["span"]
    assert read["content"][at["offset"] : at["offset"] + at["length"]] == "12"


def test_a_smart_crop_has_the_wanted_shape_and_what_was_detected(http: httpx.Client) -> None:
    data = picture_of((BLUE, (130, 20, 150, 40)))
    crops = analyzed(http, "smartCrops", data, **{"smartcrops-aspect-ratios": "1.0,0.75"})["smartCropsResult"]["values"]
    assert [crop["aspectRatio"] for crop in crops] == [1.0, 0.75]
    box = crops[0]["boundingBox"]
    assert (box["w"], box["h"]) == (80, 80)
    assert box["x"] <= 130
    assert box["x"] + box["w"] >= 150


def test_without_a_wish_the_crop_fits_the_image(http: httpx.Client) -> None:
    crop = analyzed(http, "smartCrops")["smartCropsResult"]["values"]
    assert [c["aspectRatio"] for c in crop] == [2.0]


@pytest.mark.parametrize(
    ("params", "inner"),
    [
        ({"features": ""}, "NotSupportedVisualFeature"),
        ({"features": "tags,faces"}, "NotSupportedVisualFeature"),
        ({"features": "caption", "language": "zz"}, "NotSupportedLanguage"),
        ({"features": "smartCrops", "smartcrops-aspect-ratios": "3"}, "BadArgument"),
        ({"features": "smartCrops", "smartcrops-aspect-ratios": "wide"}, "BadArgument"),
    ],
)
def test_what_cannot_be_had_is_refused_in_the_contract_s_words(
    http: httpx.Client, params: dict[str, str], inner: str
) -> None:
    reply = http.post(
        "/computervision/imageanalysis:analyze",
        params={"api-version": "2023-10-01", **params},
        content=PICTURE,
        headers={"content-type": "image/png"},
    )
    assert reply.status_code == 400
    assert reply.json()["error"]["innererror"]["code"] == inner
