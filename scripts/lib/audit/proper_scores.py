"""Scores of all that a model says of an image, which are best for the true probabilities: Brier's and the negative log-likelihood."""

import numpy as np

SMALLEST = np.finfo(
    np.float32
).smallest_subnormal  # above 0, so only a probability that was rounded to 0 is raised to it


def brier(p_label: np.ndarray, p_squared: np.ndarray) -> np.ndarray:
    """Brier's score (1950) of each prediction, float64[...] from 0 to 2: the sum over classes of (p - 1 for the label, else p) squared.

    p_label: float[...], p_squared: float[...], the sum of the squares of all classes' probabilities. Of two classes it is twice what is
    often called so.
    """
    return np.asarray(p_squared, dtype=np.float64) - 2 * np.asarray(p_label, dtype=np.float64) + 1


def negative_log_likelihood(p_label: np.ndarray) -> np.ndarray:
    """- log p of the label's probabilities float[...], float64[...]; a probability of 0 counts as the smallest float32 above it, 103.3."""
    p = np.asarray(p_label, dtype=np.float64)
    return -np.log(np.where(p == 0, float(SMALLEST), p))
