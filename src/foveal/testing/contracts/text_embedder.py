"""What every `TextEmbedder` must do. Subclass it in your tests and give the fixture `embedder`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from foveal.ports.models import TextEmbedder

_TEXTS = (
    "Two dogs run along the beach.",
    "The annual report lists the revenue of every region.",
    "Ein Zug fährt durch die Berge.",
    "สุนัขสองตัววิ่งบนชายหาด",
    "",
    "一只猫睡在窗台上。",
)


class TextEmbedderContract:
    """The specification of `foveal.ports.TextEmbedder` as tests."""

    @pytest.fixture
    def embedder(self) -> TextEmbedder:
        """The embedder under test."""
        raise pytest.UsageError("a subclass of TextEmbedderContract gives the fixture `embedder`")

    def test_vectors_have_the_declared_shape_and_unit_length(self, embedder: TextEmbedder) -> None:
        """One float32 row a text, the empty text included."""
        for vectors in (embedder.embed_passages(_TEXTS), embedder.embed_queries(_TEXTS)):
            assert vectors.shape == (len(_TEXTS), embedder.dim)
            assert vectors.dtype == np.float32
            np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-4)

    def test_no_texts_give_no_rows(self, embedder: TextEmbedder) -> None:
        """Empty input is fine and keeps the width."""
        assert embedder.embed_passages([]).shape == (0, embedder.dim)
        assert embedder.embed_queries([]).shape == (0, embedder.dim)

    def test_the_company_of_other_texts_does_not_change_a_vector(self, embedder: TextEmbedder) -> None:
        """Rows come in the order of the texts, and batching is invisible."""
        together = embedder.embed_passages(_TEXTS)
        alone = np.concatenate([embedder.embed_passages([text]) for text in _TEXTS])
        np.testing.assert_allclose(together, alone, atol=1e-3)

    def test_a_question_finds_the_passage_that_shares_its_words(self, embedder: TextEmbedder) -> None:
        """The weakest promise on meaning that any embedder keeps."""
        query = embedder.embed_queries(["dogs that run along a beach"])[0]
        scores = embedder.embed_passages(_TEXTS[:3]) @ query
        assert int(np.argmax(scores)) == 0

    def test_a_text_over_the_window_is_cut_and_not_refused(self, embedder: TextEmbedder) -> None:
        """A very long text still has a vector."""
        vectors = embedder.embed_passages(["harbour lights " * 20_000])
        assert vectors.shape == (1, embedder.dim)
        assert np.isfinite(vectors).all()

    def test_odd_characters_are_embedded_like_any_others(self, embedder: TextEmbedder) -> None:
        """Control characters, emoji, lone combining marks and unassigned code points."""
        vectors = embedder.embed_passages(["\x00\x1b", "😀👩‍👩‍👧", "\u0301", "\U000e0fff\U0010ffff", " \n\t "])
        assert np.isfinite(vectors).all()

    def test_threads_do_not_disturb_one_another(self, embedder: TextEmbedder) -> None:
        """The same answers from four threads at once."""
        expected = embedder.embed_queries(_TEXTS)
        with ThreadPoolExecutor(4) as pool:
            for vectors in pool.map(lambda _: embedder.embed_queries(_TEXTS), range(8)):
                np.testing.assert_allclose(vectors, expected, atol=1e-5)

    def test_its_identity_is_a_constant_text(self, embedder: TextEmbedder) -> None:
        """Cache keys rest on it."""
        assert embedder.identity
        assert embedder.identity == embedder.identity
