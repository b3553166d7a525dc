"""Intervals for rates, means and differences. `significance` is 1 - the nominal coverage: 0.05 for 95 % intervals."""

import math
from typing import NamedTuple

import numpy as np
from scipy import special  # scipy.stats has the same under better names and takes six times as long to import


class Estimate(NamedTuple):
    """A value with its interval; NaN where there is nothing to estimate it from."""

    value: float
    low: float
    high: float


UNDEFINED = Estimate(math.nan, math.nan, math.nan)


def rate(successes: int, n: int, significance: float) -> Estimate:
    """A proportion with Wilson's score interval (Wilson 1927); NaN for n = 0."""
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n} cannot be.")
    if n == 0:
        return UNDEFINED
    return wilson(successes / n, n, float(-special.ndtri(significance / 2)))


def wilson(share: float, n: float, z: float) -> Estimate:
    """A share with Wilson's score interval (Wilson 1927); n above 0 need not be whole, z: how many standard errors the ends are away."""
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low, high = max(0.0, centre - half), min(1.0, centre + half)
    return Estimate(share, low if share > 0 else 0.0, high if share < 1 else 1.0)  # exactly, without rounding's rest


def mean(values: np.ndarray, significance: float, least: float = -1, most: float = 1) -> Estimate:
    """A mean of independent values [n] in least..most with Student's interval; the mean is NaN for n = 0, the interval for n < 2.

    Where all values are equal the interval has the share of others that n of them may miss, Wilson's for none of n, at either end.
    """
    values = np.asarray(values, dtype=np.float64)
    n = len(values)
    if n == 0:
        return UNDEFINED
    average = float(values.mean()) if np.ptp(values) else float(values[0])
    if n == 1:
        return Estimate(average, math.nan, math.nan)
    if not np.ptp(values):
        missed = rate(0, n, significance).high
        return Estimate(average, average - missed * (average - least), average + missed * (most - average))
    half = float(-special.stdtrit(n - 1, significance / 2) * values.std(ddof=1) / math.sqrt(n))
    return Estimate(average, average - half, average + half)


class Part(NamedTuple):
    """One source of an estimate's error: its variance, at least 0, and the degrees of freedom that is known with."""

    variance: float
    freedom: float


def with_parts(value: float, parts: list[Part], significance: float) -> tuple[Estimate, float]:
    """An estimate whose independent errors add up, with Student's interval, and the two-sided p-value that it is 0.

    The degrees of freedom are Welch's and Satterthwaite's (Satterthwaite 1946). NaN where a variance is NaN or all are 0.
    """
    total = sum(part.variance for part in parts)
    if not total > 0:
        return Estimate(value, math.nan, math.nan), math.nan
    freedom = total**2 / sum(part.variance**2 / part.freedom for part in parts)
    error = math.sqrt(total)
    half = float(-special.stdtrit(freedom, significance / 2)) * error
    return Estimate(value, value - half, value + half), 2 * float(special.stdtr(freedom, -abs(value) / error))


def fraction_mean(values: np.ndarray, significance: float) -> Estimate:
    """As `mean`, for values[n] in 0..1: the interval is cut there, and where all are 0 or all are 1 it is Wilson's of n such values."""
    return within(mean(values, significance, 0, 1), 0, 1)


def within(estimate: Estimate, low: float, high: float) -> Estimate:
    """The same with its interval cut to the values that there can be."""
    return Estimate(estimate.value, float(np.maximum(estimate.low, low)), float(np.minimum(estimate.high, high)))


def median(values: np.ndarray, significance: float) -> Estimate:
    """A median of independent values [n] with the distribution-free interval between two order statistics (Thompson 1936).

    The interval covers at least 1 - significance; it is NaN where n is too small for that.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    n = len(ordered)
    if n == 0:
        return UNDEFINED
    # The j-th smallest is above the median with the probability that at most j - 1 of n values are below it.
    outside = special.bdtr(np.arange(n), n, 0.5) <= significance / 2
    if not outside[0]:
        return Estimate(float(np.median(ordered)), math.nan, math.nan)
    last = int(np.flatnonzero(outside)[-1])
    return Estimate(float(np.median(ordered)), float(ordered[last]), float(ordered[n - 1 - last]))


def difference(first: Estimate, second: Estimate) -> Estimate:
    """first - second for estimates from separate images, their intervals combined by MOVER (Zou & Donner 2008)."""
    value = first.value - second.value
    low = value - math.hypot(first.value - first.low, second.high - second.value)
    high = value + math.hypot(first.high - first.value, second.value - second.low)
    return Estimate(value, low, high)


def mcnemar(first: np.ndarray, second: np.ndarray) -> float:
    """Exact two-sided p-value that two properties of the same images, bool[n] each, are equally frequent (McNemar 1947)."""
    first, second = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    return float(mcnemar_of(int((first & ~second).sum()), int((second & ~first).sum())))


def mcnemar_of(only_first: np.ndarray | int, only_second: np.ndarray | int) -> np.ndarray:
    """The same from counts int[...] of the images that have the one property only, float64[...]."""
    fewer = np.minimum(only_first, only_second)
    return np.minimum(1.0, 2 * special.bdtr(fewer, np.add(only_first, only_second), 0.5))
