"""Accuracy and error rates of a population on some of the images, and whether they change more there than on the others.

A rate is linear in what the models get right, so each image and each model has a known part in it. Intervals are for other images and
other models (`crossed`).
"""

import math

import numpy as np

from scripts.lib.audit.crossed import Measure, share_of, undefined
from scripts.lib.audit.intervals import UNDEFINED, Estimate, rate, within

LEAST = 2  # images of a class, for it to count in a mean over classes: the spread of one image is unknown


def share(measure: Measure, significance: float) -> Estimate:
    """A rate with its interval cut at 0 and 1; where it is 0 or 1 for every image and model, Wilson's for that many images."""
    if not measure.reason and measure.value in (0.0, 1.0):
        return rate(round(measure.value * measure.images), measure.images, significance)
    return within(measure.estimate(significance), 0, 1)


def relative_change(level: Measure, dense: Measure, significance: float) -> Estimate:
    """level / dense - 1, the change of a rate relative to the dense population's (2010.03058).

    The interval is made for the logarithm of the ratio (delta method). NaN where the dense rate is 0; where only the level's is, the
    value is -1 and the interval NaN.
    """
    if level.reason or dense.reason or dense.value == 0:
        return UNDEFINED
    if level.value == 0:
        return Estimate(-1.0, math.nan, math.nan)
    return Estimate(*(math.exp(end) - 1 for end in (level.log() - dense.log()).estimate(significance)))


def accuracy(population: str, votes: np.ndarray, labels: np.ndarray, members: np.ndarray) -> Measure:
    """Mean top-1 of a population's models on the members; votes int[K, N], labels int[N], members bool[N]."""
    return share_of(population, votes == labels, members)


def false_negative_rate(
    population: str, votes: np.ndarray, labels: np.ndarray, members: np.ndarray, positive: int | None = None
) -> Measure:
    """How often images of a class are called another one; votes int[K, N], labels int[N], members bool[N].

    With a positive class: the share of its images among the members that a model calls something else. Without: the mean of these
    shares over all classes with at least two images among the members, 1 less their mean recall; every class counts the same.
    """
    if positive is not None:
        return share_of(population, votes != positive, members & (labels == positive), "no image of the positive class")
    counts = np.bincount(labels[members], minlength=int(labels.max()) + 1)
    counted = members & (counts[labels] >= LEAST)
    classes = int((counts >= LEAST).sum())
    if not classes:
        return undefined(len(labels), f"no class has {LEAST} images")
    weight = np.where(counted, 1.0 / (classes * np.maximum(counts[labels], 1)), 0.0)
    wrong = votes != labels
    of_class = np.stack([np.bincount(labels[counted], each[counted], len(counts)) for each in wrong])
    of_class /= np.maximum(counts, 1)
    scale = weight * np.sqrt(counts / np.maximum(counts - 1, 1))[labels]
    parts = (wrong - of_class[:, labels]) * scale
    # Not by BLAS, whose order of summation is the processor's: what is 0 would be 1e-16 here and there.
    by_model = (wrong * weight).sum(axis=1)
    by_image = parts.mean(axis=0)
    parts = parts.astype(np.float32)
    return Measure(float(by_model.mean()), by_image, {population: by_model}, {population: parts}, int(counted.sum()))


def false_positive_rate(
    population: str,
    votes: np.ndarray,
    labels: np.ndarray,
    members: np.ndarray,
    classes: int,
    positive: int | None = None,
) -> Measure:
    """How often images of other classes are called a class; votes int[K, N] below `classes`, labels int[N], members bool[N].

    With a positive class: the share of the members that are not of it which a model calls it. Without: the mean of these shares
    over all classes of the study of which at least two members are not; every class counts the same, also one that no member
    shows. With C classes and members of all of them this is about the error rate over C - 1.
    """
    if positive is not None:
        return share_of(population, votes == positive, members & (labels != positive), "no image of another class")
    counts = np.bincount(labels[members], minlength=classes)
    others = members.sum() - counts
    usable = others >= LEAST
    if not usable.any():
        return undefined(len(labels), f"no class has {LEAST} images of other classes")
    weight = np.where(usable, 1.0 / (usable.sum() * np.maximum(others, 1)), 0.0)
    rows, own = votes[:, members], labels[members]
    called = np.where(rows != own, weight[rows], 0.0)
    # What an image adds to the mean, less what any image of its label is expected to add.
    said = np.stack([np.bincount(row[row != own], minlength=classes) for row in rows])
    of_class = np.where(usable, said / np.maximum(others, 1), 0.0) * weight
    n = len(own)
    parts = np.zeros(votes.shape)
    parts[:, members] = (called - of_class.sum(axis=1, keepdims=True) + of_class[:, own]) * math.sqrt(n / max(n - 1, 1))
    by_model = called.sum(axis=1)
    by_image = parts.mean(axis=0)
    parts = parts.astype(np.float32)
    return Measure(float(by_model.mean()), by_image, {population: by_model}, {population: parts}, n)
