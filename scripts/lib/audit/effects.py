"""Effect sizes of class impact: how large a change is, beside whether it is significant."""

import numpy as np
from scipy import special

NO_SPREAD = 1e-12  # what rounding leaves of no spread, in squares of recalls


def hedges_g(change: np.ndarray, dense_recall: np.ndarray, compressed_recall: np.ndarray) -> np.ndarray:
    """A change in units of the spread between models, float64[..., C]: Hedges' g, the unbiased form of Cohen's d (Hedges 1981).

    change: float[..., C]; recalls: float[..., K, C] and float[..., L, C], K, L >= 2. The spread is the pooled standard deviation of the
    models' recall. NaN where no model differs from another of its population.
    """
    return change * _per_spread(dense_recall, compressed_recall)


def hedges_g_interval(
    change: np.ndarray, error: np.ndarray, dense_recall: np.ndarray, compressed_recall: np.ndarray, significance: float
) -> np.ndarray:
    """Low and high ends of the interval of `hedges_g`, float64[2, C], from the change and its standard error, float[C].

    The change over its error has a noncentral t distribution with the K + L - 2 degrees of freedom of the spread; the interval holds the
    g that would not make the change that was found improbable (Steiger & Fouladi 1997). NaN where g or the error is.
    """
    degrees = dense_recall.shape[-2] + compressed_recall.shape[-2] - 2
    scale = error * _per_spread(dense_recall, compressed_recall)
    tails = np.array([[1 - significance / 2], [significance / 2]])
    with np.errstate(invalid="ignore", divide="ignore"):
        return special.nctdtrinc(degrees, tails, change / error) * scale


def _per_spread(dense_recall: np.ndarray, compressed_recall: np.ndarray) -> np.ndarray:
    """What a change of 1 is in units of g, float64[..., C]."""
    k, m = dense_recall.shape[-2], compressed_recall.shape[-2]
    degrees = k + m - 2
    squares = dense_recall.var(axis=-2) * k + compressed_recall.var(axis=-2) * m
    spread = np.sqrt(np.where(squares > NO_SPREAD, squares, np.nan) / degrees)
    correction = np.exp(special.gammaln(degrees / 2) - special.gammaln((degrees - 1) / 2)) / np.sqrt(degrees / 2)
    return correction / spread


def relative_changes(dense_recall: np.ndarray, compressed_recall: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Change of recall beyond the change of top-1, float64[..., C], from recalls float[..., K, C] and float[..., L, C].

    share: float[C], of the images in each class, so that recall and share give top-1; 0 for a class without, whose recall is NaN. The
    estimate of `class_impact`.
    """
    change = compressed_recall.mean(axis=-2) - dense_recall.mean(axis=-2)
    return change - (np.nan_to_num(change) @ share)[..., None]
