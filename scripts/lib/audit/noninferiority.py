"""Is something worse by less than a margin? One-sided tests both ways: that it is not, and that it surely is.

`better`: the p-value of the hypothesis that the margin is reached or passed; small where the promise is kept. `worse`: that of the hypothesis that it
is kept; small where it is broken. Each holds its level at the margin. A promise about several things at once, such as all classes, is kept if all
are and broken if one is: an intersection-union test for the one (Berger 1982), which needs no adjustment, and Bonferroni for the other.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy import special

from scripts.lib.audit.intervals import Estimate
from scripts.lib.audit.paired_proportions import score

POWER = 0.8
ACCEPTED, REJECTED, INCONCLUSIVE = "accepted", "rejected", "inconclusive"


class Test(NamedTuple):
    """Both one-sided p-values of a promise; NaN where nothing can be tested."""

    better: float
    worse: float


UNTESTED = Test(math.nan, math.nan)


def loss_of_pairs(gained: np.ndarray, lost: np.ndarray, n: np.ndarray, margin: float) -> tuple[np.ndarray, np.ndarray]:
    """Both p-values of losses (lost - gained) / n of images against a margin, float64[G] each, by Tango's score test (Tango 1998).

    That test is asymptotic, and too liberal where hardly an image is gained. So neither p-value is below that of the exact binomial test of the net
    number lost, which is the test where none is gained.
    """
    z, net = score(gained, lost, n, -margin), np.asarray(lost) - gained
    at_most = np.where(net >= 0, special.bdtr(np.maximum(net, 0), n, margin), 0.0)
    at_least = np.where(net > 0, special.bdtrc(np.maximum(net, 1) - 1, n, margin), 1.0)
    return np.maximum(special.ndtr(-z), at_most), np.maximum(special.ndtr(z), at_least)


def share(count: int, n: int, margin: float) -> Test:
    """Of a share count / n of images against a margin, by the exact binomial test."""
    if n == 0:
        return UNTESTED
    return Test(float(special.bdtr(count, n, margin)), float(special.bdtrc(count - 1, n, margin)) if count else 1.0)


def of_normal(value: float, error: float, margin: float, degrees: float = math.inf) -> Test:
    """Of an estimate with its standard error against a margin, by Student's t; NaN without an error: nothing is certain for want of spread."""
    if math.isnan(value) or not error > 0:
        return UNTESTED
    t = (margin - value) / error
    if math.isinf(degrees):
        return Test(float(special.ndtr(-t)), float(special.ndtr(t)))
    return Test(float(special.stdtr(degrees, -t)), float(special.stdtr(degrees, t)))


def unseen(n: int, margin: float) -> Test:
    """Of n images on which nothing changed for any model: how probable that is where a share `margin` of images changes."""
    return Test((1 - margin) ** n, 1.0) if n else UNTESTED


def no_surer_than_unseen(test: Test, n: int, margin: float) -> Test:
    """The test of a share of n images, at best as sure as if nothing had changed on any: few changes make an error that is estimated from them too small."""
    return Test(max(test.better, unseen(n, margin).better), test.worse) if n else test


def error_of(estimate: Estimate, significance: float) -> float:
    """The standard error that an interval speaks of: half its width over the normal quantile. NaN without an interval."""
    return (estimate.high - estimate.low) / 2 / float(-special.ndtri(significance / 2))


def of_all(better: np.ndarray, worse: np.ndarray) -> Test:
    """Of a promise about G things at once, from the p-values of each, float64[G]; one that could not be tested, NaN, leaves no promise surely kept, and
    others may break it all the same."""
    known = worse[~np.isnan(worse)]
    return Test(
        math.nan if not len(better) or np.isnan(better).any() else float(better.max()),
        float(min(1.0, len(worse) * known.min())) if len(known) else math.nan,
    )


def images_to_decide(
    value: float, error: float, margin: float, n: int, significance: float, others: float = 0.0
) -> float:
    """How many images would decide four times of five, if the value is as it was found: NaN where no number would.

    error: standard error over n images; others: that over what more images do not help, such as models. One-sided at `significance`.
    """
    if (
        error == 0 and others == 0 and 0 < margin < 1
    ):  # nothing changed: as many as would have shown a share `margin` of changes
        return float(math.ceil(math.log(significance) / math.log1p(-margin)))
    wanted = ((margin - value) / float(-special.ndtri(significance) + special.ndtri(POWER))) ** 2 - others**2
    if not wanted > 0 or not error > 0:
        return math.nan
    return float(math.ceil(n * error**2 / wanted))


def verdict(better: float, worse: float, significance: float) -> str:
    """`accepted`, `rejected` or, where neither is sure, `inconclusive`; from p-values that are adjusted where there are several promises."""
    if better <= significance:
        return ACCEPTED
    return REJECTED if worse <= significance else INCONCLUSIVE
