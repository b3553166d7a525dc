"""What an exact McNemar test of a pair can show: its power, the smallest change it shows, and how many images a change needs.

Of n images a share is discordant: right before and wrong after, lost, or the other way round, gained. The test looks at nothing else, so
its power is that of a binomial test, averaged over how many images happen to be discordant (Duffy 1984, Asymptotic and exact power for the
McNemar test). Nothing is approximated but what happens with a probability below 1e-12.
"""

import math

import numpy as np
from scipy import special

POWER = 0.8  # what studies are planned with by custom
ROUNDING = 1e-9  # of shares that add up
MOST_IMAGES = 10**9  # beyond any test set


def mcnemar_power(n: int, lost_rate: float, gained_rate: float, significance: float) -> float:
    """The probability that the exact two-sided test finds a difference on n images, of which so many are lost and gained on average.

    lost_rate, gained_rate: shares of all images. `audit.intervals.mcnemar` is the test. Raises ValueError for shares that cannot be.
    """
    discordance = lost_rate + gained_rate
    if n < 0 or lost_rate < 0 or gained_rate < 0 or discordance > 1 + ROUNDING:
        raise ValueError(f"{lost_rate} lost and {gained_rate} gained of {n} images cannot be.")
    discordance = min(1.0, discordance)
    if n == 0 or discordance == 0:
        return 0.0
    return _power(*_discordant(n, discordance, significance), min(1.0, lost_rate / discordance))


def smallest_change(n: int, discordance: float, significance: float, power: float = POWER) -> float:
    """The smallest net change, lost less gained as a share of n images, that the test shows with that power.

    discordance: the share of images on which the pair is discordant, lost or gained. NaN where not even a change in one direction only is
    shown so often: then there are too few images or too few discordant ones.
    """
    if not 0 <= discordance <= 1 or n < 0:
        raise ValueError(f"{discordance} of {n} images cannot be discordant.")
    if n == 0 or discordance == 0:
        return math.nan
    counted = _discordant(n, discordance, significance)
    if _power(*counted, 1.0) < power:
        return math.nan
    low, high = 0.5, 1.0  # of the discordant images, the share that is lost; power grows with it
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (low, middle) if _power(*counted, middle) >= power else (middle, high)
    return (2 * high - 1) * discordance


def smallest_visible_change(n: int, discordance: float, significance: float, power: float = POWER) -> float:
    """As `smallest_change`, and where too few images are discordant for any change to be shown, the smallest change in one direction only.

    That one makes more images discordant than were found: what the test would have shown if there had been more to see. NaN where n
    images are too few for any change.
    """
    found = smallest_change(n, discordance, significance, power)
    if not math.isnan(found) or n == 0 or mcnemar_power(n, 1.0, 0.0, significance) < power:
        return found
    low, high = discordance, 1.0
    while high - low > 1e-7:
        middle = (low + high) / 2
        low, high = (low, middle) if mcnemar_power(n, middle, 0.0, significance) >= power else (middle, high)
    return high


def images_needed(change: float, discordance: float, significance: float, power: float = POWER) -> int:
    """How many images the test needs to show a net change with that power; one image fewer would not do.

    change, discordance: shares of the images, the one not above the other. As all exact tests' the power is not quite monotonic in the
    number of images, so some still smaller number may do too. Raises ValueError for changes that cannot be, and where 10^9 images are
    too few.
    """
    if not 0 < abs(change) <= discordance <= 1:
        raise ValueError(f"a change of {change} cannot be with {discordance} of the images discordant.")

    def enough(n: int) -> bool:
        lost, gained = (discordance + abs(change)) / 2, (discordance - abs(change)) / 2
        return mcnemar_power(n, lost, gained, significance) >= power

    few, many = 0, 1
    while not enough(many):
        few, many = many, 2 * many
        if many > MOST_IMAGES:
            raise ValueError(f"a change of {change} needs more than {MOST_IMAGES} images.")
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if enough(middle) else (middle, many)
    return many


def _discordant(n: int, discordance: float, significance: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How many of n images can be discordant, int64[M], the probability of each number, and up to which smaller count the test rejects."""
    if not 0 < significance < 1:
        raise ValueError(f"a significance of {significance} cannot be.")
    # By Bernstein's inequality less than 1e-12 lies outside.
    mean, reach = n * discordance, 8 * math.sqrt(n * discordance * (1 - discordance)) + 40
    count = np.arange(max(0, math.ceil(mean - reach)), min(n, math.floor(mean + reach)) + 1)
    ways = special.gammaln(n + 1) - special.gammaln(count + 1) - special.gammaln(n - count + 1)
    probability = np.exp(ways + special.xlogy(count, discordance) + special.xlog1py(n - count, -discordance))
    return count, probability, rejected_up_to(count, significance)


def rejected_up_to(discordant: np.ndarray, significance: float) -> np.ndarray:
    """The largest smaller count with which the exact test of so many discordant images, int[M], still rejects: int64[M], -1 for none."""
    normal = np.floor((discordant + special.ndtri(significance / 2) * np.sqrt(discordant)) / 2)
    limit = np.clip(normal.astype(np.int64), -1, None)  # nearly, and then exactly
    while (too_high := _p_value(limit, discordant) > significance).any():
        limit[too_high] -= 1
    while (too_low := _p_value(limit + 1, discordant) <= significance).any():
        limit[too_low] += 1
    return limit


def _p_value(smaller: np.ndarray, discordant: np.ndarray) -> np.ndarray:
    """Of the exact test, from its smaller count; 0 for -1."""
    return np.where(smaller < 0, 0.0, 2 * special.bdtr(np.maximum(smaller, 0), discordant, 0.5))


def _power(count: np.ndarray, probability: np.ndarray, limit: np.ndarray, lost: float) -> float:
    """The probability to reject, over all numbers of discordant images [M]; lost: the share of these that is lost."""
    some = limit >= 0
    rejects = sum(special.bdtr(limit[some], count[some], share) for share in (lost, 1 - lost))
    return float(min(1.0, probability[some] @ rejects))
