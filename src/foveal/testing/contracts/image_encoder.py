"""What every `ImageEncoder` must do. Subclass it in your tests and give the fixture `encoder`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from foveal.ports.models import ImageEncoder
from foveal.types.vectors import Pixels


def synthetic_images() -> list[Pixels]:
    """Images that differ in content, shape and size: a gradient, noise, a wide and a tall one, a single pixel."""
    ramp = np.linspace(0, 255, 300, dtype=np.uint8)
    gradient = np.stack([np.tile(ramp, (200, 1)), np.full((200, 300), 90, np.uint8), np.tile(ramp[::-1], (200, 1))], -1)
    noise = np.random.default_rng(7).integers(0, 256, (240, 180, 3), np.uint8)
    wide = np.full((8, 900, 3), (250, 10, 10), np.uint8)
    tall = np.full((700, 5, 3), (10, 10, 250), np.uint8)
    return [gradient, noise, wide, tall, np.full((1, 1, 3), 128, np.uint8)]


class ImageEncoderContract:
    """The specification of `foveal.ports.ImageEncoder` as tests."""

    @pytest.fixture
    def encoder(self) -> ImageEncoder:
        """The encoder under test."""
        raise pytest.UsageError("a subclass of ImageEncoderContract gives the fixture `encoder`")

    def test_every_image_has_a_unit_vector_of_the_declared_length(self, encoder: ImageEncoder) -> None:
        """Whatever the image's shape."""
        images = synthetic_images()
        encodings = encoder.encode(images)
        assert len(encodings) == len(images)
        for encoding in encodings:
            assert encoding.vector.shape == (encoder.dim,)
            assert encoding.vector.dtype == np.float32
            assert np.linalg.norm(encoding.vector) == pytest.approx(1.0, abs=1e-4)

    def test_probabilities_match_the_labels(self, encoder: ImageEncoder) -> None:
        """One a label, adding up to one; none without labels."""
        (encoding,) = encoder.encode(synthetic_images()[:1])
        assert encoding.probabilities.shape == (len(encoder.labels),)
        assert encoding.probabilities.dtype == np.float32
        assert (encoding.probabilities >= 0).all()
        if encoder.labels:
            assert encoding.probabilities.sum() == pytest.approx(1.0, abs=1e-3)
            assert len(set(encoder.labels)) == len(encoder.labels)

    def test_no_images_give_no_encodings(self, encoder: ImageEncoder) -> None:
        """Empty input is fine."""
        assert encoder.encode([]) == []

    def test_the_company_of_other_images_does_not_change_a_vector(self, encoder: ImageEncoder) -> None:
        """Results come in the order of the images, and batching is invisible."""
        images = synthetic_images()
        together = encoder.encode(images)
        for image, encoding in zip(images, together, strict=True):
            (alone,) = encoder.encode([image])
            np.testing.assert_allclose(alone.vector, encoding.vector, atol=1e-4)
            np.testing.assert_allclose(alone.probabilities, encoding.probabilities, atol=1e-4)

    def test_a_darker_copy_is_nearer_than_another_image(self, encoder: ImageEncoder) -> None:
        """The weakest promise on meaning that any encoder keeps."""
        gradient, noise, *_ = synthetic_images()
        darker = (gradient * 0.85).astype(np.uint8)
        original, copy, other = (encoding.vector for encoding in encoder.encode([gradient, darker, noise]))
        assert original @ copy > original @ other

    def test_several_threads_may_encode_at_once(self, encoder: ImageEncoder) -> None:
        """And get the same vectors as one."""
        images = synthetic_images()[:2]
        expected = encoder.encode(images)
        with ThreadPoolExecutor(4) as pool:
            for found in pool.map(lambda _: encoder.encode(images), range(6)):
                for one, other in zip(found, expected, strict=True):
                    np.testing.assert_allclose(one.vector, other.vector, atol=1e-4)

    def test_pixels_are_not_written_to(self, encoder: ImageEncoder) -> None:
        """An image may be shared with other models, and be read-only."""
        (image, *_) = synthetic_images()
        image.setflags(write=False)
        before = image.copy()
        encoder.encode([image])
        np.testing.assert_array_equal(image, before)

    def test_it_has_an_identity(self, encoder: ImageEncoder) -> None:
        """Cache keys are made of it."""
        assert encoder.identity.strip()
