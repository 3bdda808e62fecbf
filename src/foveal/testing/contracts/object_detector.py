"""What every `ObjectDetector` must do. Subclass it in your tests and give the fixture `detector`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from foveal.ports.models import ObjectDetector
from foveal.testing.contracts.image_encoder import synthetic_images


class ObjectDetectorContract:
    """The specification of `foveal.ports.ObjectDetector` as tests."""

    @pytest.fixture
    def detector(self) -> ObjectDetector:
        """The detector under test."""
        raise pytest.UsageError("a subclass of ObjectDetectorContract gives the fixture `detector`")

    def test_every_image_has_scores_of_every_class(self, detector: ObjectDetector) -> None:
        """[classes, scales], between 0 and 1, as many scales for each image."""
        images = synthetic_images()
        found = detector.detect(images)
        assert len(found) == len(images)
        for detections in found:
            assert detections.class_scores.shape == (len(detector.classes), found[0].class_scores.shape[1])
            assert detections.class_scores.dtype == np.float32
            assert (detections.class_scores >= 0).all()
            assert (detections.class_scores <= 1).all()

    def test_objects_lie_inside_the_image_best_first(self, detector: ObjectDetector) -> None:
        """Boxes are fractions, labels are classes, scores fall."""
        for detections in detector.detect(synthetic_images()):
            every = [*detections.objects, *detections.doubtful]
            scores = [one.score for one in every]
            assert scores == sorted(scores, reverse=True)
            for one in every:
                assert one.label in detector.classes
                assert 0 <= one.score <= 1
                assert 0 <= one.box.x <= one.box.x + one.box.width <= 1 + 1e-6
                assert 0 <= one.box.y <= one.box.y + one.box.height <= 1 + 1e-6

    def test_an_object_scores_no_more_than_its_class(self, detector: ObjectDetector) -> None:
        """`class_scores` holds the best score of each class."""
        for detections in detector.detect(synthetic_images()):
            for one in (*detections.objects, *detections.doubtful):
                best = detections.class_scores[detector.classes.index(one.label)].max()
                assert one.score <= best + 1e-6

    def test_no_images_give_no_detections(self, detector: ObjectDetector) -> None:
        """Empty input is fine."""
        assert detector.detect([]) == []

    def test_the_company_of_other_images_changes_nothing(self, detector: ObjectDetector) -> None:
        """Results come in the order of the images."""
        images = synthetic_images()
        for image, together in zip(images, detector.detect(images), strict=True):
            (alone,) = detector.detect([image])
            np.testing.assert_allclose(alone.class_scores, together.class_scores, atol=1e-4)
            assert [one.label for one in alone.objects] == [one.label for one in together.objects]

    def test_several_threads_may_detect_at_once(self, detector: ObjectDetector) -> None:
        """And find the same as one."""
        images = synthetic_images()[:2]
        expected = detector.detect(images)
        with ThreadPoolExecutor(4) as pool:
            for found in pool.map(lambda _: detector.detect(images), range(4)):
                for one, other in zip(found, expected, strict=True):
                    np.testing.assert_allclose(one.class_scores, other.class_scores, atol=1e-4)

    def test_it_has_an_identity_and_classes_without_repetition(self, detector: ObjectDetector) -> None:
        """Cache keys are made of the identity, rows of the classes."""
        assert detector.identity.strip()
        assert len(set(detector.classes)) == len(detector.classes) > 0
