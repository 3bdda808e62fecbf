"""What every `SafetyScorer` must do. Subclass it in your tests and give the fixture `scorer`."""

from __future__ import annotations

import pytest

from foveal.ports.models import SafetyScorer
from foveal.testing.contracts.image_encoder import synthetic_images
from foveal.types.content import SafetyScores

_TEXTS = ("The harbour lies still in the morning.", "", "犬が浜辺を走る。")


class SafetyScorerContract:
    """The specification of `foveal.ports.SafetyScorer` as tests."""

    @pytest.fixture
    def scorer(self) -> SafetyScorer:
        """The scorer under test."""
        raise pytest.UsageError("a subclass of SafetyScorerContract gives the fixture `scorer`")

    def test_every_image_and_every_text_has_scores_between_0_and_1(self, scorer: SafetyScorer) -> None:
        """Or None, where the scorer cannot judge."""
        images = synthetic_images()
        scored = [*scorer.score_images(images), *scorer.score_texts(_TEXTS)]
        assert len(scored) == len(images) + len(_TEXTS)
        for score in (value for scores in scored for value in _values(scores)):
            assert score is None or 0 <= score <= 1

    def test_a_category_is_judged_for_all_inputs_or_for_none(self, scorer: SafetyScorer) -> None:
        """None says what the scorer can do, not what it thinks of one input."""
        for scored in (scorer.score_images(synthetic_images()), scorer.score_texts(_TEXTS)):
            judged = {tuple(value is None for value in _values(scores)) for scores in scored}
            assert len(judged) == 1

    def test_nothing_gives_nothing(self, scorer: SafetyScorer) -> None:
        """Empty input is fine."""
        assert scorer.score_images([]) == []
        assert scorer.score_texts([]) == []

    def test_the_company_of_other_images_does_not_change_a_score(self, scorer: SafetyScorer) -> None:
        """Results come in the order of the images."""
        images = synthetic_images()
        for image, together in zip(images, scorer.score_images(images), strict=True):
            (alone,) = scorer.score_images([image])
            for one, other in zip(_values(alone), _values(together), strict=True):
                assert one == pytest.approx(other, abs=1e-4)

    def test_it_has_an_identity(self, scorer: SafetyScorer) -> None:
        """Cache keys are made of it."""
        assert scorer.identity.strip()


def _values(scores: SafetyScores) -> tuple[float | None, ...]:
    return (scores.hate, scores.self_harm, scores.sexual, scores.violence)
