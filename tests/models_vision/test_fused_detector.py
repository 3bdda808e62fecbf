from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foveal.models.cards import Card
from foveal.models.fused_detector import FusedDetector, fuse
from foveal.models.labels import coco_labels
from foveal.models.nanodet import NanoDet
from foveal.models.objects import both, local_objects
from foveal.models.pull import ModelFolder
from foveal.models.ssdlite import SsdLite
from foveal.ports.models import ObjectDetector
from foveal.testing.contracts.object_detector import ObjectDetectorContract
from foveal.testing.fakes_vision import FakeObjectDetector
from foveal.types.content import DetectedObject, Detections
from foveal.types.locators import Box
from foveal.types.vectors import Pixels

NOTHING = np.zeros((4, 4, 3), np.uint8)


class Saw:
    """A detector that sees the same in every picture."""

    def __init__(self, name: str, *objects: DetectedObject) -> None:
        self.identity = name
        self.classes = coco_labels()
        self._objects = objects

    def detect(self, images: Sequence[Pixels]) -> list[Detections]:
        scores = np.zeros((len(self.classes), 2), np.float32)
        for one in self._objects:
            row = scores[self.classes.index(one.label)]
            row[1] = max(row[1], one.score)
        return [Detections(objects=self._objects, class_scores=scores) for _ in images]


def seen(label: str, score: float, x: float, *, size: float = 0.4) -> DetectedObject:
    return DetectedObject(label=label, score=score, box=Box(x=x, y=0.1, width=size, height=size))


def fused(*parts: Saw, threshold: float = 0.4, doubt: float = 0.1) -> Detections:
    return FusedDetector(parts, threshold=threshold, doubt=doubt).detect([NOTHING])[0]


class TestFusedFakes(ObjectDetectorContract):
    @pytest.fixture
    def detector(self) -> ObjectDetector:
        return FusedDetector((FakeObjectDetector(), FakeObjectDetector()), threshold=0.4, doubt=0.1)


class TestBoth(ObjectDetectorContract):
    @pytest.fixture
    def detector(self, pulled: Callable[[str], Card], model_folder: ModelFolder) -> ObjectDetector:
        pulled("nanodet")
        pulled("ssdlite")
        return both(model_folder)


def test_what_both_see_is_one_object_between_their_boxes_and_scores_the_root_of_their_mean() -> None:
    found = fused(Saw("a", seen("dog", 0.9, 0.1)), Saw("b", seen("dog", 0.3, 0.14)))
    (dog,) = found.objects
    assert dog.score == pytest.approx(0.6**0.5)
    assert dog.box.x == pytest.approx((0.9 * 0.1 + 0.3 * 0.14) / 1.2)
    assert not found.doubtful


def test_what_one_of_two_sees_counts_half() -> None:
    found = fused(Saw("a", seen("dog", 0.9, 0.1)), Saw("b", seen("cat", 0.08, 0.5)))
    assert [(one.label, one.score) for one in found.objects] == [("dog", pytest.approx(0.45**0.5))]
    assert [(one.label, one.score) for one in found.doubtful] == [("cat", pytest.approx(0.2))]


def test_two_of_a_kind_side_by_side_stay_two() -> None:
    found = fused(Saw("a", seen("dog", 0.9, 0.0), seen("dog", 0.8, 0.5)), Saw("b", seen("dog", 0.7, 0.5)))
    assert [round(one.box.x, 3) for one in found.objects] == [0.5, 0.0]


def test_a_person_is_told_one_name_of_a_thing_and_the_other_is_doubtful() -> None:
    both_names = (seen("frisbee", 0.9, 0.1), seen("sports ball", 0.8, 0.1))
    found = fused(Saw("a", *both_names), Saw("b", *both_names))
    assert [one.label for one in found.objects] == ["frisbee"]
    assert [one.label for one in found.doubtful] == ["sports ball"]


def test_a_name_half_as_likely_as_another_of_the_same_thing_is_not_even_doubtful() -> None:
    seen_both = (seen("frisbee", 0.9, 0.1), seen("dog", 0.4, 0.1), seen("cat", 0.4, 0.5))
    found = fused(Saw("a", *seen_both), Saw("b", *seen_both), threshold=0.8)
    assert [one.label for one in (*found.objects, *found.doubtful)] == ["frisbee", "cat"]


def test_the_best_scores_of_the_classes_have_the_first_detectors_form_and_are_no_lower_than_the_objects() -> None:
    found = fused(Saw("a", seen("dog", 0.2, 0.1)), Saw("b", seen("cat", 0.9, 0.5)))
    assert found.class_scores.shape == (80, 2)
    assert found.class_scores[coco_labels().index("dog")].tolist() == pytest.approx([0.0, 0.1**0.5])
    assert found.class_scores[coco_labels().index("cat")].max() == pytest.approx(0.45**0.5)


def test_nanodets_of_different_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="same classes"):
        FusedDetector((FakeObjectDetector(), Saw("a")), threshold=0.4, doubt=0.1)


def test_the_identity_changes_with_the_parts_and_with_every_threshold() -> None:
    one, other = Saw("one"), Saw("other")
    made = [
        FusedDetector((one, other), threshold=0.4, doubt=0.1),
        FusedDetector((one,), threshold=0.4, doubt=0.1),
        FusedDetector((one, other), threshold=0.5, doubt=0.1),
        FusedDetector((one, other), threshold=0.4, doubt=0.2),
        FusedDetector((one, other), threshold=0.4, doubt=0.1, overlap=0.7),
    ]
    assert len({detector.identity for detector in made}) == len(made)


boxes = st.builds(
    seen, st.sampled_from(["dog", "cat"]), st.floats(0.01, 1), st.floats(0, 0.6), size=st.floats(0.1, 0.4)
)


@settings(deadline=None)
@given(st.lists(st.lists(boxes, max_size=6), min_size=1, max_size=3))
def test_no_class_is_lost_and_nothing_outranks_the_best_by_fusion(parts: list[list[DetectedObject]]) -> None:
    found = fuse(parts, overlap=0.55)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    every = [one for part in parts for one in part]
    for label in ("dog", "cat"):
        before = [one for one in every if one.label == label]
        after = [one for one in found if one.label == label]
        assert bool(before) == bool(after)
        assert len(after) <= len(before)
        if before:
            assert max(one.score for one in after) <= max(one.score for one in before) ** 0.5 + 1e-9
            assert min(one.box.x for one in after) >= min(one.box.x for one in before) - 1e-9
    assert all(one.box.width > 0 for one in found)


def test_without_one_of_the_weights_the_other_detector_works_alone_and_without_both_none_does(
    tmp_path: Path, pulled: Callable[[str], Card], model_folder: ModelFolder
) -> None:
    for name in ("nanodet", "ssdlite"):
        pulled(name)
    kinds: dict[str, type[object] | None] = {}
    for names in ((), ("nanodet",), ("ssdlite",), ("nanodet", "ssdlite")):
        folder = tmp_path / "-".join(("models", *names))
        folder.mkdir()
        for name in names:
            (folder / name).symlink_to(model_folder.root / name)
        found = local_objects(ModelFolder(folder, offline=True))
        kinds["+".join(names)] = type(found) if found else None
    assert kinds == {"": None, "nanodet": NanoDet, "ssdlite": SsdLite, "nanodet+ssdlite": FusedDetector}


def test_two_detectors_never_share_a_cache_entry(model_folder: ModelFolder) -> None:
    identities = [one.identity for one in (NanoDet(model_folder), SsdLite(model_folder), both(model_folder))]
    assert all(one != other for one, other in combinations(identities, 2))
