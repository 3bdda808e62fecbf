"""azure-ai-vision-imageanalysis, the vendor's own client, against the Image Analysis face of a started server."""

from __future__ import annotations

import pytest

from .conftest import Server
from .environments import CLIENTS, python_of
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


def test_the_client_reads_one_feature_alone(said: Outcomes) -> None:
    assert said["one feature"]["tags"]
    assert said["one feature"]["caption"] is None


def test_the_client_understands_what_is_wrong(said: Outcomes) -> None:
    for name in ("bad image", "bad address"):
        assert said[name]["error"] == "HttpResponseError"
        assert said[name]["status"] == 400
    assert "InvalidRequest" in str(said["bad image"]["says"])
    assert said["bad key"]["error"] == "ClientAuthenticationError"
