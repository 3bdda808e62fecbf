"""V2: vectorizeImage and vectorizeText on the wire."""

from __future__ import annotations

from typing import Any

import httpx
import numpy as np
import pytest

from foveal.testing.fakes_eyes import fake_vision
from foveal.testing.fakes_vision import FakeJointEmbedder

from .conftest import BLUE, GREEN, RED, SeeingEngine, picture_of

NEW = {"api-version": "2024-02-01", "model-version": "2023-04-15"}
OLD = {"api-version": "2023-02-01-preview", "modelVersion": "latest"}
WHOLE = (0, 0, 160, 80)


def vector_of_text(http: httpx.Client, text: str, prefix: str = "/computervision", **more: str) -> dict[str, Any]:
    reply = http.post(f"{prefix}/retrieval:vectorizeText", params={**NEW, **more}, json={"text": text})
    assert reply.status_code == 200, reply.text
    return reply.json()


def vector_of_image(http: httpx.Client, data: bytes, kind: str = "application/octet-stream") -> dict[str, Any]:
    reply = http.post(
        "/computervision/retrieval:vectorizeImage", params=NEW, content=data, headers={"content-type": kind}
    )
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_words_become_1024_floats_of_length_one_whose_space_is_named(http: httpx.Client) -> None:
    got = vector_of_text(http, "a red ball")
    assert len(got["vector"]) == 1024
    assert all(isinstance(number, float) for number in got["vector"])
    assert np.linalg.norm(got["vector"]) == pytest.approx(1, abs=1e-5)
    assert got["modelVersion"].startswith("words-")
    assert set(got) == {"modelVersion", "vector"}


@pytest.mark.parametrize("prefix", ["/computervision", ""])
@pytest.mark.parametrize("versions", [NEW, OLD, {**OLD, "overload": "stream"}])
def test_both_spellings_of_the_version_and_of_the_path_give_the_same_vector(
    http: httpx.Client, versions: dict[str, str], prefix: str
) -> None:
    reply = http.post(f"{prefix}/retrieval:vectorizeText", params=versions, json={"text": "a red ball"})
    assert reply.json() == vector_of_text(http, "a red ball")


def test_an_image_has_the_same_vector_by_address_and_as_bytes_of_either_type(
    http: httpx.Client, engine: SeeingEngine
) -> None:
    data = picture_of((RED, WHOLE))
    engine.web["https://example.org/red.png?sig=secret"] = data
    by_address = http.post(
        "/computervision/retrieval:vectorizeImage",
        params={**OLD, "overload": "stream"},
        json={"url": "https://example.org/red.png?sig=secret"},
    )
    assert by_address.status_code == 200, by_address.text
    assert by_address.json() == vector_of_image(http, data) == vector_of_image(http, data, "image/png")


def test_with_a_joint_model_words_are_nearest_to_the_image_that_shows_them_and_the_reply_says_so(
    http: httpx.Client, engine: SeeingEngine
) -> None:
    joint = FakeJointEmbedder()
    engine.vision = fake_vision(encoder=joint)
    images = [vector_of_image(http, picture_of((colour, WHOLE))) for colour in (RED, GREEN, BLUE)]
    words = vector_of_text(http, "something green")
    scores = [np.dot(words["vector"], image["vector"]) for image in images]
    assert np.argmax(scores) == 1
    exact = float(joint.embed_queries(["something green"])[0] @ joint.encode([_green()])[0].vector)
    assert scores[1] == pytest.approx(exact, abs=1e-6)
    assert {words["modelVersion"], *(image["modelVersion"] for image in images)} == {words["modelVersion"]}
    assert words["modelVersion"].startswith("joint-")


def _green() -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.full((80, 160, 3), GREEN, np.uint8)


def test_a_space_can_be_asked_for_by_its_name(http: httpx.Client) -> None:
    name = vector_of_text(http, "a red ball")["modelVersion"]
    assert vector_of_text(http, "a red ball", **{"model-version": name})["modelVersion"] == name


@pytest.mark.parametrize(
    ("path", "send", "status", "inner"),
    [
        ("vectorizeText", {"json": {"text": ""}}, 400, "BadArgument"),
        ("vectorizeText", {"json": {"text": "word " * 71}}, 400, "BadArgument"),
        ("vectorizeText", {"json": {}}, 400, "BadArgument"),
        ("vectorizeText", {"json": []}, 400, "BadArgument"),
        ("vectorizeText", {"content": b"{"}, 400, "BadArgument"),
        ("vectorizeImage", {"json": {"url": "ftp://example.org/a.png"}}, 400, "InvalidImageUrl"),
        ("vectorizeImage", {"json": {"url": "https://example.org/nothing.png"}}, 400, "InvalidImageUrl"),
        ("vectorizeImage", {"content": b"no image", "type": "application/octet-stream"}, 400, "InvalidImageFormat"),
        ("vectorizeImage", {"content": picture_of(size=(9, 200)), "type": "image/png"}, 400, "InvalidImageSize"),
        ("vectorizeImage", {"content": b"x" * (20 * 2**20 + 1), "type": "image/png"}, 400, "InvalidImageSize"),
        ("vectorizeImage", {"content": b"a=b", "type": "text/plain"}, 415, "UnsupportedMediaType"),
        ("vectorizeImage", {"content": b"", "type": "image/png"}, 400, "BadArgument"),
    ],
)
def test_what_is_wrong_is_said_in_the_contract_s_shape(
    http: httpx.Client, path: str, send: dict[str, Any], status: int, inner: str
) -> None:
    headers = {"content-type": send.pop("type")} if "type" in send else {}
    reply = http.post(f"/computervision/retrieval:{path}", params=NEW, headers=headers, **send)
    assert reply.status_code == status, reply.text
    error = reply.json()["error"]
    assert error["code"] == "InvalidRequest"
    assert error["innererror"]["code"] == inner
    assert error["innererror"]["message"]
    assert "data URL" not in error["message"]  # this face takes none
    assert "TextIn" not in error["message"]


def test_an_unknown_model_version_is_refused(http: httpx.Client) -> None:
    params = {**NEW, "model-version": "1999-01-01"}
    reply = http.post("/computervision/retrieval:vectorizeText", params=params, json={"text": "a ball"})
    assert reply.status_code == 400
    assert "2023-04-15" in reply.json()["error"]["message"]


def test_without_a_version_there_is_nothing(http: httpx.Client) -> None:
    reply = http.post("/computervision/retrieval:vectorizeText", json={"text": "a ball"})
    assert reply.status_code == 404
    assert "api-version" in reply.json()["error"]["message"]
