from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from foveal.errors import ModelUnavailableError
from foveal.models.cards import Card
from foveal.models.pull import ModelFolder
from foveal.models.ssdlite import SsdLite, decode_offsets
from foveal.ports.models import ObjectDetector
from foveal.testing.contracts.object_detector import ObjectDetectorContract
from foveal.types.vectors import Pixels

from .golden_objects import assert_finds

GOLDEN = json.loads((Path(__file__).parent / "golden" / "ssdlite.json").read_text())


@pytest.fixture(scope="module")
def local(pulled: Callable[[str], Card], model_folder: ModelFolder) -> SsdLite:
    pulled("ssdlite")
    return SsdLite(model_folder)


class TestSsdLite(ObjectDetectorContract):
    @pytest.fixture
    def detector(self, local: SsdLite) -> ObjectDetector:
        return local


@pytest.mark.parametrize("name", list(GOLDEN))
def test_objects_and_boxes_are_those_of_the_golden_file(
    local: SsdLite, sample: Callable[[str], Pixels], name: str
) -> None:
    assert_finds(local, sample(name), GOLDEN[name])


def test_an_anchor_moved_by_its_own_size_and_doubled_is_the_box_that_the_paper_says() -> None:
    anchors = np.array([[0.2, 0.4, 0.4, 0.5]], np.float32)  # top, left, bottom, right
    offsets = np.array([[10.0, -10.0, 5 * np.log(2), 5 * np.log(3)]], np.float32)
    np.testing.assert_allclose(decode_offsets(offsets, anchors), [[0.2, 0.3, 0.5, 0.7]], atol=1e-6)


def test_offline_without_weights_it_says_what_to_pull(tmp_path: Path) -> None:
    detector = SsdLite(ModelFolder(tmp_path, offline=True))
    with pytest.raises(ModelUnavailableError, match="foveal models pull ssdlite"):
        detector.detect([np.zeros((4, 4, 3), np.uint8)])
