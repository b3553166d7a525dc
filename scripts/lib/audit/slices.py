"""Tests of slices of images, on images that had no part in choosing the slices.

What is tested is whether the images of a slice change more than the other testing images do, and where there is a control, whether they do
so beyond what the control does. Arrays are of the n testing images.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy import special

from scripts.lib.audit.excess import Excesses
from scripts.lib.audit.intervals import UNDEFINED, Estimate, difference, mean, rate
from scripts.lib.audit.over_indexing import mean_difference, student

FOUND, ALIKE, UNTESTED = "changes more than the others", "cannot be told from the others", "not tested"
BEYOND_UNSURE, AS_UNSURE = "and than as unsure images", "as unsure images do"
STRATA, SHRINK = 20, 0.8  # of sureness; a stratum and all less sure ones have this share of what they and the next have


class Tested(NamedTuple):
    """What the testing half says of a slice; p-values are one-sided, that nothing more changes: the discovery half has said which way."""

    excess: Estimate  # inside, over the control; UNDEFINED without one
    beyond: Estimate  # how much more changes inside than outside; beyond the control where there is one
    p: float
    beyond_unsure: Estimate = (
        UNDEFINED  # how much more changes inside than on as unsure images outside; without a control only
    )
    p_unsure: float = math.nan


NOTHING = Tested(UNDEFINED, UNDEFINED, math.nan)


def strata_of(sureness: np.ndarray) -> np.ndarray:
    """The stratum of each image, int64[n], from sureness[n]: the surest fifth is the last, the surest fifth of the others the one before …

    What changes is mostly among the least sure images, so strata are the finer the less sure they are.
    """
    ends = np.quantile(sureness, [SHRINK**power for power in range(STRATA - 1, 0, -1)])
    return np.searchsorted(ends, sureness, side="left")


def alone(changed: np.ndarray, inside: np.ndarray, strata: np.ndarray, significance: float) -> Tested:
    """Of images that change, bool[n], without a control: Fisher's exact test, and the difference of the two rates (MOVER).

    Unsure images change more whatever is done to a network, and a control that would show how much more is missing, so the slice is held
    against as unsure images too: all ways to deal the images of each of `strata`, int[n], are counted, and the difference of the rates
    is Mantel's and Haenszel's.
    """
    rates = [rate(int(changed[side].sum()), int(side.sum()), significance) for side in (inside, ~inside)]
    scores = changed.astype(np.int64)
    return Tested(
        UNDEFINED,
        difference(*rates),
        dealt_p(scores, inside),
        stratified_difference(changed, inside, strata, significance),
        dealt_p(scores, inside, strata),
    )


def beside_one_control(changed: np.ndarray, control: np.ndarray, inside: np.ndarray, significance: float) -> Tested:
    """The same beside one control file whose images change too, bool[n]: of each image, whether it changes less whether the control does.

    The test counts all ways to deal the images to the slice (`dealt_p`), the intervals are Student's and Welch's.
    """
    scores = changed.astype(np.int64) - control.astype(np.int64)
    value, part, degrees = mean_difference(scores.astype(np.float64), inside)
    beyond = student(value, part, degrees, significance)
    return Tested(mean(scores[inside], significance), beyond, dealt_p(scores, inside))


def beside_control(found: Excesses, inside: int, outside: int) -> Tested:
    """The same beside a population of control models: excesses of two groups, over other images and other models."""
    beyond, p = found.beyond_tested(inside, outside)
    return Tested(found.of(inside).estimate, beyond, p / 2 if beyond.value > 0 else 1 - p / 2)


def dealt_p(scores: np.ndarray, inside: np.ndarray, strata: np.ndarray | None = None) -> float:
    """One-sided exact p-value that scores int[n] of -1, 0 or 1 add up to no more inside, bool[n], than in as many images drawn at random.

    The share of all draws whose sum is as large; with strata, int[n], of the draws of as many images of each stratum. With scores of 0 and 1
    it is Fisher's exact test (1935), and with strata the exact test of Mantel and Haenszel. NaN if the slice or the rest is empty.
    """
    if inside.all() or not inside.any():
        return math.nan
    least, chances = 0, np.ones(1)
    for stratum in (
        [np.ones(len(scores), dtype=bool)] if strata is None else [strata == each for each in np.unique(strata)]
    ):
        low, own = _sums(scores[stratum], int(inside[stratum].sum()))
        least, chances = least + low, np.convolve(chances, own)
    return float(min(1.0, chances[int(scores[inside].sum()) - least :].sum()))


def _sums(scores: np.ndarray, drawn: int) -> tuple[int, np.ndarray]:
    """The smallest sum of so many scores, and how probable it and each larger one is in a random draw."""
    n, ups, downs = len(scores), int((scores == 1).sum()), int((scores == -1).sum())
    up = np.arange(min(ups, drawn) + 1)[:, None]
    down = np.arange(min(downs, drawn) + 1)[None, :]
    neither = drawn - up - down
    possible = (neither >= 0) & (neither <= n - ups - downs)
    log_p = (
        _log_binomial(ups, up)
        + _log_binomial(downs, down)
        + _log_binomial(n - ups - downs, np.where(possible, neither, 0))
        - _log_binomial(n, np.array(drawn))
    )
    sums = (up - down + int(down.max()))[possible]
    return -int(down.max()), np.bincount(sums, weights=np.exp(log_p[possible]))


def stratified_difference(changed: np.ndarray, inside: np.ndarray, strata: np.ndarray, significance: float) -> Estimate:
    """How much larger the rate of changed bool[n] is inside, bool[n], than outside, within strata int[n] (Mantel & Haenszel 1959).

    The interval is normal, with the variance of Sato (1989), which holds for few large and for many small strata. UNDEFINED where no
    stratum has images on both sides, and without an interval where the variance is 0.
    """
    groups = [strata == each for each in np.unique(strata)]
    n1, n0, x1, x0 = (
        np.array([int((side & stratum).sum()) for stratum in groups], dtype=np.float64)
        for side in (inside, ~inside, inside & changed, ~inside & changed)
    )
    n = n1 + n0
    weight = (n1 * n0 / n).sum()
    if not weight > 0:
        return UNDEFINED
    value = float(((x1 * n0 - x0 * n1) / n).sum() / weight)
    first = ((n1**2 * x0 - n0**2 * x1 + n1 * n0 * (n0 - n1) / 2) / n**2).sum()
    second = ((x1 * (n0 - x0) + x0 * (n1 - x1)) / (2 * n)).sum()
    variance = (value * first + second) / weight**2
    if not variance > 0:
        return Estimate(value, math.nan, math.nan)
    half = float(-special.ndtri(significance / 2)) * math.sqrt(variance)
    return Estimate(value, value - half, value + half)


def _log_binomial(n: int, k: np.ndarray) -> np.ndarray:
    return special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)


def slice_verdict(q: float, q_unsure: float, significance: float) -> str:
    """What is said of a slice, from its adjusted p-values; q_unsure: NaN where there is a control."""
    if math.isnan(q):
        return UNTESTED
    if q > significance:
        return ALIKE
    if math.isnan(q_unsure):
        return FOUND
    return f"{FOUND}, {BEYOND_UNSURE if q_unsure <= significance else AS_UNSURE}"
