"""How much oftener something is so after a change than before it, on the same images: Tango's score interval.

Of n images, `gained` are so after the change only and `lost` before it only; what is so both times or never does not matter. The interval
inverts the score test for a difference of paired proportions (Tango 1998, Statistics in Medicine 17, 891-908), which holds its level
where few images differ; at a difference of 0 the test is McNemar's.
"""

import numpy as np
from scipy import special

from scripts.lib.audit.intervals import UNDEFINED, Estimate

HALVINGS = 60  # of an interval of length 2: the ends are exact to rounding


def change(gained: int, lost: int, n: int, significance: float) -> Estimate:
    """(gained - lost) / n with its interval; NaN for n = 0. Raises ValueError for counts that cannot be."""
    if n == 0:
        return UNDEFINED
    low, high = change_bounds(np.array([gained]), np.array([lost]), np.array([n]), significance)
    return Estimate((gained - lost) / n, float(low[0]), float(high[0]))


def change_bounds(
    gained: np.ndarray, lost: np.ndarray, n: np.ndarray, significance: float
) -> tuple[np.ndarray, np.ndarray]:
    """The ends of the intervals of many changes at once, float64[G] each; gained, lost, n: int[G], n at least 1.

    For intervals that hold together for G changes give significance / G (Bonferroni). Raises ValueError for counts that cannot be.
    """
    gained, lost, n = (np.asarray(each, dtype=np.float64) for each in (gained, lost, n))
    if not ((gained >= 0) & (lost >= 0) & (n > 0) & (gained + lost <= n)).all():
        raise ValueError("of n images no more than n can differ.")
    z = float(-special.ndtri(significance / 2))
    value = (gained - lost) / n
    low = _end(gained, lost, n, value, -np.ones_like(value), z)
    high = _end(gained, lost, n, value, np.ones_like(value), -z)
    return low, high


def score(gained: np.ndarray, lost: np.ndarray, n: np.ndarray, difference: np.ndarray) -> np.ndarray:
    """Tango's score statistic, float64[G], standard normal if the change is `difference`; 0 where nothing contradicts it.

    The share of images that are lost is its most likely one given the difference (Tango 1998, equations 12 to 15).
    """
    gained, lost, n, difference = np.broadcast_arrays(
        *(np.asarray(each, dtype=np.float64) for each in (gained, lost, n, difference))
    )
    b = (2 * n - gained + lost) * difference - gained - lost
    c = -lost * difference * (1 - difference)
    lost_share = (np.sqrt(np.maximum(b * b - 8 * n * c, 0)) - b) / (4 * n)
    variance = n * np.maximum(2 * lost_share + difference * (1 - difference), 0)
    beyond = gained - lost - n * difference
    with np.errstate(divide="ignore", invalid="ignore"):
        found = beyond / np.sqrt(variance)
    return np.where(np.abs(beyond) < 1e-12 * n, 0.0, found)


def _end(
    gained: np.ndarray, lost: np.ndarray, n: np.ndarray, inside: np.ndarray, outside: np.ndarray, z: float
) -> np.ndarray:
    """Where the score, which falls as the difference grows, is z, by halving between a difference inside of the interval and one outside."""
    for _ in range(HALVINGS):
        middle = (inside + outside) / 2
        beyond = np.abs(score(gained, lost, n, middle)) > abs(z)
        inside, outside = np.where(beyond, inside, middle), np.where(beyond, middle, outside)
    return inside
