from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from foveal.errors import ModelUnavailableError
from foveal.models.cards import Card
from foveal.models.pull import ModelFolder
from foveal.models.safety import LocalSafetyScorer, severity
from foveal.ports.models import SafetyScorer
from foveal.testing.contracts.safety_scorer import SafetyScorerContract
from foveal.testing.fakes_vision import FakeSafetyScorer
from foveal.types.content import SafetyScores
from foveal.types.vectors import Pixels

GOLDEN = json.loads((Path(__file__).parent / "golden" / "open_nsfw.json").read_text())


@pytest.fixture(scope="module")
def local(pulled: Callable[[str], Card], model_folder: ModelFolder) -> LocalSafetyScorer:
    pulled("open-nsfw")
    return LocalSafetyScorer(model_folder)


class TestFakeSafetyScorer(SafetyScorerContract):
    @pytest.fixture
    def scorer(self) -> SafetyScorer:
        return FakeSafetyScorer()


class TestLocalSafetyScorer(SafetyScorerContract):
    @pytest.fixture
    def scorer(self, local: LocalSafetyScorer) -> SafetyScorer:
        return local


@pytest.mark.parametrize("name", list(GOLDEN))
def test_scores_are_those_of_the_golden_file(
    local: LocalSafetyScorer, sample: Callable[[str], Pixels], name: str
) -> None:
    (scores,) = local.score_images([sample(name)])
    assert scores.sexual == pytest.approx(GOLDEN[name], abs=0.005)


def test_only_sexual_content_of_images_is_judged(local: LocalSafetyScorer, sample: Callable[[str], Pixels]) -> None:
    (scores,) = local.score_images([sample("chelsea.png")])
    assert (scores.hate, scores.self_harm, scores.violence) == (None, None, None)
    assert local.score_texts(["kill the process"]) == [SafetyScores()]


def test_offline_without_weights_it_says_what_to_pull(tmp_path: Path) -> None:
    scorer = LocalSafetyScorer(ModelFolder(tmp_path, offline=True))
    with pytest.raises(ModelUnavailableError, match="foveal models pull open-nsfw"):
        scorer.score_images([np.zeros((4, 4, 3), np.uint8)])


@pytest.mark.parametrize(
    ("score", "level"), [(None, 0), (0.0, 0), (0.19, 0), (0.2, 2), (0.5, 4), (0.79, 4), (0.8, 6), (1.0, 6)]
)
def test_severity_rises_with_the_score(score: float | None, level: int) -> None:
    assert severity(score) == level


def test_the_fake_sees_magenta_and_counts() -> None:
    fake = FakeSafetyScorer()
    image = np.zeros((4, 4, 3), np.uint8)
    image[:2] = (255, 0, 255)
    assert fake.score_images([image]) == [SafetyScores(sexual=0.5)]
    assert fake.score_texts(["a hateful word", "none"]) == [SafetyScores(hate=1.0), SafetyScores(hate=0.0)]
    assert (fake.calls, fake.images, fake.texts) == (2, 1, 2)
