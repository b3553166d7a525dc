"""Robustness to corruptions in one number a corruption or a level, with intervals over models and images.

E_{s,c} is the top-1 error at severity s of corruption c, the mean over the models of a population and over images; E without indices is
that on the clean images, and a star marks the reference. Functions take means over severities, E_c = mean_s E_{s,c}; a
ratio of means is the published ratio of sums. Rates are fractions of 1.
"""

import numpy as np

# Resamples worked on at a time. It decides which random numbers go into which resample, so a change of it changes tables.
TOGETHER = 50
# An interval needs this share of resamples in which the statistic is defined.
DEFINED = 0.9


def corruption_error(error: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """CE_c = sum_s E_{s,c} / sum_s E*_{s,c} (1903.12261, section 4), float64[..., C] from float[..., C]; NaN for a reference of 0."""
    return _ratio(error, reference)


def relative_corruption_error(
    error: np.ndarray, clean: np.ndarray, reference: np.ndarray, reference_clean: np.ndarray
) -> np.ndarray:
    """Relative CE_c = sum_s (E_{s,c} - E) / sum_s (E*_{s,c} - E*) (1903.12261, section 4), float64[..., C].

    error, reference: float[..., C]; clean, reference_clean: float[...]. NaN where the reference loses nothing, or gains, under
    the corruption: there is nothing to be relative to.
    """
    lost = reference - reference_clean[..., None]
    return _ratio(error - clean[..., None], np.where(lost > 0, lost, 0))


def excess_error(error: np.ndarray, clean: np.ndarray, dense: np.ndarray, dense_clean: np.ndarray) -> np.ndarray:
    """(E_c - E) - (E_c of dense - E of dense), float64[..., C]: what a level loses under a corruption beyond what it loses anyway.

    error, dense: float[..., C]; clean, dense_clean: float[...]. The excess error of "Lost in Pruning" (Liebenwein et al. 2021; the
    formula of `extract_excess_error` in github.com/lucaslie/torchprune), with the clean images as the distribution that
    networks are compared on first.
    """
    return (error - clean[..., None]) - (dense - dense_clean[..., None])


def resampled_means(
    counts: np.ndarray, resamples: int, images: np.random.Generator, models: np.random.Generator
) -> np.ndarray:
    """Means of counts[V, K, N] over models and images, both drawn with replacement, float64[B, V] (pigeonhole bootstrap, 0712.1111).

    counts: small whole numbers of V variants, K models, N images. All variants of a resample are of the same models and
    images. Populations that are judged on the same images need a generator `images` that starts in the same state; then so are
    their resamples. It errs towards too wide intervals.
    """
    variants, k, n = counts.shape
    flat = counts.reshape(variants * k, n).astype(np.float32)  # sums are whole numbers below 2 ** 24, hence exact
    means = []
    for start in range(0, resamples, TOGETHER):
        some = min(TOGETHER, resamples - start)
        drawn = images.integers(0, n, (some, n)) + n * np.arange(some)[:, None]
        times = np.bincount(drawn.ravel(), minlength=some * n).reshape(some, n).astype(np.float32)
        of_models = (times @ flat.T).reshape(some, variants, k) / n
        chosen = models.integers(0, k, (some, 1, k))
        means.append(np.take_along_axis(of_models, chosen, axis=2).mean(axis=2, dtype=np.float64))
    return np.concatenate(means)


def percentile_interval(values: np.ndarray, significance: float) -> tuple[float, float]:
    """The central 1 - significance of resampled values[B]; NaN if a tenth of them or more is undefined, or if they do not differ."""
    if (~np.isnan(values)).mean() < DEFINED:
        return np.nan, np.nan
    low, high = np.nanquantile(values, [significance / 2, 1 - significance / 2])
    if low == high:
        return np.nan, np.nan
    return float(low), float(high)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    above, below = np.broadcast_arrays(np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64))
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below != 0)
