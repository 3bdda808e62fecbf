"""Strictness: what passes and what does not (R4)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.errors import StoreCorruptError
from foveal.retrieval.background import SUBJECTS
from foveal.retrieval.strictness import (
    CUTOFFS,
    Calibration,
    calibrate,
    keywords,
    passes,
    rerank_confidence,
    seen_confidence,
)
from foveal.testing.fakes_text import FakeTextEmbedder

TEXTS = (
    "The lighthouse of Norddeich was built in 1903 of red brick.",
    "Tides run high in spring, and the ferry waits for the water.",
    "Bake the loaf at 220 degrees until the crust is brown.",
    "The committee approved the budget for the new bridge.",
)
EMBEDDER = FakeTextEmbedder(dim=256)


def calibration(texts: tuple[str, ...] = TEXTS, languages: tuple[str, ...] = ()) -> Calibration:
    return calibrate(
        EMBEDDER.embed_passages(texts),
        languages or ("en",) * len(texts),
        np.zeros((0, 4), np.float32),
        background=EMBEDDER.embed_passages(SUBJECTS),
    )


def confidence(question: str, text: str, *, among: Calibration) -> float:
    asked, passage = EMBEDDER.embed_queries([question])[0], EMBEDDER.embed_passages([text])[0]
    return among.text_confidence(asked, float(asked @ passage), "en")


def test_an_answering_passage_is_surer_than_any_other() -> None:
    among = calibration()
    sure = [confidence("when was the lighthouse of Norddeich built", text, among=among) for text in TEXTS]
    assert sure[0] == max(sure)
    assert sure[0] > 0.5 > max(sure[1:])


def test_the_only_chunk_of_an_index_can_be_sure_and_unsure() -> None:
    among = calibration(TEXTS[:1])
    assert confidence("when was the lighthouse of Norddeich built", TEXTS[0], among=among) > 0.5
    assert confidence("zebra xylophone quiz", TEXTS[0], among=among) < 0.3


def test_the_band_that_cosines_lie_in_does_not_matter() -> None:
    """All vectors pushed towards one direction, as real models have it: the same confidence."""
    cone = np.zeros(257, np.float32)
    cone[256] = 2.0

    def pushed(texts: tuple[str, ...]) -> np.ndarray:
        wide = np.hstack([EMBEDDER.embed_passages(texts), np.zeros((len(texts), 1), np.float32)]) + cone
        return (wide / np.linalg.norm(wide, axis=1, keepdims=True)).astype(np.float32)

    question = "when was the lighthouse of Norddeich built"
    narrow = calibrate(pushed(TEXTS), ("en",) * 4, np.zeros((0, 4), np.float32), background=pushed(SUBJECTS))
    asked, passage = pushed((question,))[0], pushed(TEXTS[:1])[0]
    assert float(asked @ passage) > 0.8
    plain = confidence(question, TEXTS[0], among=calibration())
    assert narrow.text_confidence(asked, float(asked @ passage), "en") == pytest.approx(plain, abs=0.02)


def test_a_language_with_enough_chunks_has_its_own_mean() -> None:
    among = calibration(tuple(f"word{i} text" for i in range(24)), ("en", "de") * 12)
    assert among.languages == ("de", "en", "")
    few = calibration(TEXTS, ("en", "de", "en", "de"))
    assert few.languages == ("",)


def test_much_the_same_picture_is_sure_and_a_stranger_is_not() -> None:
    rng = np.random.default_rng(3)
    images = np.abs(rng.standard_normal((50, 64))).astype(np.float32)
    images /= np.linalg.norm(images, axis=1, keepdims=True)
    among = calibrate(np.zeros((0, 256), np.float32), (), images, background=EMBEDDER.embed_passages(SUBJECTS))
    assert among.image_confidence(images[0], 1.0) > 0.9
    assert among.image_confidence(images[0], float(images[0] @ images[1])) < 0.5
    assert not Calibration.image_confidence(calibration(), images[0], 0.3) > 0.5


def test_rare_words_count_for_more_than_common_ones() -> None:
    asked = keywords("bridge lighthouse", [*TEXTS, "a bridge", "the bridge", "bridge"])
    assert asked.share("the lighthouse") > asked.share("the bridge")
    assert asked.share("the lighthouse bridge") == pytest.approx(1.0)
    assert asked.confidence("nothing of it") == 0.0


def test_a_question_of_no_terms_has_no_keyword_confidence() -> None:
    assert keywords("?!", TEXTS).confidence(TEXTS[0]) == 0.0


def test_strictness_five_keeps_less_than_one() -> None:
    kept = [sum(passes(c / 100, strictness) for c in range(101)) for strictness in CUTOFFS]
    assert kept == sorted(kept, reverse=True)
    assert len(set(kept)) == 5


def test_an_unknown_strictness_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        passes(0.5, 6)


@given(st.floats(-1, 1), st.floats(0, 1), st.integers(0, 10_000))
def test_confidences_lie_in_0_to_1_and_never_fall_with_the_score(score: float, more: float, described: int) -> None:
    low, high = (seen_confidence(s, described=described) for s in (score, min(1.0, score + more)))
    assert 0 <= low <= high <= 1
    assert 0 <= rerank_confidence(2 + 2 * score) <= 1


def test_the_seen_leg_is_trusted_more_once_images_are_described() -> None:
    assert seen_confidence(0.45, described=1000) > seen_confidence(0.45, described=0)


def test_a_calibration_reads_back_as_it_was_written() -> None:
    among = calibration()
    again = Calibration.from_bytes(among.to_bytes())
    question = "where is the ferry"
    assert confidence(question, TEXTS[1], among=again) == confidence(question, TEXTS[1], among=among)
    with pytest.raises(StoreCorruptError, match="calibration"):
        Calibration.from_bytes(b"else")
