"""A loss that is the same for every image: what class impact looks like when nothing but the overall level of accuracy changes."""

import numpy as np


def logit_margins(p_label: np.ndarray, p1: np.ndarray, p2: np.ndarray, correct: np.ndarray) -> np.ndarray:
    """The label's logit less the largest other one, float64[...], from softmax probabilities and whether the label is the first.

    p_label, p1, p2: float[...] of the label and of the two most probable classes, correct: bool[...]. A softmax only adds a constant
    to the logits, so the logarithm of the ratio of two probabilities is the difference of their logits. Probabilities that
    single precision rounds to 0 give a margin of infinite size, which no shift turns over.
    """
    with np.errstate(divide="ignore"):
        own, first, second = (np.log(np.asarray(p, dtype=np.float64)) for p in (p_label, p1, p2))
    return own - np.where(correct, second, first)


def normalized_margins(p_label: np.ndarray, p1: np.ndarray, p2: np.ndarray, correct: np.ndarray) -> np.ndarray:
    """(p - q + 1) / 2, float64[...] in 0..1, with p the label's probability and q the largest other one (as cleanlab scores labels).

    Arguments as for `logit_margins`; p2 is NaN where there is only one class, and so is the margin.
    """
    own, first, second = (np.asarray(p, dtype=np.float64) for p in (p_label, p1, p2))
    return (own - np.where(correct, second, first) + 1) / 2


def right_after_shift(margins: np.ndarray, top1: float) -> np.ndarray:
    """Which predictions are right, bool[K, N], when every label's logit loses the same amount, so that top-1 is what is given.

    margins: float[K, N], top1: 0..1. A label whose logit loses d is still the first while its margin is at least d; d is chosen so that
    as many as wanted are. An approximation of compression by one number for all images, classes and models: a null model, not a
    description. A top-1 above the models' own makes d negative.
    """
    wanted = round(top1 * margins.size)
    if wanted == 0:
        return np.zeros(margins.shape, dtype=bool)
    threshold = np.partition(margins, margins.size - wanted, axis=None)[margins.size - wanted]
    return margins >= threshold
