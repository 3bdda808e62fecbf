"""The adapter: a closed-form map from what image models see to the space of the text model.

It is learnt from whichever images of an index have words, and lets the images that have none be found by text.

**Features** of an image are `[v, .7 √p, .25 √s]`: the encoder's L2-normalised vector, the probabilities of its
labels, the best score of each detector class at each scale. **Targets** are text vectors of the image's words.

**Prior.** With nothing described, an image is where its labels are: `Σ √p_i t_i / Σ √p_i` over the label questions
`t_i` (ConSE, Norouzi et al. 2014, arXiv:1312.5650, which weighs the top labels by p; the root of p over all labels
finds a third more, since a photo shows more than the one thing it is classified as), and likewise for the detector.

**Fit.** Ridge regression of what the prior leaves over: `y - ȳ = a₁ c₁ + a₂ c₂ + (x - x̄) W`, with the two `a` by
least squares and `λ = 3 trace(K) / n`, `K` the Gram matrix of the centred features (dual form for n ≤ f, primal for
more). So few described images change little and many outvote the prior.

**Comparison.** Vectors are centred on the collection and multiplied by `Σ^-½`, where Σ is the covariance of
held-out residuals drawn nine tenths towards a sphere: directions in which words vary without the image telling
count for less (the score is then, up to constants, the log-likelihood of the question given the image). Cosine.

**Questions** are centred too. Without descriptions the mean question is estimated: subjects of `background.SUBJECTS`,
each weighted by how well the collection answers it. Language and manner are taken out (`text_space`).

The constants were chosen by cross-validation on photos none of which is in the tests; each has a wide flat optimum.
"""

from __future__ import annotations

import io
from dataclasses import astuple, dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from foveal.retrieval.text_space import TextSpace, read_arrays
from foveal.types.content import Detections, ImageEncoding
from foveal.types.vectors import FloatArray

_VERSION: Final = 1
_LABEL_WEIGHT: Final = 0.7
_CLASS_WEIGHT: Final = 0.25
_RIDGE: Final = 3.0
_ROUNDNESS: Final = 0.9
_CLASS_SHARE: Final = 0.5
"""Weight of the detector's part of the prior against the labels' part, while nothing is described."""
_PRIOR_SCALE: Final = 0.12
"""Length that the labels' part is first believed to have, in text space."""
_PRIOR_STRENGTH: Final = 20.0
"""Described images that the first belief counts for."""
_TEMPERATURE: Final = 0.05
_FOLDS: Final = 5
_MOST_DESCRIBED: Final = 20_000
_MOST_RESIDUALS: Final = 4_000
_TINY: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureLayout:
    """Lengths of the parts of a feature vector, in their order.

    Attributes:
        vector: Of the encoder's vector.
        labels: Labels of the encoder; 0 when it knows none.
        classes: Classes of the detector; 0 without one.
        scales: Scales at which the detector scores each class.
    """

    vector: int
    labels: int = 0
    classes: int = 0
    scales: int = 0

    @property
    def size(self) -> int:
        """Length of a feature vector."""
        return self.vector + self.labels + self.classes * self.scales

    @classmethod
    def of(cls, *, size: int, vector: int, labels: int, classes: int) -> FeatureLayout:
        """The layout of features of length `size` by what the models say of themselves.

        Raises:
            ValueError: There is none.
        """
        scales = (size - vector - labels) // classes if classes else 0
        layout = cls(vector=vector, labels=labels, classes=classes, scales=scales)
        if layout.size != size:
            raise ValueError(f"features of length {size} do not come from {vector} + {labels} + {classes} × scales")
        return layout


def image_features(encoding: ImageEncoding, detections: Detections | None) -> FloatArray:
    """What the adapter reads of an image: float32 [f].

    Without a detector its part is absent, so an index sticks to one choice.
    """
    parts = [encoding.vector, _LABEL_WEIGHT * np.sqrt(encoding.probabilities.clip(0.0, 1.0))]
    if detections is not None:
        parts.append(_CLASS_WEIGHT * np.sqrt(detections.class_scores.clip(0.0, 1.0)).reshape(-1))
    joined: FloatArray = np.concatenate(parts).astype(np.float32)
    return joined


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
        return _unit((self._predict(features) - self.offset) @ self.whitening)

    def due(self, *, described: int, images: int) -> bool:
        """Whether to fit again, now that the index has so many images, so many of them with words.

        Any change below 50, then a growth or loss of a tenth of either number.
        """
        return _moved(described, self.described) or _moved(images, self.images)

    def query(self, text_vector: FloatArray) -> FloatArray:
        """What a question's text vector [d] (from `embed_queries`) is compared with: float32 [d], L2-normalised."""
        return _unit((self.space.subject_of(text_vector) - self.question_mean) @ self.whitening)

    def background(self) -> FloatArray:
        """float32 [subjects, d]: the background questions as `query` gives them, to calibrate scores by."""
        return self.query(self.space.subjects)

    def _predict(self, features: FloatArray) -> FloatArray:
        prior = _prior_parts(features, self.layout, self.space)
        predicted: FloatArray = features @ self.weights + np.tensordot(self.scales, prior, axes=1)
        return predicted

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
    base = _belief(collection, layout, space) if prior is None else (prior.scales, prior.weights)
    solution = _solve(features, space.subject_of(targets), base, layout=layout, space=space)
    predicted = _predict(collection, solution, layout, space)
    whitening = _whitening(solution.residuals, space)
    if prior is not None and not len(features):
        whitening = prior.whitening
    offset = predicted.mean(axis=0) if len(predicted) else solution.feature_mean_prediction
    return Adapter(
        space=space,
        layout=layout,
        described=described,
        images=len(collection) if images is None else images,
        scales=solution.scales,
        weights=solution.weights,
        offset=offset,
        question_mean=_question_mean(solution, predicted - offset, offset, whitening, space),
        whitening=whitening,
        quality=_quality(solution, space),
    )


def _moved(now: int, then: int) -> bool:
    return now != then if min(now, then) < 50 else abs(now - then) >= 0.1 * then


@dataclass(frozen=True, slots=True, kw_only=True)
class _Solution:
    """What the regression found.

    Attributes:
        target_mean: float32 [d], ȳ; zeros when nothing is described.
        feature_mean_prediction: float32 [d], the map's value at the described images' mean.
        left_out: float32 [k, d], predictions of a sample of described images, each without its fold, centred.
        targets: float32 [k, d], their targets, centred.
        residuals: float32 [k, d], targets less left-out predictions.
    """

    scales: FloatArray
    weights: FloatArray
    described: int
    target_mean: FloatArray
    feature_mean_prediction: FloatArray
    left_out: FloatArray
    targets: FloatArray
    residuals: FloatArray


def _belief(collection: FloatArray, layout: FeatureLayout, space: TextSpace) -> tuple[FloatArray, FloatArray]:
    """Scales of the prior's parts and an empty map, before anything is described."""
    parts = _prior_parts(collection, layout, space)
    spread = np.zeros(2, np.float32)
    if len(collection) > 1:
        spread = np.sqrt(((parts - parts.mean(axis=1, keepdims=True)) ** 2).sum(axis=2).mean(axis=1))
    shares = np.array([1.0, _CLASS_SHARE], np.float32)
    scales = shares * np.where(spread > _TINY, _PRIOR_SCALE / np.maximum(spread, _TINY), 1.0)
    return scales.astype(np.float32), np.zeros((layout.size, space.subjects.shape[1]), np.float32)


def _solve(
    features: FloatArray,
    targets: FloatArray,
    base: tuple[FloatArray, FloatArray],
    *,
    layout: FeatureLayout,
    space: TextSpace,
) -> _Solution:
    n, d = len(features), space.subjects.shape[1]
    base_scales, base_weights = base
    if n == 0:
        nothing = np.zeros((0, d), np.float32)
        zero = np.zeros(d, np.float32)
        return _Solution(
            scales=base_scales, weights=base_weights, described=0, target_mean=zero, feature_mean_prediction=zero,
            left_out=nothing, targets=nothing, residuals=nothing,
        )  # fmt: skip
    target_mean, feature_mean = targets.mean(axis=0), features.mean(axis=0)
    wanted, inputs = targets - target_mean, features - feature_mean
    parts = _prior_parts(features, layout, space)
    parts_mean = parts.mean(axis=1)
    centred = parts - parts_mean[:, None]
    scales = _scales(centred, wanted - inputs @ base_weights, base_scales)
    rest = wanted - inputs @ base_weights - np.tensordot(scales, centred, axes=1)
    weights, sample, residuals = _ridge(inputs, rest)
    total = (base_weights + weights).astype(np.float32)
    return _Solution(
        scales=scales,
        weights=total,
        described=n,
        target_mean=target_mean,
        feature_mean_prediction=feature_mean @ total + scales @ parts_mean,
        left_out=wanted[sample] - residuals,
        targets=wanted[sample],
        residuals=residuals,
    )


def _scales(parts: FloatArray, wanted: FloatArray, belief: FloatArray) -> FloatArray:
    """Least squares of `wanted` [n, d] on the two centred prior parts [2, n, d], drawn towards a first belief."""
    n = len(wanted)
    products = np.einsum("and,bnd->ab", parts, parts).astype(np.float64)
    pull = np.diag(np.maximum(products.diagonal(), _TINY)) * (_PRIOR_STRENGTH / n)
    answers = np.einsum("and,nd->a", parts, wanted) + pull @ belief
    scales: FloatArray = np.linalg.solve(products + pull, answers).astype(np.float32)
    return scales


def _ridge(inputs: FloatArray, targets: FloatArray) -> tuple[FloatArray, npt.NDArray[np.int64], FloatArray]:
    """Ridge of centred targets on centred inputs.

    Returns:
        The map [f, d]; indices [k] of at most 4,000 rows; their residuals [k, d] when the fold they belong to (see
        `_folds`) is left out of the fit. In closed form: `(I - H)⁻¹ (y - ŷ)` over a fold, `H` being its block of the
        hat matrix with 1/n for the mean.
    """
    n, f = inputs.shape
    sample = np.linspace(0, n - 1, min(n, _MOST_RESIDUALS)).astype(np.int64)
    strength = max(_RIDGE * float(np.square(inputs).sum()) / n, _TINY)
    if n <= f:
        inverse = np.linalg.inv(inputs @ inputs.T + strength * np.eye(n, dtype=np.float32))
        weights = inputs.T @ (inverse @ targets)
    else:
        inverse = np.linalg.inv(inputs.T @ inputs + strength * np.eye(f, dtype=np.float32))
        weights = inverse @ (inputs.T @ targets)
    residuals = np.empty((len(sample), targets.shape[1]), np.float32)
    for fold in _folds(len(sample)):
        rows = sample[fold]
        own = np.eye(len(rows), dtype=np.float32)
        kept = strength * inverse[np.ix_(rows, rows)] if n <= f else own - inputs[rows] @ inverse @ inputs[rows].T
        kept = kept - 1.0 / n + (1e-3 + (n == len(rows))) * own  # one described image: nothing is left without it
        residuals[fold] = np.linalg.solve(kept, targets[rows] - inputs[rows] @ weights)
    return weights.astype(np.float32), sample, residuals


def _folds(n: int) -> list[npt.NDArray[np.int64]]:
    """Indices of n rows in five folds, each spread over the whole."""
    rows = np.arange(n)
    return [fold for start in range(_FOLDS) if len(fold := rows[start::_FOLDS])]


def _whitening(residuals: FloatArray, space: TextSpace) -> FloatArray:
    """`Σ^-½` [d, d], scaled so that its largest value is 1; the fewer residuals the rounder."""
    d = space.subjects.shape[1]
    if len(residuals) < 2:
        return np.eye(d, dtype=np.float32)
    values, axes = np.linalg.eigh(residuals.T @ residuals / len(residuals))
    mean = max(float(values.mean()), _TINY)
    rounded = (1.0 - _ROUNDNESS) * values.clip(0.0) + _ROUNDNESS * mean
    roots = np.sqrt(rounded.min() / rounded)
    whitening: FloatArray = ((axes * roots) @ axes.T).astype(np.float32)
    return whitening


def _question_mean(
    solution: _Solution, centred: FloatArray, offset: FloatArray, whitening: FloatArray, space: TextSpace
) -> FloatArray:
    """Mean question of the collection: told by descriptions, moved to the collection; guessed while there are few."""
    subjects = space.subject_of(space.subjects)
    images = _unit(centred @ whitening)
    if not len(images):
        images = np.zeros((1, len(whitening)), np.float32)
    likeness = _unit((subjects - subjects.mean(axis=0)) @ whitening) @ images.T
    odds = np.exp((likeness - likeness.max(axis=0)) / _TEMPERATURE)
    guessed = (odds / odds.sum(axis=0)).mean(axis=1) @ subjects
    told = solution.target_mean + offset - solution.feature_mean_prediction
    trust = solution.described / (solution.described + _PRIOR_STRENGTH)
    mean: FloatArray = (trust * told + (1.0 - trust) * guessed).astype(np.float32)
    return mean


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


def _quality(solution: _Solution, space: TextSpace) -> AdapterQuality | None:
    """Each fold whitened by the residuals of the others: by its own, every question would look like its answer."""
    n = len(solution.targets)
    if n < _FOLDS**2:
        return None
    ranks = []
    for fold in _folds(n):
        whitening = _whitening(np.delete(solution.residuals, fold, axis=0), space)
        images = _unit(solution.left_out[fold] @ whitening)
        scores = _unit(solution.targets[fold] @ whitening) @ images.T
        ranks.append(1 + (scores > scores.diagonal()[:, None]).sum(axis=1))
    rank = np.concatenate(ranks)
    return AdapterQuality(
        n=n,
        candidates=n // _FOLDS,
        recall_at_1=float((rank <= 1).mean()),
        recall_at_5=float((rank <= 5).mean()),
        recall_at_10=float((rank <= 10).mean()),
        median_rank=float(np.median(rank)),
    )


def _predict(features: FloatArray, solution: _Solution, layout: FeatureLayout, space: TextSpace) -> FloatArray:
    prior = _prior_parts(features, layout, space)
    predicted: FloatArray = features @ solution.weights + np.tensordot(solution.scales, prior, axes=1)
    return predicted


def _prior_parts(features: FloatArray, layout: FeatureLayout, space: TextSpace) -> FloatArray:
    """float32 [2, n, d]: where labels and detector classes put each image; zeros for a part that is absent.

    Labels weigh by the root of their probability, classes by their best score over the scales.
    """
    labels, classes = np.split(features[:, layout.vector :], [layout.labels], axis=1)
    parts = np.zeros((2, len(features), space.subjects.shape[1]), np.float32)
    if layout.labels:
        parts[0] = _shares(labels) @ space.labels
    if layout.classes:
        best = classes.reshape(len(features), layout.classes, layout.scales).max(axis=2)
        parts[1] = _shares(np.square(best)) @ space.classes
    return parts


def _shares(weights: FloatArray) -> FloatArray:
    """Rows that add up to 1 (rows of zeros stay)."""
    shares: FloatArray = weights / np.maximum(weights.sum(axis=1, keepdims=True), _TINY)
    return shares


def _unit(vectors: npt.NDArray[np.floating]) -> FloatArray:
    """Vectors [..., d] over their lengths; zeros stay zeros."""
    unit: FloatArray = (vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), _TINY)).astype(np.float32)
    return unit


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
