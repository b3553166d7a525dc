"""Accuracy and error rates of a population on some of the images, and whether they change more there than on the others.

A rate is linear in what the models get right, so each image and each model has a known part in it. Intervals are for other images and
other models: the variances over images and over the models of each population are added, with Satterthwaite's degrees of freedom.
What images and models share is counted in both, so the interval errs towards too wide.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from scripts.lib.audit.intervals import UNDEFINED, Estimate, rate

LEAST = 2  # images of a class, for it to count in a mean over classes: the spread of one image is unknown
NEGLIGIBLE = 1e-24  # a variance that rounding leaves of none


@dataclass(frozen=True)
class Measure:
    """A rate or a difference of rates, with the part that each of N images and each model has in it."""

    value: float
    by_image: np.ndarray  # float64[N]: its squares add up to the variance over images
    by_model: dict[str, np.ndarray]  # population -> float64[K]: the measure of each model alone
    images: int  # that it is about; of a difference, the smaller number
    reason: str = ""  # why the value is undefined

    def __sub__(self, other: "Measure") -> "Measure":
        """The difference; what both owe to the same image or the same model is taken off before it is squared."""
        zero = np.zeros(1)
        by_model = {
            population: self.by_model.get(population, zero) - other.by_model.get(population, zero)
            for population in self.by_model | other.by_model
        }
        return Measure(
            self.value - other.value,
            self.by_image - other.by_image,
            by_model,
            min(self.images, other.images),
            self.reason or other.reason,
        )

    def log(self) -> "Measure":
        """The logarithm of a rate, by the delta method; undefined for 0."""
        if self.reason or self.value <= 0:
            return undefined(len(self.by_image), self.reason or "a rate is 0")
        parts = {population: parts / self.value for population, parts in self.by_model.items()}
        return Measure(math.log(self.value), self.by_image / self.value, parts, self.images)

    def _variance(self) -> tuple[float, float]:
        """The variance and its degrees of freedom (Satterthwaite 1946)."""
        parts = [(float((self.by_image**2).sum()), self.images - 1)]
        parts += [(float(each.var(ddof=1)) / len(each), len(each) - 1) for each in self.by_model.values()]
        total = sum(variance for variance, _ in parts)
        if total <= NEGLIGIBLE:
            return 0.0, math.inf
        return total, total**2 / sum(variance**2 / max(1, degrees) for variance, degrees in parts)

    def estimate(self, significance: float) -> Estimate:
        """With Student's interval. Without any spread the interval is NaN: no change among n images is not certainty."""
        variance, degrees = self._variance()
        if self.reason or variance == 0:
            return Estimate(self.value, math.nan, math.nan)
        half = float(-special.stdtrit(degrees, significance / 2)) * math.sqrt(variance)
        return Estimate(self.value, self.value - half, self.value + half)

    def p_value(self) -> float:
        """Two-sided, that the measure is 0; NaN without any spread."""
        variance, degrees = self._variance()
        if self.reason or variance == 0:
            return math.nan
        return float(2 * special.stdtr(degrees, -abs(self.value) / math.sqrt(variance)))


def undefined(images: int, reason: str) -> Measure:
    """A measure of N images that is not defined, and why."""
    return Measure(math.nan, np.zeros(images), {}, 0, reason)


def share(measure: Measure, significance: float) -> Estimate:
    """A rate with its interval cut at 0 and 1; where it is 0 or 1 for every image and model, Wilson's for that many images."""
    if not measure.reason and measure.value in (0.0, 1.0):
        return rate(round(measure.value * measure.images), measure.images, significance)
    value, low, high = measure.estimate(significance)
    return Estimate(value, float(np.maximum(low, 0)), float(np.minimum(high, 1)))


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
    return _mean(population, votes == labels, members, "no image")


def false_negative_rate(
    population: str, votes: np.ndarray, labels: np.ndarray, members: np.ndarray, positive: int | None = None
) -> Measure:
    """How often images of a class are called another one; votes int[K, N], labels int[N], members bool[N].

    With a positive class: the share of its images among the members that a model calls something else. Without: the mean of these
    shares over all classes with at least two images among the members, 1 less their mean recall; every class counts the same.
    """
    if positive is not None:
        return _mean(population, votes != positive, members & (labels == positive), "no image of the positive class")
    counts = np.bincount(labels[members], minlength=int(labels.max()) + 1)
    counted = members & (counts[labels] >= LEAST)
    classes = int((counts >= LEAST).sum())
    if not classes:
        return undefined(len(labels), f"no class has {LEAST} images")
    weight = np.where(counted, 1.0 / (classes * np.maximum(counts[labels], 1)), 0.0)
    wrong = votes != labels
    per_image = wrong.mean(axis=0)
    of_class = np.bincount(labels[counted], per_image[counted], len(counts)) / np.maximum(counts, 1)
    unbiased = np.sqrt(counts / np.maximum(counts - 1, 1))
    by_image = weight * (per_image - of_class[labels]) * unbiased[labels]
    by_model = (wrong * weight).sum(
        axis=1
    )  # not by BLAS, whose order of summation is the processor's: 0 would be 1e-16 here and there
    return Measure(float(by_model.mean()), by_image, {population: by_model}, int(counted.sum()))


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
        return _mean(population, votes == positive, members & (labels != positive), "no image of another class")
    counts = np.bincount(labels[members], minlength=classes)
    others = members.sum() - counts
    usable = others >= LEAST
    if not usable.any():
        return undefined(len(labels), f"no class has {LEAST} images of other classes")
    weight = np.where(usable, 1.0 / (usable.sum() * np.maximum(others, 1)), 0.0)
    rows, own = votes[:, members], labels[members]
    called = np.where(rows != own, weight[rows], 0.0)
    # What an image adds to the mean, less what any image of its label is expected to add.
    said = np.bincount(rows[rows != own], minlength=classes) / len(rows)
    of_class = np.where(usable, said / np.maximum(others, 1), 0.0) * weight
    n = len(own)
    by_image = np.zeros(len(labels))
    by_image[members] = (called.mean(axis=0) - (of_class.sum() - of_class[own])) * math.sqrt(n / max(n - 1, 1))
    by_model = called.sum(axis=1)
    return Measure(float(by_model.mean()), by_image, {population: by_model}, n)


def _mean(population: str, happened: np.ndarray, members: np.ndarray, reason: str) -> Measure:
    """The mean over the members of what happened with each model and image, bool[K, N]."""
    n = int(members.sum())
    if n == 0:
        return undefined(len(members), reason)
    by_model = happened[:, members].mean(axis=1)
    per_image = happened[:, members].mean(axis=0)
    by_image = np.zeros(len(members))
    by_image[members] = (per_image - per_image.mean()) / math.sqrt(n * max(n - 1, 1))
    return Measure(float(per_image.mean()), by_image, {population: by_model}, n)
