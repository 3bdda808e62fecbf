"""What a detector found when its golden file was written."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from foveal.ports.models import ObjectDetector
from foveal.types.vectors import Pixels


def assert_finds(detector: ObjectDetector, image: Pixels, golden: dict[str, Any]) -> None:
    """Labels in their order, and scores and boxes within a hundredth."""
    (found,) = detector.detect([image])
    assert [one.label for one in found.objects] == [one["label"] for one in golden["objects"]]
    for one, expected in zip(found.objects, golden["objects"], strict=True):
        assert one.score == pytest.approx(expected["score"], abs=0.01)
        assert [one.box.x, one.box.y, one.box.width, one.box.height] == pytest.approx(expected["box"], abs=0.01)
    np.testing.assert_allclose(found.class_scores[:3], golden["class_scores"], atol=0.01)
