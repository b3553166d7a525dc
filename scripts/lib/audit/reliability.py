"""The reliability diagram: how often predictions are right that a model is about equally sure of."""

from typing import NamedTuple

import numpy as np

from scripts.lib.audit.intervals import Estimate, rate


class Bin(NamedTuple):
    """Predictions of about one confidence, the mean of K models."""

    images: float  # of one model
    confidence: float
    accuracy: Estimate


def reliability(confidence: np.ndarray, correct: np.ndarray, places: np.ndarray, significance: float) -> list[Bin]:
    """The bins of K models from the least to the most sure; confidence float[K, N], correct bool[K, N], places int[K, N] from `equal_mass_bins`.

    Each model has bins of its own, and those of one rank are put together; ties may leave a model fewer. The interval is Wilson's of as many
    images as one model has in the bin, because models err on the same images: with several models it errs towards too wide.
    """
    bins = []
    for number in range(int(places.max()) + 1):
        inside = places == number
        models = int(inside.any(axis=1).sum())
        images = inside.sum() / models
        right = rate(float((correct & inside).sum() / models), images, significance)
        bins.append(Bin(float(images), float(confidence[inside].mean(dtype=np.float64)), right))
    return bins
