from __future__ import annotations

import json
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from foveal.errors import ModelUnavailableError
from foveal.models.cards import Card
from foveal.models.nanodet import NanoDet, decode_boxes
from foveal.models.pull import ModelFolder
from foveal.models.suppression import non_maximum_suppression
from foveal.ports.models import ObjectDetector
from foveal.testing.contracts.object_detector import ObjectDetectorContract
from foveal.testing.fakes_vision import FakeObjectDetector
from foveal.types.content import DetectedObject
from foveal.types.locators import Box
from foveal.types.vectors import Pixels

from .golden_objects import assert_finds

GOLDEN = json.loads((Path(__file__).parent / "golden" / "nanodet.json").read_text())


@pytest.fixture(scope="module")
def local(pulled: Callable[[str], Card], model_folder: ModelFolder) -> NanoDet:
    pulled("nanodet")
    return NanoDet(model_folder)


class TestFakeObjectDetector(ObjectDetectorContract):
    @pytest.fixture
    def detector(self) -> ObjectDetector:
        return FakeObjectDetector()


class TestNanoDet(ObjectDetectorContract):
    @pytest.fixture
    def detector(self, local: NanoDet) -> ObjectDetector:
        return local


@pytest.mark.parametrize("name", list(GOLDEN))
def test_objects_and_boxes_are_those_of_the_golden_file(
    local: NanoDet, sample: Callable[[str], Pixels], name: str
) -> None:
    assert_finds(local, sample(name), GOLDEN[name])


def test_boxes_agree_with_people_on_coco_photographs(local: NanoDet, test_data: Path) -> None:
    rows = [json.loads(line) for line in (test_data / "boxes" / "boxes.jsonl").read_text().splitlines()][:40]
    right = wrong = there = 0
    for row in rows:
        image = np.array(Image.open(test_data / row["file"]).convert("RGB"))
        height, width = image.shape[:2]
        people = [
            DetectedObject(
                label=one["label"],
                score=1.0,
                box=Box(
                    x=one["bbox"][0] / width,
                    y=one["bbox"][1] / height,
                    width=one["bbox"][2] / width,
                    height=one["bbox"][3] / height,
                ),
            )
            for one in row["objects"]
        ]
        there += sum(one.box.width * one.box.height > 0.05 for one in people)
        (found,) = local.detect([image])
        for one in found.objects:
            agreed = any(other.label == one.label and overlap(one.box, other.box) >= 0.5 for other in people)
            right += agreed
            wrong += not agreed
    assert right / (right + wrong) > 0.7
    assert right / there > 0.6


def overlap(one: Box, other: Box) -> float:
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    shared = max(width, 0.0) * max(height, 0.0)
    return shared / max(one.width * one.height + other.width * other.height - shared, 1e-9)


def test_a_higher_threshold_keeps_the_better_objects_and_the_same_class_scores(
    local: NanoDet, model_folder: ModelFolder, sample: Callable[[str], Pixels]
) -> None:
    image = sample("coffee.png")
    strict = NanoDet(model_folder, threshold=0.6)
    (many,), (few,) = local.detect([image]), strict.detect([image])
    assert few.objects == tuple(one for one in many.objects if one.score >= 0.6)
    np.testing.assert_array_equal(many.class_scores, few.class_scores)
    assert strict.identity != local.identity


def test_a_certain_distance_of_three_cells_gives_a_box_of_six() -> None:
    logits = np.full((26 * 26, 4, 11), -30.0, np.float32)
    logits[:, :, 3] = 30.0
    boxes = decode_boxes(logits.reshape(-1, 44), 16)
    middle = boxes[13 * 26 + 13]
    np.testing.assert_allclose(middle * 416, [215.5 - 48, 215.5 - 48, 215.5 + 48, 215.5 + 48], atol=1e-3)
    assert boxes.min() >= 0
    assert boxes.max() <= 1


@settings(deadline=None)
@given(
    scores=arrays.arrays(np.float32, (12, 3), elements=st.floats(0, 1, width=32)),
    corners=arrays.arrays(np.float32, (12, 2, 2), elements=st.floats(0, 1, width=32)),
)
def test_what_is_kept_is_the_best_of_each_heap_and_overlaps_little(
    scores: npt.NDArray[np.float32], corners: npt.NDArray[np.float32]
) -> None:
    boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
    kept = non_maximum_suppression(scores, boxes, threshold=0.4, overlap=0.5)
    assert (kept[:, 1] >= np.float32(0.4)).all()
    assert (np.diff(kept[:, 1]) <= 0).all()
    for one, other in combinations(kept, 2):
        if one[0] == other[0]:
            assert overlap(box_of(one[2:]), box_of(other[2:])) <= 0.5 + 1e-4
    for label in range(scores.shape[1]):
        best = scores[:, label].max()
        if best >= np.float32(0.4):
            assert best in kept[kept[:, 0] == label][:, 1]


def box_of(row: npt.NDArray[np.float32]) -> Box:
    left, top, right, bottom = (float(value) for value in row)
    return Box(x=left, y=top, width=right - left, height=bottom - top)


def test_boxes_of_different_classes_do_not_suppress_each_other() -> None:
    boxes = np.array([[0.1, 0.1, 0.5, 0.5]] * 2, np.float32)
    scores = np.array([[0.9, 0.0], [0.0, 0.8]], np.float32)
    kept = non_maximum_suppression(scores, boxes, threshold=0.5, overlap=0.5)
    assert kept[:, 0].tolist() == [0, 1]


def test_offline_without_weights_it_says_what_to_pull(tmp_path: Path) -> None:
    detector = NanoDet(ModelFolder(tmp_path, offline=True))
    with pytest.raises(ModelUnavailableError, match="foveal models pull nanodet"):
        detector.detect([np.zeros((4, 4, 3), np.uint8)])


def test_the_fake_finds_pure_colours_where_they_are() -> None:
    image = np.zeros((10, 20, 3), np.uint8)
    image[2:6, 5:15] = (255, 0, 0)
    fake = FakeObjectDetector()
    (found,) = fake.detect([image])
    assert found.objects == (DetectedObject(label="red", score=1.0, box=Box(x=0.25, y=0.2, width=0.5, height=0.4)),)
    assert (fake.calls, fake.images) == (1, 1)
