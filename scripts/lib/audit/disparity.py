"""How unevenly a level's loss falls on the classes, in one number a level."""

from collections.abc import Callable

import numpy as np
from scipy import special

from scripts.lib.audit.intervals import UNDEFINED, Estimate

NO_SPREAD = 1e-12  # what rounding leaves of equal rates


def error_rates(votes: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Each model's false positive and false negative rate of each class, float64[2, K, C]; votes int[K, N], labels int[N].

    NaN for a class without images of its own, or of others. Predictions of none of the C classes are false negatives only.
    """
    counts = np.bincount(labels, minlength=classes).astype(np.float64)
    others = len(labels) - counts
    counts[counts == 0], others[others == 0] = np.nan, np.nan
    hits = np.stack([np.bincount(labels[row == labels], minlength=classes) for row in votes])
    said = np.stack([np.bincount(row[(row >= 0) & (row < classes)], minlength=classes) for row in votes])
    return np.stack([(said - hits) / others, 1 - hits / counts])


def combined_error_variance(dense: np.ndarray, compressed: np.ndarray) -> np.ndarray:
    """CEV, float64[...], from error rates float[..., 2, C] (2106.07849; 2110.04397).

    With d_c = (FPR, FNR) of class c, each as its change relative to the dense population's, (compressed - dense) / dense, and m
    their mean over classes: CEV = 1/C sum_c |d_c - m|^2. 0 when the errors of all classes grow by the same factors. Classes
    without dense errors of either kind have no relative change and are left out.
    """
    change, usable = _relative_changes(dense, compressed)
    centre = _mean(change, usable)[..., None]
    return _mean(((change - centre) ** 2).sum(axis=-2, keepdims=True), usable)[..., 0]


def symmetric_distance_error(dense: np.ndarray, compressed: np.ndarray) -> np.ndarray:
    """SDE, float64[...], from error rates float[..., 2, C] (2106.07849; 2110.04397).

    1/C sum_c |dFPR_c - dFNR_c| with the relative changes of `combined_error_variance`: how far a class turns from being missed to
    being said too often, or back.
    """
    change, usable = _relative_changes(dense, compressed)
    return _mean(np.abs(change[..., :1, :] - change[..., 1:, :]), usable)[..., 0]


def jackknifed(
    statistic: Callable[[np.ndarray, np.ndarray], np.ndarray],
    dense: np.ndarray,
    compressed: np.ndarray,
    significance: float,
    paired: bool = False,
) -> Estimate:
    """A statistic of two populations' mean error rates with Student's interval over models (jackknife: Tukey 1958).

    dense: float[2, K, C], compressed: float[2, L, C] of `error_rates`; K, L >= 2. The interval is about the statistic's expectation for
    so many models, which luck alone lifts above 0: compare with the control's. It is NaN where a dense error of a class is
    that of one model only: without that model the statistic would be of fewer classes. Of a paired level, whose models were made of
    the dense ones in their order, whole pairs are left out.
    """
    means = dense.mean(axis=1), compressed.mean(axis=1)
    value = float(statistic(*means))
    if np.isnan(value):
        return UNDEFINED
    fewer = _without_each(dense)
    if not np.array_equal((fewer > 0).all(axis=0), means[0] > 0):
        return Estimate(value, np.nan, np.nan)
    if paired:
        left_out = (statistic(fewer, _without_each(compressed)),)
    else:
        left_out = statistic(fewer, means[1]), statistic(means[0], _without_each(compressed))
    variance = sum((len(each) - 1) * each.var() for each in left_out)
    if np.sqrt(variance) <= NO_SPREAD:
        return Estimate(value, np.nan, np.nan)
    half = float(-special.stdtrit(min(map(len, left_out)) - 1, significance / 2) * np.sqrt(variance))
    return Estimate(value, max(0.0, value - half), value + half)


def recall_intensification(
    dense: np.ndarray, compressed: np.ndarray, significance: float, paired: bool = False
) -> Estimate:
    """Slope of the change of recall on dense recall over classes, from recalls float[K, C] and float[L, C] (after 2206.02976).

    Positive where classes of low recall lose more than those of high recall. A class's recall that is high by luck falls
    when measured again, which alone makes a slope negative; so one half of the dense models gives the recall and the other half
    the change, both ways, and the slopes are averaged: 0 is expected where nothing differs. The compressed models are all, of a
    paired level those made of the half that gives the change. The interval is over classes (`_slope`); NaN for fewer than four of
    them or without dense spread. Classes without images, whose recall is NaN, are left out.
    """
    tested = ~np.isnan(dense).any(axis=0)
    dense, compressed = dense[:, tested], compressed[:, tested]
    halves = dense[::2].mean(axis=0), dense[1::2].mean(axis=0)
    afterwards = (compressed[1::2], compressed[::2]) if paired else (compressed, compressed)
    found = [
        _slope(recall, after.mean(axis=0) - other)
        for recall, other, after in zip(halves, halves[::-1], afterwards, strict=True)
    ]
    if any(each is None for each in found):
        return UNDEFINED
    return _over_classes(
        float(np.mean([slope for slope, _ in found])), sum(part for _, part in found) / 2, significance
    )


def frequency_slope(change: np.ndarray, frequency: np.ndarray, significance: float) -> Estimate:
    """Slope over classes of the change of recall, float[C], on the logarithm of the number of training images, float[C].

    The logarithm is to base 2, so the slope is per doubling: positive where rare classes lose more. The interval is over classes
    (`_slope`). Classes whose change is NaN or whose frequency is 0 or unknown are left out; NaN if fewer than four are left, or all
    are as frequent.
    """
    frequency = np.asarray(frequency, dtype=np.float64)
    known = ~np.isnan(change) & (frequency > 0)
    found = _slope(np.log2(frequency[known]), np.asarray(change)[known])
    return UNDEFINED if found is None else _over_classes(*found, significance)


def _slope(x: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray] | None:
    """The least squares slope of y[C] on x[C] and each class's part in it; None for fewer than four classes, or equal x.

    The squares of the parts add up to the variance HC3, which is robust to unequal spread and, as it divides each residual by 1 less its
    leverage, not too small for few classes (MacKinnon & White 1985; Long & Ervin 2000).
    """
    classes = len(x)
    if classes < 4 or np.ptp(x) <= NO_SPREAD:
        return None
    x, y = x - x.mean(), y - y.mean()
    total = float(x @ x)
    slope = float(x @ y) / total
    leverage = 1 / classes + x**2 / total
    # A class alone at its x has leverage 1 and no residual.
    return slope, x * (y - slope * x) / np.maximum(1 - leverage, NO_SPREAD) / total


def _over_classes(value: float, parts: np.ndarray, significance: float) -> Estimate:
    """Student's interval from the classes' parts; NaN where the classes lie on a line by no luck of theirs."""
    error = float(np.sqrt((parts**2).sum()))
    if error <= NO_SPREAD:
        return Estimate(value, np.nan, np.nan)
    half = float(-special.stdtrit(len(parts) - 2, significance / 2)) * error
    return Estimate(value, value - half, value + half)


def _relative_changes(dense: np.ndarray, compressed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(compressed - dense) / dense, float[..., 2, C], 0 where undefined; and which classes define both, bool[..., 1, C]."""
    dense, compressed = np.broadcast_arrays(dense, compressed)
    usable = (dense > 0).all(axis=-2, keepdims=True)
    change = np.divide(compressed - dense, dense, out=np.zeros(dense.shape), where=usable & (dense > 0))
    return change, usable


def _mean(values: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Mean over the usable classes, [..., R] from [..., R, C]; NaN if there are none."""
    count = usable.sum(axis=-1)
    return (values * usable).sum(axis=-1) / np.where(count > 0, count, np.nan)


def _without_each(rates: np.ndarray) -> np.ndarray:
    """Mean rates without each model in turn, float64[K, 2, C] from float[2, K, C]."""
    models = rates.shape[1]
    return ((rates.sum(axis=1, keepdims=True) - rates) / (models - 1)).transpose(1, 0, 2)
