from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from foveal.errors import (
    ModelOverloadedError,
    ModelRejectedError,
    ModelTimeoutError,
    ModelUnavailableError,
)
from foveal.models.content_safety import ContentSafetyScorer
from foveal.models.safety import severity
from foveal.ports.models import SafetyScorer
from foveal.testing.content_safety_server import KEY, ContentSafetyServer
from foveal.testing.contracts.safety_scorer import SafetyScorerContract
from foveal.types.content import SafetyScores

MAGENTA = np.full((64, 64, 3), (255, 0, 255), np.uint8)
HARMLESS = SafetyScores(hate=0.0, self_harm=0.0, sexual=0.0, violence=0.0)


@pytest.fixture(scope="module")
def running() -> Iterator[ContentSafetyServer]:
    with ContentSafetyServer() as server:
        yield server


@pytest.fixture
def resource(running: ContentSafetyServer) -> ContentSafetyServer:
    running.calls.clear()
    running.failures.clear()
    running.hang_s, running.garbage = 0.0, False
    return running


@pytest.fixture
def scorer(resource: ContentSafetyServer) -> ContentSafetyScorer:
    return ContentSafetyScorer(resource.endpoint + "/", api_key=KEY)


class TestContentSafetyScorer(SafetyScorerContract):
    @pytest.fixture
    def scorer(self, resource: ContentSafetyServer) -> SafetyScorer:
        return ContentSafetyScorer(resource.endpoint, api_key=KEY)


@pytest.mark.parametrize(("level", "expected"), [(0, 0), (1, 0), (2, 2), (3, 2), (4, 4), (5, 4), (6, 6), (7, 6)])
def test_the_services_levels_come_back_as_the_severities_it_documents(
    scorer: ContentSafetyScorer, level: int, expected: int
) -> None:
    (scores,) = scorer.score_texts([f"SelfHarm={level}"])
    assert severity(scores.self_harm) == expected
    assert (scores.hate, scores.sexual, scores.violence) == (0, 0, 0)


def test_images_are_judged_in_all_categories_whatever_their_size(scorer: ContentSafetyScorer) -> None:
    speck, ribbon = np.zeros((1, 1, 3), np.uint8), np.zeros((4, 5000, 3), np.uint8)
    assert scorer.score_images([MAGENTA, speck, ribbon]) == [
        SafetyScores(hate=0.0, self_harm=0.0, sexual=6 / 7, violence=0.0),
        HARMLESS,
        HARMLESS,
    ]


def test_a_long_text_is_judged_in_parts_and_by_its_worst(
    scorer: ContentSafetyScorer, resource: ContentSafetyServer
) -> None:
    long = "x" * 9_990 + " " + "Hate=2 ".ljust(10_000, "y") + " Violence=6"
    assert scorer.score_texts([long, " "]) == [
        SafetyScores(hate=2 / 7, self_harm=0.0, sexual=0.0, violence=6 / 7),
        HARMLESS,
    ]
    sent = [body["text"] for _, body in resource.calls]
    assert sum(map(len, sent)) == len(long)
    assert len(sent) == 3


def test_a_busy_service_is_asked_again_after_the_time_it_names(
    scorer: ContentSafetyScorer, resource: ContentSafetyServer
) -> None:
    resource.failures = [(429, {"retry-after": "0"}), (503, {"retry-after": "0"})]
    assert scorer.score_texts(["Hate=4"])[0].hate == 4 / 7
    assert len(resource.calls) == 3


@pytest.mark.parametrize(
    ("status", "expected"),
    [(429, ModelOverloadedError), (500, ModelUnavailableError), (504, ModelTimeoutError), (403, ModelRejectedError)],
)
def test_failures_that_stay_are_errors_that_name_the_service(
    scorer: ContentSafetyScorer, resource: ContentSafetyServer, status: int, expected: type[Exception]
) -> None:
    resource.failures = [(status, {"retry-after": "0"})] * 3
    with pytest.raises(expected, match="content safety endpoint http://127"):
        scorer.score_texts(["x"])


def test_a_wrong_key_is_refused_at_once_and_never_shown(resource: ContentSafetyServer) -> None:
    with pytest.raises(ModelRejectedError, match="401") as caught:
        ContentSafetyScorer(resource.endpoint, api_key="topsecret").score_images([MAGENTA])
    assert "topsecret" not in str(caught.value)
    assert "`safety`" in caught.value.remedy
    assert len(resource.calls) == 1


def test_a_slow_service_and_another_service_are_told_apart(resource: ContentSafetyServer) -> None:
    hasty = ContentSafetyScorer(resource.endpoint, api_key=KEY, timeout_s=0.1)
    resource.hang_s = 0.5
    with pytest.raises(ModelTimeoutError, match=r"0\.1 s"):
        hasty.score_texts(["x"])
    resource.hang_s, resource.garbage = 0.0, True
    with pytest.raises(ModelUnavailableError, match="known shapes"):
        hasty.score_texts(["x"])


def test_nobody_at_the_address_is_unavailable() -> None:
    with pytest.raises(ModelUnavailableError, match="cannot be reached"):
        ContentSafetyScorer("http://127.0.0.1:9", api_key=KEY, max_retries=0).score_texts(["x"])
