"""The closed-form fit behind the adapter: ridge regression on top of a prior, and the metric its misses give.

**Fit.** Ridge regression of what the prior leaves over: `y - ȳ = a₁ c₁ + a₂ c₂ + (x - x̄) W`, with the two `a` by
least squares and `λ = 3 trace(K) / n`, `K` the Gram matrix of the centred features (dual form for n ≤ f, primal for
more). So few described images change little and many outvote the prior.

**Comparison.** Vectors are centred on the collection and multiplied by `Σ^-½`, where Σ is the covariance of
held-out residuals drawn nine tenths towards a sphere: directions in which words vary without the image telling
count for less (the score is then, up to constants, the log-likelihood of the question given the image). Cosine.

The constants were chosen by cross-validation on photos none of which is in the tests; each has a wide flat optimum.

`x` are features, `y` text vectors of the image's words, `c` centred parts of the prior. Shapes: n described images,
f features of each, d dimensions of the text space, k images of a sample of the n.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from foveal.types.vectors import FloatArray

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
_MOST_RESIDUALS: Final = 4_000
_TINY: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Regression:
    """What the regression found.

    Attributes:
        scales: float32 [2], weights of the two parts of the prior.
        weights: float32 [f, d], the map on top of the prior.
        described: Images it learnt from.
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


def first_scales(parts: FloatArray) -> FloatArray:
    """Scales float32 [2] of the prior's parts [2, m, d] of a collection, before anything is described."""
    spread = np.zeros(2, np.float32)
    if parts.shape[1] > 1:
        spread = np.sqrt(((parts - parts.mean(axis=1, keepdims=True)) ** 2).sum(axis=2).mean(axis=1))
    shares = np.array([1.0, _CLASS_SHARE], np.float32)
    scales: FloatArray = shares * np.where(spread > _TINY, _PRIOR_SCALE / np.maximum(spread, _TINY), 1.0)
    return scales.astype(np.float32)


def regress(
    features: FloatArray, parts: FloatArray, targets: FloatArray, *, scales: FloatArray, weights: FloatArray
) -> Regression:
    """Learn from described images.

    Args:
        features: float32 [n, f]; n may be 0.
        parts: float32 [2, n, d], where the two parts of the prior put them.
        targets: float32 [n, d], where their words are.
        scales: float32 [2], what is believed of the parts' weights before.
        weights: float32 [f, d], the map believed before.
    """
    n, d = targets.shape
    if n == 0:
        nothing = np.zeros((0, d), np.float32)
        zero = np.zeros(d, np.float32)
        return Regression(
            scales=scales, weights=weights, described=0, target_mean=zero, feature_mean_prediction=zero,
            left_out=nothing, targets=nothing, residuals=nothing,
        )  # fmt: skip
    target_mean, feature_mean = targets.mean(axis=0), features.mean(axis=0)
    wanted, inputs = targets - target_mean, features - feature_mean
    parts_mean = parts.mean(axis=1)
    centred = parts - parts_mean[:, None]
    fitted = _scales(centred, wanted - inputs @ weights, scales)
    rest = wanted - inputs @ weights - np.tensordot(fitted, centred, axes=1)
    added, sample, residuals = _ridge(inputs, rest)
    total = (weights + added).astype(np.float32)
    return Regression(
        scales=fitted,
        weights=total,
        described=n,
        target_mean=target_mean,
        feature_mean_prediction=feature_mean @ total + fitted @ parts_mean,
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


def whitening(residuals: FloatArray) -> FloatArray:
    """`Σ^-½` float32 [d, d] of residuals [k, d], its largest value 1; the fewer residuals the rounder."""
    if len(residuals) < 2:
        return np.eye(residuals.shape[1], dtype=np.float32)
    values, axes = np.linalg.eigh(residuals.T @ residuals / len(residuals))
    mean = max(float(values.mean()), _TINY)
    rounded = (1.0 - _ROUNDNESS) * values.clip(0.0) + _ROUNDNESS * mean
    roots = np.sqrt(rounded.min() / rounded)
    whitened: FloatArray = ((axes * roots) @ axes.T).astype(np.float32)
    return whitened


def question_mean(
    found: Regression, centred: FloatArray, *, offset: FloatArray, whiten: FloatArray, subjects: FloatArray
) -> FloatArray:
    """Mean question of a collection: told by descriptions, moved to the collection; guessed while there are few.

    Args:
        found: What the descriptions told.
        centred: float32 [m, d], predictions of the collection less their mean; m may be 0.
        offset: float32 [d], that mean.
        whiten: float32 [d, d].
        subjects: float32 [s, d], questions one might ask of any collection.
    """
    images = unit(centred @ whiten)
    if not len(images):
        images = np.zeros((1, len(whiten)), np.float32)
    likeness = unit((subjects - subjects.mean(axis=0)) @ whiten) @ images.T
    odds = np.exp((likeness - likeness.max(axis=0)) / _TEMPERATURE)
    guessed = (odds / odds.sum(axis=0)).mean(axis=1) @ subjects
    told = found.target_mean + offset - found.feature_mean_prediction
    trust = found.described / (found.described + _PRIOR_STRENGTH)
    mean: FloatArray = (trust * told + (1.0 - trust) * guessed).astype(np.float32)
    return mean


def held_out_ranks(found: Regression) -> tuple[npt.NDArray[np.int64], int]:
    """How well words find their image when the regression has seen neither; nothing below 25 described images.

    Each fold is whitened by the residuals of the others: by its own, every question would look like its answer.

    Returns:
        1-based ranks [k], one per image of the sample, or none; images among which each was sought.
    """
    n = len(found.targets)
    if n < _FOLDS**2:
        return np.zeros(0, np.int64), 0
    ranks = []
    for fold in _folds(n):
        whiten = whitening(np.delete(found.residuals, fold, axis=0))
        images = unit(found.left_out[fold] @ whiten)
        scores = unit(found.targets[fold] @ whiten) @ images.T
        ranks.append(1 + (scores > scores.diagonal()[:, None]).sum(axis=1))
    return np.concatenate(ranks), n // _FOLDS


def unit(vectors: npt.NDArray[np.floating]) -> FloatArray:
    """Vectors [..., d] over their lengths; zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    normalised: FloatArray = (vectors / np.maximum(lengths, _TINY)).astype(np.float32)
    return normalised
