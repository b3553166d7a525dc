"""Measures of K models out of what each image adds to the number of each model, for other images and other models (`crossed`).

One model has no spread of models: its interval is over images alone, and it is about this very model.
"""

import math

import numpy as np

from scripts.lib.audit.crossed import Measure, undefined


def measure_of(population: str, values: np.ndarray, parts: np.ndarray, images: int) -> Measure:
    """The mean of values[K] of K models over their influences[K, N], whose variance over an image is that of a model's value times N.

    values: float64[K]; parts: float[K, N], of mean 0 for each model, in units of one image (a mean's are the values less the mean); images: how many
    of the N the number is about, at least 2.
    """
    scaled = parts / math.sqrt(images * (images - 1))
    by_image = scaled.mean(axis=0, dtype=np.float64)
    if len(values) == 1:
        return Measure(float(values[0]), by_image, {}, {}, images)
    return Measure(
        float(values.mean()), by_image, {population: values}, {population: scaled.astype(np.float32)}, images
    )


def mean_of(population: str, numbers: np.ndarray, members: np.ndarray, reason: str) -> Measure:
    """The mean of each model's numbers[K, N] over its own members, bool[K, N], and then over models; a ratio where members differ between models.

    Undefined for the reason where a model has fewer than two members, and where a number of theirs is NaN.
    """
    counts = members.sum(axis=1)
    if counts.min() < 2:
        return undefined(numbers.shape[1], reason)
    inside = np.where(members, numbers, 0.0).astype(np.float64)
    values = inside.sum(axis=1) / counts
    if np.isnan(values).any():
        return undefined(numbers.shape[1], reason)
    images = int(counts.min())
    # An image that is no member adds nothing; in units of one member.
    unit = np.sqrt(images * (images - 1) / (counts * (counts - 1)))
    return measure_of(population, values, np.where(members, inside - values[:, None], 0.0) * unit[:, None], images)
