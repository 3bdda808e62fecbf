from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from foveal.errors import ModelUnavailableError
from foveal.models.cards import Card
from foveal.models.efficientnet_graph import write_efficientnet_lite2
from foveal.models.image_encoder import EfficientNetLite
from foveal.models.labels import coco_labels, imagenet_labels
from foveal.models.pull import ModelFolder
from foveal.ports.models import ImageEncoder
from foveal.testing.contracts.image_encoder import ImageEncoderContract
from foveal.testing.fakes_vision import FakeImageEncoder
from foveal.types.vectors import Pixels

GOLDEN = json.loads((Path(__file__).parent / "golden" / "efficientnet_lite2.json").read_text())


@pytest.fixture(scope="module")
def local(pulled: Callable[[str], Card], model_folder: ModelFolder) -> EfficientNetLite:
    pulled("efficientnet-lite2")
    return EfficientNetLite(model_folder)


class TestFakeImageEncoder(ImageEncoderContract):
    @pytest.fixture
    def encoder(self) -> ImageEncoder:
        return FakeImageEncoder()


class TestEfficientNetLite(ImageEncoderContract):
    @pytest.fixture
    def encoder(self, local: EfficientNetLite) -> ImageEncoder:
        return local


@pytest.mark.parametrize("name", list(GOLDEN))
def test_vectors_and_probabilities_are_those_of_the_golden_file(
    local: EfficientNetLite, sample: Callable[[str], Pixels], name: str
) -> None:
    (encoding,) = local.encode([sample(name)])
    np.testing.assert_allclose(encoding.vector[:16], GOLDEN[name]["vector"], atol=2e-4)
    best = np.argsort(-encoding.probabilities)[: len(GOLDEN[name]["probabilities"])]
    found = {local.labels[i]: float(encoding.probabilities[i]) for i in best}
    assert found == pytest.approx(GOLDEN[name]["probabilities"], abs=2e-3)


def test_a_crop_of_a_photograph_is_nearest_to_that_photograph(
    local: EfficientNetLite, sample: Callable[[str], Pixels]
) -> None:
    photos = [sample(name) for name in ("astronaut.png", "camera.png", "chelsea.png", "coffee.png", "brick.png")]
    crops = [photo[20:-30, 30:-20] for photo in photos]
    originals = np.stack([encoding.vector for encoding in local.encode(photos)])
    copies = np.stack([encoding.vector for encoding in local.encode(crops)])
    assert (copies @ originals.T).argmax(axis=1).tolist() == list(range(len(photos)))


def test_offline_without_weights_it_says_what_to_pull(tmp_path: Path) -> None:
    encoder = EfficientNetLite(ModelFolder(tmp_path, offline=True))
    with pytest.raises(ModelUnavailableError, match="foveal models pull efficientnet-lite2"):
        encoder.encode([np.zeros((4, 4, 3), np.uint8)])


def test_weights_of_another_network_are_not_made_into_a_graph(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        write_efficientnet_lite2({"conv1.weight": np.zeros((1, 1, 1, 1), np.float32)}, tmp_path / "graph.onnx")


def test_every_class_has_a_name_of_its_own() -> None:
    assert len(set(imagenet_labels())) == len(imagenet_labels()) == 1000
    assert (imagenet_labels()[0], imagenet_labels()[999]) == ("tench", "toilet paper")
    assert len(set(coco_labels())) == len(coco_labels()) == 80


def test_the_fake_counts_calls_and_images() -> None:
    fake = FakeImageEncoder()
    fake.encode([])
    fake.encode([np.zeros((4, 4, 3), np.uint8)] * 3)
    assert (fake.calls, fake.images) == (1, 3)
