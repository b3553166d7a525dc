"""Statistics of K models that judge the same N images, with intervals for other models and other images: a crossed design.

What a model and an image have in common is in the variance over images and in that over models, so adding the two counts it twice.
The variance here is that over images, plus that over models less what they have in common with single images: that of models alone. It
is estimated without bias and left out where nothing remains of it (two-way random effects: Searle, Casella & McCulloch 1992, chapter 5).
Degrees of freedom are Satterthwaite's (1946); what remains of the variance over models is as uncertain as all of it.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import special

from scripts.lib.audit.intervals import UNDEFINED, Estimate

NEGLIGIBLE = 1e-24  # a variance that rounding leaves of none


@dataclass(frozen=True)
class Measure:
    """A statistic or a difference of some, with the part that each of N images and each model has in it."""

    value: float
    by_image: np.ndarray  # float64[N]: its squares add up to the variance over images
    by_model: dict[str, np.ndarray]  # population -> float64[K]: the measure of each model alone
    # Population -> float32[K, N]: of each model and image, of mean 0 over the images of each model, scaled as by_image.
    parts: dict[str, np.ndarray]
    images: int  # that it is about; of a difference, the smaller number
    reason: str = ""  # why the value is undefined

    def __sub__(self, other: "Measure") -> "Measure":
        """The difference; what both owe to the same image or the same model is taken off before it is squared."""
        return Measure(
            round(self.value - other.value, 12) + 0.0,  # what rounding leaves of equal values is no difference
            self.by_image - other.by_image,
            _difference(self.by_model, other.by_model),
            _difference(self.parts, other.parts),
            min(self.images, other.images),
            self.reason or other.reason,
        )

    def log(self) -> "Measure":
        """The logarithm of a rate, by the delta method; undefined for 0."""
        if self.reason or self.value <= 0:
            return undefined(len(self.by_image), self.reason or "a rate is 0")
        by_model, parts = (
            {population: each / self.value for population, each in of.items()} for of in (self.by_model, self.parts)
        )
        return Measure(math.log(self.value), self.by_image / self.value, by_model, parts, self.images)

    @cached_property
    def variance(self) -> tuple[float, float]:
        """The variance over images and models, and its degrees of freedom; 0 where nothing varies."""
        over_images = float((self.by_image**2).sum())
        over_models = {name: float(each.var(ddof=1)) / len(each) for name, each in self.by_model.items()}
        of_models, common = sum(over_models.values()), sum(map(_common, self.parts.values()))
        if over_images <= NEGLIGIBLE:  # images may be equal on average by luck, while models differ on each
            over_images = common
        total, uncertainty = over_images, over_images**2 / max(1, self.images - 1)
        if not of_models - common <= NEGLIGIBLE:
            total += of_models - common
            uncertainty += sum(each**2 / max(1, len(self.by_model[name]) - 1) for name, each in over_models.items())
        if total <= NEGLIGIBLE:
            return 0.0, math.inf
        return total, max(1.0, total**2 / uncertainty)

    def estimate(self, significance: float) -> Estimate:
        """With Student's interval. Without any spread the interval is NaN: no change among n images is not certainty."""
        if self.reason or math.isnan(self.value):
            return UNDEFINED
        variance, degrees = self.variance
        if variance == 0 or math.isnan(variance):
            return Estimate(self.value, math.nan, math.nan)
        half = float(-special.stdtrit(degrees, significance / 2)) * math.sqrt(variance)
        return Estimate(self.value, self.value - half, self.value + half)

    def p_value(self) -> float:
        """Two-sided, that the measure is 0; NaN without any spread."""
        variance, degrees = self.variance
        if self.reason or variance == 0:
            return math.nan
        return float(2 * special.stdtr(degrees, -abs(self.value) / math.sqrt(variance)))


def undefined(images: int, reason: str) -> Measure:
    """A measure of N images that is not defined, and why."""
    return Measure(math.nan, np.zeros(images), {}, {}, 0, reason)


def share_of(population: str, happened: np.ndarray, members: np.ndarray, reason: str = "no image") -> Measure:
    """How often something happened with the members, a mean over models and images; happened: bool[K, N], members: bool[N].

    reason: why it is undefined if there are no members.
    """
    n = int(members.sum())
    if n == 0:
        return undefined(len(members), reason)
    inside = happened[:, members].astype(np.float64)
    by_model = inside.mean(axis=1)
    scale = math.sqrt(n * max(n - 1, 1))
    parts = np.zeros(happened.shape, dtype=np.float32)
    parts[:, members] = (inside - by_model[:, None]) / scale
    per_image = inside.mean(axis=0)
    by_image = np.zeros(len(members))
    by_image[members] = (per_image - per_image.mean()) / scale
    return Measure(float(per_image.mean()), by_image, {population: by_model}, {population: parts}, n)


def jackknifed(values: np.ndarray, left_out: dict[str, np.ndarray]) -> Measure:
    """The mean of values[N] that depend on all models of some populations; NaN where a value is.

    left_out: population -> float[K, N], the values without each of its models; K - 1 times what a model changes is its own part
    (jackknife: Tukey 1958).
    """
    n, value = len(values), float(values.mean()) if len(values) else math.nan
    scale = math.sqrt(n * max(n - 1, 1))
    by_model, parts = {}, {}
    for population, without in left_out.items():
        own = (len(without) - 1) * (without.mean(axis=0) - without).astype(np.float64)
        by_model[population] = value + own.mean(axis=1)
        parts[population] = ((own - own.mean(axis=1, keepdims=True)) / scale).astype(np.float32)
    return Measure(value, (values - value) / scale, by_model, parts, n, "" if n else "no image")


def _difference(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    zero = np.zeros(1, dtype=np.float32)
    return {name: first.get(name, zero) - second.get(name, zero) for name in first | second}


def _common(parts: np.ndarray) -> float:
    """The variance of what each model and each image have in common, from parts[K, N]."""
    models = len(parts)
    apart = parts - parts.mean(axis=0)
    squares = np.einsum("kn,kn->n", apart, apart)  # a few numbers each, so that single precision is enough
    return float(squares.sum(dtype=np.float64)) / (models * max(models - 1, 1))
