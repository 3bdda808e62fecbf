"""Content filters: scores become severities, severities meet the operator's thresholds."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from foveal.errors import ModelError
from foveal.retrieval.recent import Recent
from foveal.types.content import SafetyScores, Severity
from foveal.types.safety import CATEGORIES, Category, Judgement, Side

if TYPE_CHECKING:
    from foveal.ports.models import SafetyScorer
    from foveal.settings.answers import Safety
    from foveal.types.chat import ImageInput
    from foveal.types.chunks import Chunk

T = TypeVar("T")
Thresholds = Mapping[Category, int]
"""Least severity (0..6, Azure AI Content Safety's scale) that is filtered, by category; a missing one never is."""

_NUMBERS = {Severity.SAFE: 0, Severity.LOW: 2, Severity.MEDIUM: 4, Severity.HIGH: 6}
_NAMES = {number: name for name, number in _NUMBERS.items()}
_KEPT = 4096
"""Judgements kept: of a conversation only the last turn is new, so its history is not scored (and billed) again."""
_NOBODY = "no filter judges them"


class Judge:
    """Judges prompts and answers; safe to use from several threads.

    Args:
        scorer: Gives it when needed; None when the filters are off.
        severity: Severity of a score, 0, 2, 4 or 6; its own word for None is not asked.
        thresholds: Of each side.
        reads: Whether the scorer judges texts.
    """

    def __init__(
        self,
        scorer: Callable[[], SafetyScorer | None],
        *,
        severity: Callable[[float | None], int],
        thresholds: Mapping[Side, Thresholds],
        reads: bool,
    ) -> None:
        self._scorer = scorer
        self._severity = severity
        self._thresholds = thresholds
        self._reads = reads
        self._known = Recent[bytes, SafetyScores](_KEPT)

    @property
    def holds_answers(self) -> bool:
        """Whether an answer may turn out to be filtered."""
        return self._reads and bool(self._thresholds["answer"])

    @property
    def reads_words(self) -> bool:
        """Whether words are looked at, and not only images."""
        return self._reads

    def judge(self, side: Side, texts: Sequence[str], images: Sequence[ImageInput]) -> Judgement:
        """Judge all of it together. A filter that fails leaves what it had to judge without a severity."""
        try:
            scored, cause = self._scores(texts, images), _NOBODY
        except ModelError as error:
            scored, cause = [SafetyScores()], f"the filter could not run ({error.code})"
        severities = dict(_severities(scored, self._severity))
        limits = self._thresholds[side]
        filtered = {c for c, level in severities.items() if c in limits and level >= limits[c]}
        return Judgement(
            severities={category: _NAMES[level] for category, level in severities.items()},
            filtered=frozenset(filtered),
            cause="" if len(severities) == len(CATEGORIES) else cause,
        )

    def keeps_from_models(self, chunk: Chunk) -> bool:
        """Whether a retrieved image is, by what was found when it was read, over a threshold of prompts."""
        return any(getattr(chunk, category) >= level for category, level in self._thresholds["prompt"].items())

    def _scores(self, texts: Sequence[str], images: Sequence[ImageInput]) -> list[SafetyScores]:
        texts = [text for text in texts if text.strip()]
        scorer = self._scorer()
        if scorer is None:
            return [SafetyScores()] * (len(texts) + len(images))
        of_texts = {b"t" + text.encode(errors="surrogatepass"): text for text in texts} if self._reads else {}
        of_images = {b"i" + image.data: image.pixels for image in images}
        unread = [SafetyScores()] if texts and not self._reads else []
        return [
            *unread,
            *self._cached(of_texts, scorer.score_texts),
            *self._cached(of_images, scorer.score_images),
        ]

    def _cached(self, wanted: Mapping[bytes, T], score: Callable[[list[T]], list[SafetyScores]]) -> list[SafetyScores]:
        keys = {hashlib.blake2b(key, digest_size=16).digest(): value for key, value in wanted.items()}
        return list(self._known.all_of(keys, score).values())


def _severities(
    scored: Sequence[SafetyScores], severity: Callable[[float | None], int]
) -> Iterator[tuple[Category, int]]:
    """By category the highest; nothing for a category that is safe as far as seen and was not seen everywhere."""
    for category in CATEGORIES:
        scores: list[float | None] = [getattr(one, category) for one in scored]
        highest = max((severity(score) for score in scores if score is not None), default=0)
        if highest or None not in scores:
            yield category, highest


def thresholds(safety: Safety) -> Mapping[Side, Thresholds]:
    """The thresholds of the settings."""
    words = {"low": 2, "medium": 4, "high": 6}

    def of(side: Side) -> Thresholds:
        named = {category: getattr(safety, f"{side}_{category}") for category in CATEGORIES}
        return {category: words[word] for category, word in named.items() if word != "off"}

    return {"prompt": of("prompt"), "answer": of("answer")} if safety.on else {"prompt": {}, "answer": {}}
