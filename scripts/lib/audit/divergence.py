"""How far the probabilities that two networks give the classes are apart, image by image, in nats.

Both are 0 where the probabilities are equal. A probability that rounds to 0 counts as the smallest that single precision has, so that no
divergence is infinite for want of digits.
"""

import numpy as np
from scipy import special

SMALLEST = float(np.finfo(np.float32).tiny)


def kullback_leibler(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """KL(before || after), float64[N], from probabilities float[N, C] (Kullback & Leibler 1951): what `before` expects to lose by being
    replaced. ValueError for other shapes."""
    before, after = _checked(before, after)
    return np.maximum(special.rel_entr(before, after).sum(axis=1), 0.0)


def jensen_shannon(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The divergence of Jensen and Shannon, float64[N] from 0 to log 2 (Lin 1991): of both from their mean. ValueError for other shapes."""
    before, after = _checked(before, after)
    middle = (before + after) / 2
    halves = special.rel_entr(before, middle) + special.rel_entr(after, middle)
    return np.clip(halves.sum(axis=1) / 2, 0.0, np.log(2))


def _checked(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both as float64 without zeros, each row adding up to 1."""
    if before.shape != after.shape or before.ndim != 2:
        raise ValueError("probabilities before and after must be of the same N images and C classes.")
    lifted = (np.maximum(each.astype(np.float64), SMALLEST) for each in (before, after))
    first, second = (each / each.sum(axis=1, keepdims=True) for each in lifted)
    return first, second
