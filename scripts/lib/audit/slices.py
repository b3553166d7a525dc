"""Tests of slices of images, on images that had no part in choosing the slices.

What is tested is whether the images of a slice change more than the other testing images do, and where there is a control, whether they do
so beyond what the control does. Arrays are of the n testing images.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy import special

from scripts.lib.audit.exact import TOLERANCE
from scripts.lib.audit.excess import Excesses
from scripts.lib.audit.intervals import UNDEFINED, Estimate, difference, mean, rate
from scripts.lib.audit.over_indexing import fisher_p, mean_difference, student

FOUND, ALIKE, NOT_MORE, UNTESTED = (
    "changes more than the others",
    "cannot be told from the others",
    "changes less than the others",
    "not tested",
)


class Tested(NamedTuple):
    """What the testing half says of a slice."""

    excess: Estimate  # inside, over the control; UNDEFINED without one
    beyond: Estimate  # how much more changes inside than outside; beyond the control where there is one
    p: float  # two-sided, that nothing more does


def alone(changed: np.ndarray, inside: np.ndarray, significance: float) -> Tested:
    """Of images that change, bool[n], without a control: Fisher's exact test, and the difference of the two rates (MOVER)."""
    counts = [(int(changed[side].sum()), int(side.sum())) for side in (inside, ~inside)]
    rates = [rate(*count, significance) for count in counts]
    p = fisher_p(*counts[0], *counts[1]) if all(of for _, of in counts) else math.nan
    return Tested(UNDEFINED, difference(*rates), p)


def beside_one_control(changed: np.ndarray, control: np.ndarray, inside: np.ndarray, significance: float) -> Tested:
    """The same beside one control file whose images change too, bool[n]: of each image, whether it changes less whether the control does.

    The test deals the images to the slice anew and counts all ways (`dealt_p`), the intervals are Student's and Welch's.
    """
    scores = changed.astype(np.int64) - control.astype(np.int64)
    value, part, degrees = mean_difference(scores.astype(np.float64), inside)
    beyond = student(value, part, degrees, significance)
    return Tested(mean(scores[inside], significance), beyond, dealt_p(scores, inside))


def beside_control(found: Excesses, inside: int, outside: int) -> Tested:
    """The same beside a population of control models: excesses of two groups, over other images and other models."""
    return Tested(found.of(inside).estimate, *found.beyond_tested(inside, outside))


def dealt_p(scores: np.ndarray, inside: np.ndarray) -> float:
    """Two-sided exact p-value that scores int[n] of -1, 0 or 1 add up inside, bool[n], as they do in as many images drawn at random.

    The share of all draws whose sum is as far from the expected one. With scores of 0 and 1 only it is a test of the hypergeometric
    distribution, as Fisher's. NaN if the slice or the rest is empty.
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
    expected = drawn * (ups - downs) / n
    as_far = np.abs(up - down - expected) >= abs(int(scores[inside].sum()) - expected) - TOLERANCE
    return float(min(1.0, np.exp(log_p[possible & as_far]).sum()))


def _log_binomial(n: int, k: np.ndarray) -> np.ndarray:
    return special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)


def slice_verdict(q: float, beyond: float, significance: float) -> str:
    """What is said of a slice, from the adjusted p-value and how much more changes inside."""
    if math.isnan(q):
        return UNTESTED
    if q > significance:
        return ALIKE
    return FOUND if beyond > 0 else NOT_MORE
