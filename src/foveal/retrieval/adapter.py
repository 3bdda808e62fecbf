"""The adapter: a closed-form map from what image models see to the space of the text model.

It is learnt from whichever images of an index have words, and lets the images that have none be found by text.

What is read of an image and where that puts it with nothing described is in `features`; how descriptions correct that,
and the metric that follows, in `ridge`. **Targets** are text vectors of the words that images have.

**Questions** are centred too. Without descriptions the mean question is estimated: subjects of `background.SUBJECTS`,
each weighted by how well the collection answers it. Language and manner are taken out (`text_space`).
"""

from __future__ import annotations

import io
from dataclasses import astuple, dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from foveal.retrieval import ridge
from foveal.retrieval.features import FeatureLayout, image_features, prior_parts
from foveal.retrieval.text_space import TextSpace, read_arrays
from foveal.types.vectors import FloatArray

__all__ = ["Adapter", "AdapterQuality", "FeatureLayout", "fit", "image_features"]

_VERSION: Final = 1
_MOST_DESCRIBED: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterQuality:
    """How well described images are found by their own words when the adapter has not seen them.

    Attributes:
        n: Images that took part, the words of each being one question.
        candidates: Images among which each was sought: a fifth of `n`, none of which the adapter had seen.
        recall_at_1: Share of questions whose image came first; likewise 5 and 10.
        median_rank: 1-based.
    """

    n: int
    candidates: int
    recall_at_1: float
    recall_at_5: float
    recall_at_10: float
    median_rank: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """A fitted map. Immutable and safe to share between threads.

    Attributes:
        space: The text model's fixed points it was fitted with.
        layout: Of the features it takes.
        described: Images with words that it was fitted on.
        images: Images of the collection it is centred on.
        scales: float32 [2], weights of the labels' and the classes' part of the prior.
        weights: float32 [f, d], the ridge's map on top of the prior.
        offset: float32 [d], taken from every prediction, so that the collection's mean is at the origin.
        question_mean: float32 [d], likewise for questions.
        whitening: float32 [d, d], symmetric.
        quality: Its held-out figure; None below 25 described images.
    """

    space: TextSpace
    layout: FeatureLayout
    described: int
    images: int
    scales: FloatArray
    weights: FloatArray
    offset: FloatArray
    question_mean: FloatArray
    whitening: FloatArray
    quality: AdapterQuality | None

    def project(self, features: FloatArray) -> FloatArray:
        """Seen vectors float32 [m, d], rows L2-normalised, of features [m, f]."""
        return ridge.unit((self._predict(features) - self.offset) @ self.whitening)

    def due(self, *, described: int, images: int, reworded: int = 0) -> bool:
        """Whether to fit again, now that the index has so many images, so many of them with words.

        Any change below 50, then a growth or loss of a tenth of either number, or other words on a tenth.

        Args:
            reworded: Of those with words, how many had others, or none, when it was fitted.
        """
        taught = _moved(described, self.described) or _moved(described - reworded, described)
        return taught or _moved(images, self.images)

    def query(self, text_vector: FloatArray) -> FloatArray:
        """What a question's text vector [d] (from `embed_queries`) is compared with: float32 [d], L2-normalised."""
        return ridge.unit((self.space.subject_of(text_vector) - self.question_mean) @ self.whitening)

    def background(self) -> FloatArray:
        """float32 [subjects, d]: the background questions as `query` gives them, to calibrate scores by."""
        return self.query(self.space.subjects)

    def _predict(self, features: FloatArray) -> FloatArray:
        return _predict(features, self.scales, self.weights, layout=self.layout, space=self.space)

    def to_bytes(self) -> bytes:
        """The adapter with its text space: numpy's npz, nothing executable; about 8 MB."""
        buffer = io.BytesIO()
        np.savez(
            buffer,
            version=np.int64(_VERSION),
            space=np.frombuffer(self.space.to_bytes(), np.uint8),
            layout=np.array([self.layout.vector, self.layout.labels, self.layout.classes, self.layout.scales]),
            counts=np.array([self.described, self.images]),
            scales=self.scales,
            weights=self.weights,
            offset=self.offset,
            question_mean=self.question_mean,
            whitening=self.whitening,
            quality=np.array(astuple(self.quality) if self.quality else (), np.float64),
        )
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Adapter:
        """Read what `to_bytes` wrote.

        Raises:
            StoreCorruptError: It is something else, or of another version.
        """
        arrays = read_arrays(data, what="adapter", version=_VERSION)
        vector, labels, classes, scales = (int(length) for length in arrays["layout"])
        return cls(
            space=TextSpace.from_bytes(arrays["space"].tobytes()),
            layout=FeatureLayout(vector=vector, labels=labels, classes=classes, scales=scales),
            described=int(arrays["counts"][0]),
            images=int(arrays["counts"][1]),
            scales=arrays["scales"],
            weights=arrays["weights"],
            offset=arrays["offset"],
            question_mean=arrays["question_mean"],
            whitening=arrays["whitening"],
            quality=_quality_of(arrays["quality"]),
        )


def fit(
    features: FloatArray,
    targets: FloatArray,
    *,
    collection: FloatArray,
    space: TextSpace,
    layout: FeatureLayout,
    images: int | None = None,
    prior: Adapter | None = None,
) -> Adapter:
    """Fit an adapter.

    Cost: under a second for 1,000 described images, some seconds for the most that are used (20,000, evenly taken).
    Memory: the arrays given and at most three matrices of f × f; never n × n for n > f.

    Args:
        features: float32 [n, f] of the described images; n may be 0.
        targets: float32 [n, d], text vectors of their words (from `embed_passages`).
        collection: float32 [m, f]: the images that will be searched, described or not; a sample of some thousands is
            enough, and m may be 0 while there are none yet.
        space: Of the text model that made `targets`.
        layout: Of the features.
        images: Images in the whole collection, when `collection` is a sample.
        prior: An adapter fitted elsewhere with the same models: what it knows is kept where this index says nothing.

    Raises:
        ValueError: Shapes do not fit, or `prior` is of other models.
    """
    _check_shapes(features, targets, collection, layout, space)
    if prior is not None and (prior.layout, prior.space.identity) != (layout, space.identity):
        raise ValueError("the prior was fitted with other models")
    described = len(features)
    if described > _MOST_DESCRIBED:
        taken = np.linspace(0, len(features) - 1, _MOST_DESCRIBED).astype(np.int64)
        features, targets = features[taken], targets[taken]
    solution = ridge.regress(
        features,
        prior_parts(features, layout, space),
        space.subject_of(targets),
        scales=ridge.first_scales(prior_parts(collection, layout, space)) if prior is None else prior.scales,
        weights=np.zeros((layout.size, targets.shape[1]), np.float32) if prior is None else prior.weights,
    )
    predicted = _predict(collection, solution.scales, solution.weights, layout=layout, space=space)
    whitening = ridge.whitening(solution.residuals) if prior is None or len(features) else prior.whitening
    offset = predicted.mean(axis=0) if len(predicted) else solution.feature_mean_prediction
    question_mean = ridge.question_mean(
        solution, predicted - offset, offset=offset, whiten=whitening, subjects=space.subject_of(space.subjects)
    )
    return Adapter(
        space=space,
        layout=layout,
        described=described,
        images=len(collection) if images is None else images,
        scales=solution.scales,
        weights=solution.weights,
        offset=offset,
        question_mean=question_mean,
        whitening=whitening,
        quality=_quality(*ridge.held_out_ranks(solution)),
    )


def _moved(now: int, then: int) -> bool:
    return now != then if min(now, then) < 50 else abs(now - then) >= 0.1 * then


def _quality_of(stored: FloatArray) -> AdapterQuality | None:
    if not len(stored):
        return None
    n, candidates, first, fifth, tenth, median = (float(value) for value in stored)
    return AdapterQuality(
        n=int(n),
        candidates=int(candidates),
        recall_at_1=first,
        recall_at_5=fifth,
        recall_at_10=tenth,
        median_rank=median,
    )


def _quality(ranks: npt.NDArray[np.int64], candidates: int) -> AdapterQuality | None:
    if not len(ranks):
        return None
    return AdapterQuality(
        n=len(ranks),
        candidates=candidates,
        recall_at_1=float((ranks <= 1).mean()),
        recall_at_5=float((ranks <= 5).mean()),
        recall_at_10=float((ranks <= 10).mean()),
        median_rank=float(np.median(ranks)),
    )


def _predict(
    features: FloatArray, scales: FloatArray, weights: FloatArray, *, layout: FeatureLayout, space: TextSpace
) -> FloatArray:
    prior = prior_parts(features, layout, space)
    predicted: FloatArray = features @ weights + np.tensordot(scales, prior, axes=1)
    return predicted


def _check_shapes(
    features: FloatArray, targets: FloatArray, collection: FloatArray, layout: FeatureLayout, space: TextSpace
) -> None:
    d = space.subjects.shape[1]
    if features.shape != (len(targets), layout.size) or targets.shape != (len(features), d):
        raise ValueError(f"features {features.shape} and targets {targets.shape} do not fit {layout} and {d}")
    if collection.shape[1] != layout.size:
        raise ValueError(f"the collection {collection.shape} does not fit {layout}")
    if (len(space.labels), len(space.classes)) != (layout.labels, layout.classes):
        raise ValueError("the text space was built for other labels")
