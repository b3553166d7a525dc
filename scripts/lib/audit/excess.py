"""The excess of PIEs over the control with both its errors, of images and of models, and the test of the votes, for groups of images."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from scripts.lib.audit.churn_test import churn_test, least_p
from scripts.lib.audit.intervals import UNDEFINED, Estimate, Part, mean, with_parts
from scripts.lib.audit.model_variance import FEWEST, HalvedReference, Halves, halve, halve_reference


@dataclass(frozen=True)
class Excess:
    """The mean excess of one group of images."""

    estimate: Estimate  # over other images and other models
    se_images: float  # the standard error that images are to blame for: falls with their number
    se_models: float  # and models: falls with theirs only
    p_interval: float  # two-sided: at most `significance` where the interval leaves 0 out
    p_permutation: (
        float  # that the votes differ by chance: the level's models among the dense and the control's, dealt anew
    )

    @property
    def p(self) -> float:
        """The larger of both, that of the claim that both support."""
        return max(self.p_interval, self.p_permutation) if not math.isnan(self.p_interval) else math.nan


UNKNOWN = Excess(UNDEFINED, math.nan, math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Excesses:
    """The excesses of G groups of N images."""

    differences: np.ndarray  # float64[N]: the excess on each image, a mean over deals
    groups: np.ndarray  # bool[G, N]
    halves: Halves
    p_permutation: np.ndarray  # float64[G]
    least_p: float  # the smallest that these models can bring; 1 where they are too few for an interval
    significance: float

    def of(self, group: int) -> Excess:
        """A group's excess."""
        inside = self.differences[self.groups[group]]
        images, models = self._images(group), self._models(self.halves.variance(group))
        parts = [images, models]
        if math.isnan(images.variance) or math.isnan(models.variance):
            estimate, p = Estimate(float(inside.mean()) if len(inside) else math.nan, math.nan, math.nan), math.nan
        elif max(part.variance for part in parts) == 0:
            estimate, p = mean(inside, self.significance), _p_of_alike(float(inside[0]), len(inside))
        else:
            estimate, p = with_parts(float(inside.mean()), parts, self.significance)
        return Excess(
            estimate, math.sqrt(images.variance), math.sqrt(models.variance), p, float(self.p_permutation[group])
        )

    def beyond(self, group: int, reference: int) -> Estimate:
        """How much larger a group's excess is than that of another group without common images; no ends where either has one image."""
        return self.beyond_tested(group, reference)[0]

    def beyond_tested(self, group: int, reference: int) -> tuple[Estimate, float]:
        """The same with the two-sided p-value that it is not, over other images and other models."""
        first, second = (self.differences[self.groups[each]].mean() for each in (group, reference))
        models = self._models(self.halves.variance(group, reference))
        parts = [self._images(group), self._images(reference), models]
        return with_parts(float(first - second), parts, self.significance)

    def _images(self, group: int) -> Part:
        inside = self.differences[self.groups[group]]
        n = len(inside)
        return Part(float(inside.var(ddof=1)) / n if n > 1 else math.nan, n - 1)

    def _models(self, variance: float) -> Part:
        """An unbiased estimate of a small variance can be below 0, a variance not."""
        return Part(max(0.0, variance) if not math.isnan(variance) else math.nan, self.halves.models - 1)


def _p_of_alike(value: float, n: int) -> float:
    """At which significance the interval of `mean` for n images with one and the same value just reaches 0: where z ** 2 is n |value|."""
    return 2 * float(special.ndtr(-math.sqrt(n * abs(value))))


@dataclass(frozen=True)
class Uncompressed:
    """What levels are held against: votes int[K, N] of the dense and the control models, halved for each design that levels have."""

    dense: np.ndarray
    control: np.ndarray
    halved: dict[str, HalvedReference]
    tie_rule: str


def uncompressed(
    dense: np.ndarray,
    control: np.ndarray,
    streams: dict[str, np.random.Generator],
    tie_rule: str,
) -> Uncompressed:
    """The dense and the control models, halved once for all levels; dense, control: votes int[K, N]; streams: one a design."""
    halved = {design: halve_reference(dense, control, random, design, tie_rule) for design, random in streams.items()}
    return Uncompressed(dense, control, halved, tie_rule)


def excesses(
    differences: np.ndarray,
    reference: Uncompressed,
    compressed: np.ndarray,
    design: str,
    groups: np.ndarray,
    deals: int,
    streams: tuple[np.random.Generator, np.random.Generator],
    significance: float,
) -> Excesses:
    """The excesses of groups bool[G, N] of images; differences: float64[N], the excess on each image as find_pies makes it.

    compressed: the level's votes int[M, N]; streams: for its halves and for the deals of the test of its votes.
    """
    groups = np.asarray(groups, dtype=bool)
    halves = halve(reference.halved[design], compressed, groups, streams[0], reference.tie_rule)
    before = reference.dense if design == "paired" else np.concatenate([reference.dense, reference.control])
    return Excesses(
        np.asarray(differences, dtype=np.float64),
        groups,
        halves,
        churn_test(before, compressed, deals, streams[1], design, groups),
        least_p(len(before), len(compressed), deals, design) if halves.models >= FEWEST else 1.0,
        significance,
    )
