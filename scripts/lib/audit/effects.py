"""Effect sizes of class impact: how large a change is, beside whether it is significant."""

from collections.abc import Iterator

import numpy as np
from scipy import special

# Resamples worked on at a time: bounds the memory to some hundred MB for 60 models and 50,000 images.
TOGETHER = 50
# An interval needs this share of resamples in which the effect is defined.
DEFINED = 0.9


def hedges_g(change: np.ndarray, dense_recall: np.ndarray, compressed_recall: np.ndarray) -> np.ndarray:
    """A change in units of the spread between models, float64[..., C]: Hedges' g, the unbiased form of Cohen's d (Hedges 1981).

    change: float[..., C]; recalls: float[..., K, C] and float[..., L, C], K, L >= 2. The spread is the pooled standard deviation of the
    models' recall. NaN where no model differs from another of its population.
    """
    k, m = dense_recall.shape[-2], compressed_recall.shape[-2]
    degrees = k + m - 2
    squares = dense_recall.var(axis=-2) * k + compressed_recall.var(axis=-2) * m
    spread = np.sqrt(np.where(squares > 1e-12, squares, np.nan) / degrees)  # less is what rounding leaves of no spread
    correction = np.exp(special.gammaln(degrees / 2) - special.gammaln((degrees - 1) / 2)) / np.sqrt(degrees / 2)
    return correction * change / spread


def relative_changes(dense_recall: np.ndarray, compressed_recall: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Change of recall beyond the change of top-1, float64[..., C], from recalls float[..., K, C] and float[..., L, C].

    share: float[C], of the images in each class, so that recall and share give top-1. The estimate of `class_impact`.
    """
    change = compressed_recall.mean(axis=-2) - dense_recall.mean(axis=-2)
    return change - (change @ share)[..., None]


def bootstrap_intervals(
    dense: np.ndarray,
    compressed: np.ndarray,
    labels: np.ndarray,
    classes: int,
    resamples: int,
    significance: float,
    random: np.random.Generator,
    paired: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Percentile intervals of `relative_changes` and of `hedges_g`, float64[2, C] each: low and high ends.

    dense: bool[K, N] and compressed: bool[L, N], whether each model is right; labels int[N]. Each resample draws models of both
    populations and, within each class, images, both with replacement (the pigeonhole bootstrap, 0712.1111, which errs towards too
    wide); of a paired level whole pairs of models. NaN where fewer than nine tenths of the resamples define the effect.
    """
    share = np.bincount(labels, minlength=classes) / len(labels)
    changes, effects = [], []
    for before, after in _resampled_recalls(dense, compressed, labels, classes, resamples, random, paired):
        changes.append(relative_changes(before, after, share))
        effects.append(hedges_g(changes[-1], before, after))
    tails = [significance / 2, 1 - significance / 2]
    return _quantiles(np.concatenate(changes), tails), _quantiles(np.concatenate(effects), tails)


def _resampled_recalls(
    dense: np.ndarray,
    compressed: np.ndarray,
    labels: np.ndarray,
    classes: int,
    resamples: int,
    random: np.random.Generator,
    paired: bool,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Recalls of resampled models on resampled images, float64[B, K, C] and float64[B, L, C], some resamples at a time."""
    order = np.argsort(labels, kind="stable")
    right = np.concatenate([dense, compressed])[:, order].astype(np.float32)
    sizes = np.bincount(labels, minlength=classes)
    ends = sizes.cumsum()
    first, size = np.repeat(ends - sizes, sizes), np.repeat(sizes, sizes)
    n, k = len(labels), len(dense)
    for start in range(0, resamples, TOGETHER):
        some = min(TOGETHER, resamples - start)
        drawn = first + (random.random((some, n)) * size).astype(np.int64)
        times = np.bincount((drawn + n * np.arange(some)[:, None]).ravel(), minlength=some * n).reshape(some, n)
        times = times.astype(np.float32)
        recalls = np.empty((some, len(right), classes))
        for c, (begin, end) in enumerate(zip(ends - sizes, ends, strict=True)):
            recalls[:, :, c] = times[:, begin:end] @ right[:, begin:end].T / (end - begin)
        models = [random.integers(0, count, (some, count, 1)) for count in (k, len(right) - k)]
        if paired:
            models[1] = models[0]
        yield (
            np.take_along_axis(recalls[:, :k], models[0], axis=1),
            np.take_along_axis(recalls[:, k:], models[1], axis=1),
        )


def _quantiles(values: np.ndarray, tails: list[float]) -> np.ndarray:
    """Quantiles of the defined values of each column, float64[2, C]; NaN where too many are undefined."""
    enough = (~np.isnan(values)).mean(axis=0) >= DEFINED
    quantiles = np.full((2, values.shape[1]), np.nan)
    if enough.any():
        quantiles[:, enough] = np.nanquantile(values[:, enough], tails, axis=0)
    return quantiles
