"""What stands out among PIEs: how much more frequent a property is there than among other images, and beyond the control's PIEs.

Everything is about N images, the trained models taken as they are.
"""

import math

import numpy as np
from scipy import special

from scripts.lib.audit.exact import TOLERANCE
from scripts.lib.audit.intervals import UNDEFINED, Estimate

STEPS = 60  # halvings of an interval: to the last digits of a double
FAR = 40.0  # a log ratio that is accepted where one count is 0, because the score vanishes towards its side


def risk_ratio(first: int, of_first: int, second: int, of_second: int, significance: float) -> Estimate:
    """(first / of_first) / (second / of_second), of independent counts, with the score interval of Koopman (1984).

    The interval holds the ratios that a likelihood-based chi-square test does not reject. It needs no correction where a count is 0:
    with none in the first group the ratio and the lower end are 0, with none in the second the ratio and the upper end are infinite. NaN
    if both counts are 0 or a group is empty.
    """
    if not (0 <= first <= of_first and 0 <= second <= of_second):
        raise ValueError(f"{first} of {of_first} and {second} of {of_second} cannot be.")
    if of_first == 0 or of_second == 0 or first + second == 0:
        return UNDEFINED
    critical = float(special.ndtri(1 - significance / 2)) ** 2
    value = math.inf if second == 0 else (first / of_first) / (second / of_second)

    def accepted(log_ratio: float) -> bool:
        return _score(first, of_first, second, of_second, math.exp(log_ratio)) <= critical

    inside = math.log(value) if first and second else math.copysign(FAR, first - second)
    low = 0.0 if first == 0 else math.exp(_edge(accepted, inside, -1))
    high = math.inf if second == 0 else math.exp(_edge(accepted, inside, 1))
    return Estimate(value, low, high)


def _edge(accepted, inside: float, direction: int) -> float:
    """Where `accepted` ends, from a point at which it holds; by doubling steps and then halving."""
    step = 1.0
    while accepted(inside + direction * step):
        inside, step = inside + direction * step, 2 * step
    outside = inside + direction * step
    for _ in range(STEPS):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if accepted(middle) else (inside, middle)
    return inside


def _score(x: int, m: int, y: int, n: int, ratio: float) -> float:
    """Koopman's statistic of x of m and y of n when p_x = ratio * p_y: Pearson's chi-square at the constrained maximum."""
    # The likelihood's p_x solves (m + n) p^2 - b p + ratio (x + y) = 0; its smaller root is the probability.
    b = ratio * (m + y) + x + n
    p = 2 * ratio * (x + y) / (b + math.sqrt(max(0.0, b * b - 4 * ratio * (m + n) * (x + y))))
    p = min(p, 1.0)
    q = p / ratio
    return _pearson(x, m, p) + _pearson(y, n, q)


def _pearson(count: int, of: int, p: float) -> float:
    difference = count - of * p
    variance = of * p * (1 - p)
    if variance <= 0:
        return 0.0 if abs(difference) <= TOLERANCE * of else math.inf
    return difference * difference / variance


def fisher_p(first: int, of_first: int, second: int, of_second: int) -> float:
    """Two-sided p-value that a property is as frequent in two groups (Fisher 1935), all tables no more probable counted."""
    with_it = first + second
    k = np.arange(max(0, with_it - of_second), min(of_first, with_it) + 1)
    log_p = _log_binomial(of_first, k) + _log_binomial(of_second, with_it - k)
    p = np.exp(log_p - log_p.max())
    return float(min(1.0, p[p <= p[first - k[0]] * (1 + TOLERANCE)].sum() / p.sum()))


def log_ratio_influence(has: np.ndarray, chosen: np.ndarray) -> tuple[float, np.ndarray]:
    """The log of how much more frequent `has` is among the chosen than among the others, and each image's part, float64[n].

    has, chosen: bool[n]. The squares of the parts add up to Katz's variance (Katz et al. 1978). NaN where a count is 0.
    """
    log_ratio, part = 0.0, np.zeros(len(has))
    for side, sign in ((chosen, 1), (~chosen, -1)):
        count, of = int((has & side).sum()), int(side.sum())
        if count == 0:
            return math.nan, np.full(len(has), math.nan)
        log_ratio += sign * math.log(count / of)
        part += sign * (np.where(has & side, 1 / count, 0.0) - np.where(side, 1 / of, 0.0))
    return log_ratio, part


def ratio_of_ratios(
    has: np.ndarray, chosen: np.ndarray, control: np.ndarray, significance: float
) -> tuple[Estimate, float]:
    """How much more a property over-indexes among the chosen than among the control's, and the p-value that it does not.

    has, chosen, control: bool[n], of the same images, which many of both share: each image's part in one log ratio is taken off
    its part in the other before it is squared (delta method; normal). NaN where a count is 0.
    """
    (own, part), (other, other_part) = (log_ratio_influence(has, each) for each in (chosen, control))
    return from_parts(own - other, part - other_part, significance, np.exp)


def from_parts(
    value: float, part: np.ndarray, significance: float, back=lambda each: each, degrees: float = math.inf
) -> tuple[Estimate, float]:
    """A value with its interval and p-value from the images' parts, float64[N], transformed back; NaN without any spread.

    degrees: of freedom of Student's distribution; without any limit it is the normal one, as for ratios of counts.
    """
    if math.isnan(value):
        return UNDEFINED, math.nan
    error = math.sqrt(float((part**2).sum()))
    if error <= 1e-12:
        return Estimate(float(back(value)), math.nan, math.nan), math.nan
    half = float(-special.stdtrit(degrees, significance / 2)) * error
    ends = (float(back(end)) for end in (value - half, value + half))
    return Estimate(float(back(value)), *ends), float(2 * special.stdtr(degrees, -abs(value) / error))


def mean_difference(values: np.ndarray, chosen: np.ndarray) -> tuple[float, np.ndarray, float]:
    """Mean of values[n] among the chosen less that among the others, each image's part, and Welch's degrees of freedom.

    The squares of the parts add up to Welch's variance (1947). NaN unless both sides have two images.
    """
    if min(chosen.sum(), (~chosen).sum()) < 2:
        return math.nan, np.full(len(values), math.nan), math.nan
    difference, part, variances = 0.0, np.zeros(len(values)), []
    for side, sign in ((chosen, 1), (~chosen, -1)):
        n = int(side.sum())
        # The mean of equal numbers may differ from them by rounding, which is no spread.
        mean = values[side].mean() if np.ptp(values[side]) else values[side][0]
        difference += sign * mean
        own = np.where(side, (values - mean) / math.sqrt(n * (n - 1)), 0.0)
        part += sign * own
        variances.append((float((own**2).sum()), n - 1))
    total = sum(variance for variance, _ in variances)
    degrees = total**2 / sum(v**2 / d for v, d in variances) if total > 0 else math.nan
    return float(difference), part, degrees


def student(value: float, part: np.ndarray, degrees: float, significance: float) -> Estimate:
    """A difference with Student's interval from its parts, float64[N]; NaN without any spread."""
    error = math.sqrt(float((part**2).sum()))
    if math.isnan(value) or math.isnan(degrees) or error <= 0:
        return Estimate(value, math.nan, math.nan)
    half = float(-special.stdtrit(degrees, significance / 2)) * error
    return Estimate(value, value - half, value + half)


def mann_whitney_p(values: np.ndarray, chosen: np.ndarray) -> float:
    """Two-sided p-value that values[n] are as large among the chosen (Mann & Whitney 1947): normal, with ties and continuity corrected."""
    n, m = int(chosen.sum()), int((~chosen).sum())
    different, rank_of, ties = np.unique(values, return_inverse=True, return_counts=True)
    if n == 0 or m == 0 or len(different) < 2:
        return math.nan
    ranks = (ties.cumsum() - (ties - 1) / 2)[rank_of.reshape(-1)]
    wins = ranks[chosen].sum() - n * (n + 1) / 2
    larger = max(wins, n * m - wins)
    total = n + m
    spread = math.sqrt(n * m / 12 * (total + 1 - (ties**3 - ties).sum() / (total * (total - 1))))
    return float(min(1.0, 2 * special.ndtr(-(larger - n * m / 2 - 0.5) / spread)))


def _log_binomial(n: int, k: np.ndarray) -> np.ndarray:
    return special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
