"""What every `JointEmbedder` must do. Subclass it in your tests and give the fixture `embedder`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from foveal.ports.models import JointEmbedder
from foveal.types.vectors import Pixels


def plain(red: int, green: int, blue: int, *, width: int = 60, height: int = 40) -> Pixels:
    """An image of one colour."""
    return np.full((height, width, 3), (red, green, blue), dtype=np.uint8)


class JointEmbedderContract:
    """The specification of `foveal.ports.JointEmbedder` as tests."""

    PAIRS = (
        ("red", plain(230, 10, 10)),
        ("green", plain(10, 200, 10)),
        ("blue", plain(10, 10, 220)),
    )
    """Words and an image of what they name, for the meaning that any such model has."""

    @pytest.fixture
    def embedder(self) -> JointEmbedder:
        """The embedder under test."""
        raise pytest.UsageError("a subclass of JointEmbedderContract gives the fixture `embedder`")

    def test_it_is_told_apart_from_a_plain_image_encoder(self, embedder: JointEmbedder) -> None:
        """`isinstance` is how the pipeline asks whether words and images can be compared."""
        assert isinstance(embedder, JointEmbedder)

    def test_words_find_the_image_they_name(self, embedder: JointEmbedder) -> None:
        """The best image of each text is its own."""
        images = np.stack([encoding.vector for encoding in embedder.encode([image for _, image in self.PAIRS])])
        scores = embedder.embed_queries([words for words, _ in self.PAIRS]) @ images.T
        assert scores.argmax(axis=1).tolist() == list(range(len(self.PAIRS)))

    def test_both_sides_have_unit_vectors_of_the_declared_length(self, embedder: JointEmbedder) -> None:
        """float32, L2-normalised."""
        vectors = [encoding.vector for encoding in embedder.encode([image for _, image in self.PAIRS])]
        for vector in [*vectors, *embedder.embed_queries(["red", ""])]:
            assert vector.shape == (embedder.dim,)
            assert vector.dtype == np.float32
            assert float(np.linalg.norm(vector)) == pytest.approx(1.0, abs=1e-4)

    def test_probabilities_are_as_many_as_labels(self, embedder: JointEmbedder) -> None:
        """None for a model that knows no labels."""
        (encoding,) = embedder.encode([self.PAIRS[0][1]])
        assert encoding.probabilities.shape == (len(embedder.labels),)

    def test_nothing_in_gives_nothing_out(self, embedder: JointEmbedder) -> None:
        """Empty input is fine and keeps the width."""
        assert embedder.encode([]) == []
        assert embedder.embed_queries([]).shape == (0, embedder.dim)

    def test_the_company_of_other_inputs_does_not_change_a_vector(self, embedder: JointEmbedder) -> None:
        """To 1e-4, whatever the batch."""
        images = [image for _, image in self.PAIRS] + [plain(5, 5, 5, width=7, height=300)]
        for encoding, image in zip(embedder.encode(images), images, strict=True):
            np.testing.assert_allclose(encoding.vector, embedder.encode([image])[0].vector, atol=1e-4)
        texts = ["red", "a longer line of words about blue and green things"]
        alone = np.concatenate([embedder.embed_queries([text]) for text in texts])
        np.testing.assert_allclose(embedder.embed_queries(texts), alone, atol=1e-4)

    def test_a_text_over_the_window_is_cut_and_not_refused(self, embedder: JointEmbedder) -> None:
        """A very long text still has a vector."""
        assert np.isfinite(embedder.embed_queries(["red and blue " * 2000])).all()

    def test_threads_do_not_disturb_one_another(self, embedder: JointEmbedder) -> None:
        """The same answers from four threads at once."""
        image, expected = self.PAIRS[0][1], embedder.encode([self.PAIRS[0][1]])[0].vector
        with ThreadPoolExecutor(4) as pool:
            for (encoding,) in pool.map(lambda _: embedder.encode([image]), range(8)):
                np.testing.assert_allclose(encoding.vector, expected, atol=1e-5)

    def test_its_identity_is_a_constant_text(self, embedder: JointEmbedder) -> None:
        """Cache keys rest on it."""
        assert embedder.identity
        assert embedder.identity == embedder.identity
