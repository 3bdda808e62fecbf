from __future__ import annotations

import numpy as np
import pytest

from foveal.errors import ModelTimeoutError
from foveal.models.safety import severity
from foveal.runtime.judging import Judge, thresholds
from foveal.settings.answers import Safety
from foveal.testing.fakes_engine import fake_chunk
from foveal.testing.fakes_vision import FakeSafetyScorer
from foveal.types.chat import ImageInput
from foveal.types.content import SafetyScores, Severity
from foveal.types.vectors import Pixels


class Scorer(FakeSafetyScorer):
    """Judges every category of what it is given, and fails when told to."""

    failing = False

    def score_texts(self, texts: list[str]) -> list[SafetyScores]:  # type: ignore[override]
        if self.failing:
            raise ModelTimeoutError("Too slow.")
        found = super().score_texts(texts)
        return [
            SafetyScores(hate=s.hate, self_harm=0.0, sexual=0.0, violence=0.5 * ("blow" in t))
            for s, t in zip(found, texts, strict=True)
        ]


def judge_with(scorer: FakeSafetyScorer | None, *, reads: bool = True, **limits: str) -> Judge:
    safety = Safety.model_validate(limits)
    return Judge(lambda: scorer, severity=severity, thresholds=thresholds(safety), reads=reads)


def image(pixels: Pixels) -> ImageInput:
    return ImageInput(data=pixels.tobytes(), media_type="image/png", pixels=pixels)


MAGENTA = image(np.full((4, 4, 3), (255, 0, 255), np.uint8))
GREY = image(np.full((4, 4, 3), 99, np.uint8))


@pytest.mark.parametrize(
    ("limits", "filtered"),
    [
        ({}, {"hate", "violence"}),
        ({"prompt_violence": "high"}, {"hate"}),
        ({"prompt_violence": "high", "prompt_hate": "off"}, set()),
        ({"answer_hate": "off"}, {"hate", "violence"}),
        ({"on": False}, set()),
    ],
)
def test_thresholds_decide_what_is_filtered_and_not_what_is_reported(
    limits: dict[str, str], filtered: set[str]
) -> None:
    judgement = judge_with(Scorer(), **limits).judge("prompt", ["hateful", "a blow"], [])
    assert judgement.filtered == filtered
    assert judgement.severities["hate"] is Severity.HIGH
    assert judgement.severities["violence"] is Severity.MEDIUM
    assert not judgement.missing


def test_a_category_that_nobody_judged_is_not_called_safe() -> None:
    only_images = judge_with(FakeSafetyScorer(), reads=False)
    judgement = only_images.judge("prompt", ["What is this?"], [GREY])
    assert judgement.severities == {}
    assert "no filter" in judgement.cause
    alone = only_images.judge("prompt", [], [GREY])
    assert alone.severities == {"sexual": Severity.SAFE}
    assert alone.missing == ("hate", "self_harm", "violence")


def test_what_is_found_counts_whatever_else_was_not_judged() -> None:
    judgement = judge_with(FakeSafetyScorer(), reads=False).judge("prompt", ["What is this?"], [GREY, MAGENTA])
    assert judgement.severities == {"sexual": Severity.HIGH}
    assert judgement.filtered == {"sexual"}


def test_a_filter_that_fails_lets_through_and_says_so() -> None:
    scorer = Scorer()
    scorer.failing = True
    judge = judge_with(scorer)
    judgement = judge.judge("answer", ["hateful"], [])
    assert (judgement.severities, judgement.filtered) == ({}, frozenset())
    assert "model_timeout" in judgement.cause
    scorer.failing = False
    assert judge.judge("answer", ["hateful"], []).filtered, "a failure is not remembered"


def test_without_filters_nothing_is_judged() -> None:
    judgement = judge_with(None).judge("prompt", ["hateful"], [MAGENTA])
    assert len(judgement.missing) == 4
    assert not judgement.filtered


def test_a_history_is_scored_once() -> None:
    scorer = Scorer()
    judge = judge_with(scorer)
    judge.judge("prompt", ["one"], [GREY])
    judge.judge("prompt", ["one", "two"], [GREY])
    judge.judge("answer", ["two"], [])
    assert (scorer.texts, scorer.images) == (2, 1)


def test_answers_are_held_only_where_one_could_be_filtered() -> None:
    off = {f"answer_{c}": "off" for c in ("hate", "self_harm", "sexual", "violence")}
    assert judge_with(Scorer()).holds_answers
    assert not judge_with(Scorer(), reads=False).holds_answers
    assert not judge_with(Scorer(), **off).holds_answers


def test_a_retrieved_image_over_the_threshold_is_not_shown_to_a_model() -> None:
    judge = judge_with(Scorer(), prompt_violence="off")
    assert not judge.keeps_from_models(fake_chunk("a.jpg", "a", sexual=2, violence=6))
    assert judge.keeps_from_models(fake_chunk("a.jpg", "a", sexual=4))
