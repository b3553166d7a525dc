"""Class impact: which classes lose or gain more than the average of the population."""

from dataclasses import dataclass

import numpy as np
from scipy import special

ROUNDING = 1e-12  # what is left of equal differences of rates; rates of a million images differ by more


def recall(votes: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Each model's recall of each class, float64[K, C]; votes int[K, N], labels int[N]. NaN for a class without images."""
    counts = np.bincount(labels, minlength=classes)
    hits = np.stack([np.bincount(labels[row == labels], minlength=classes) for row in votes])
    return hits / np.where(counts > 0, counts, np.nan)


@dataclass(frozen=True)
class ClassImpact:
    """A test for each of C classes; arrays of length C, NaN for a class without test images."""

    change: np.ndarray  # compressed minus dense recall, each less its population's mean top-1
    low: np.ndarray
    high: np.ndarray
    t: np.ndarray  # > 0 where the dense population is relatively better (the paper's sign)
    degrees: np.ndarray
    p: np.ndarray  # two-sided, uncorrected
    error: np.ndarray  # standard error of the change


def class_impact(
    dense_recall: np.ndarray,
    compressed_recall: np.ndarray,
    dense_top1: float,
    compressed_top1: float,
    significance: float,
) -> ClassImpact:
    """Welch's test per class of recall less ONE constant per level, the population's mean top-1 (1911.05248, released code).

    dense_recall: float[K, C], compressed_recall: float[L, C]; K, L >= 2. Where neither population has any spread the test is
    undefined: t, p and the interval are NaN.
    """
    dense, compressed = np.asarray(dense_recall), np.asarray(compressed_recall)
    if len(dense) < 2 or len(compressed) < 2:
        raise ValueError("Welch's test needs two models of each level at least.")
    difference = (dense.mean(axis=0) - dense_top1) - (compressed.mean(axis=0) - compressed_top1)
    difference = difference.round(12) + 0.0  # what is left of equal numbers by rounding is no difference
    a, b = _variance_of_mean(dense), _variance_of_mean(compressed)
    variance = np.where(a + b > 0, a + b, np.nan)
    with np.errstate(invalid="ignore"):
        t = difference / np.sqrt(variance)
        degrees = variance**2 / (a**2 / (len(dense) - 1) + b**2 / (len(compressed) - 1))
    half = -special.stdtrit(degrees, significance / 2) * np.sqrt(variance)
    p = 2 * special.stdtr(degrees, -np.abs(t))
    return ClassImpact(-difference, -difference - half, -difference + half, t, degrees, p, np.sqrt(variance))


def _variance_of_mean(recalls: np.ndarray) -> np.ndarray:
    """float[K, C] to float[C]; exactly 0 where models differ by no more than rounding, which would otherwise make a p-value of 0."""
    return np.where(np.ptp(recalls, axis=0) <= ROUNDING, 0.0, recalls.var(axis=0, ddof=1) / len(recalls))
