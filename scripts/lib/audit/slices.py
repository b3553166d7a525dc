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


class Tested(NamedTuple):
    """What the testing half says of a slice."""

    excess: Estimate  # inside, over the control; UNDEFINED without one
    beyond: Estimate  # how much more changes inside than outside; beyond the control where there is one
    p: float  # one-sided, that nothing more does: the discovery half has said which way


NOTHING = Tested(UNDEFINED, UNDEFINED, math.nan)


def alone(changed: np.ndarray, inside: np.ndarray, significance: float) -> Tested:
    """Of images that change, bool[n], without a control: Fisher's exact test, and the difference of the two rates (MOVER)."""
    rates = [rate(int(changed[side].sum()), int(side.sum()), significance) for side in (inside, ~inside)]
    return Tested(UNDEFINED, difference(*rates), dealt_p(changed.astype(np.int64), inside))


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


def dealt_p(scores: np.ndarray, inside: np.ndarray) -> float:
    """One-sided exact p-value that scores int[n] of -1, 0 or 1 add up to no more inside, bool[n], than in as many images drawn at random.

    The share of all draws whose sum is as large. With scores of 0 and 1 it is Fisher's exact test (1935). NaN if the slice or the rest is
    empty.
    """
    n, drawn = len(scores), int(inside.sum())
    if drawn in (0, n):
        return math.nan
    ups, downs = int((scores == 1).sum()), int((scores == -1).sum())
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
    as_large = up - down >= int(scores[inside].sum())
    return float(min(1.0, np.exp(log_p[possible & as_large]).sum()))


def _log_binomial(n: int, k: np.ndarray) -> np.ndarray:
    return special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)


def slice_verdict(q: float, significance: float) -> str:
    """What is said of a slice, from its adjusted p-value."""
    if math.isnan(q):
        return UNTESTED
    return FOUND if q <= significance else ALIKE
