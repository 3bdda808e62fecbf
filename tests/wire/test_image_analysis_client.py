"""The vendor's own clients of Python and JavaScript against the Image Analysis face of a started server."""

from __future__ import annotations

import pytest

from .conftest import Server
from .environments import CLIENTS, node_script, python_of
from .test_clients import Outcomes, outcomes_of

pytestmark = pytest.mark.xdist_group("wire")


@pytest.fixture(scope="module")
def said(server: Server) -> Outcomes:
    return outcomes_of([str(python_of("image-analysis")), str(CLIENTS / "with_image_analysis.py")], server)


def test_the_client_reads_every_feature_of_a_picture_of_a_cat(said: Outcomes) -> None:
    found = said["everything"]
    assert found["size"] == [451, 300]
    assert "Egyptian Mau" in str(found["caption"])
    assert found["caption"] in found["dense"]  # type: ignore[operator]
    assert {"Egyptian Mau", *found["objects"]} <= set(found["tags"])  # type: ignore[call-overload,misc]
    x, y, width, height = found["box"]  # type: ignore[misc]
    assert min(width, height) > 100
    assert x + width <= 451
    assert y + height <= 300
    assert found["crop"] == [300, 300]
    assert found["people"] == found["objects"].count("person")  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def said_in_javascript(server: Server) -> Outcomes:
    return outcomes_of(node_script("image_analysis.mjs"), server)


def test_the_client_for_javascript_reads_the_same(said: Outcomes, said_in_javascript: Outcomes) -> None:
    found, same = said_in_javascript["everything"], said["everything"]
    assert {name: found[name] for name in ("size", "caption", "tags", "objects", "blocks")} == {
        name: same[name] for name in ("size", "caption", "tags", "objects", "blocks")
    }
    assert found["crop"] == same["crop"][0]  # type: ignore[index]
    alone = said_in_javascript["one feature"]
    assert (alone["tags"], alone["caption"]) == (said["one feature"]["tags"], None)


def test_the_client_for_javascript_understands_what_is_wrong(said_in_javascript: Outcomes) -> None:
    for name in ("bad image", "bad address"):
        assert (said_in_javascript[name]["status"], said_in_javascript[name]["code"]) == (400, "InvalidRequest")
    assert said_in_javascript["bad key"]["status"] == 401


def test_the_client_reads_one_feature_alone(said: Outcomes) -> None:
    assert said["one feature"]["tags"]
    assert said["one feature"]["caption"] is None


def test_the_client_understands_what_is_wrong(said: Outcomes) -> None:
    for name in ("bad image", "bad address"):
        assert said[name]["error"] == "HttpResponseError"
        assert said[name]["status"] == 400
    assert "InvalidRequest" in str(said["bad image"]["says"])
    assert said["bad key"]["error"] == "ClientAuthenticationError"
