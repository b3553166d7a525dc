"""How far raters agree beyond chance: Cohen's kappa for two, Fleiss' for more, with intervals over images."""

import numpy as np

from scripts.lib.audit.intervals import UNDEFINED, Estimate


def cohen_kappa(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Cohen's kappa of two raters' yes and no, bool[..., N] each, float64[...] (Cohen 1960).

    Chance is each rater's own share of yes. NaN where both only say yes or both only say no: by chance alone they would agree as well.
    """
    yes, other_yes = first.mean(axis=-1), second.mean(axis=-1)
    agreed = (first == second).mean(axis=-1)
    return _beyond_chance(agreed, yes * other_yes + (1 - yes) * (1 - other_yes))


def fleiss_kappa(ratings: np.ndarray) -> np.ndarray:
    """Fleiss' kappa of R >= 2 raters' yes and no, bool[R, ..., N], float64[...] (Fleiss 1971).

    Chance is the share of yes of all raters together. NaN where all say the same of all images.
    """
    raters = len(ratings)
    if raters < 2:
        raise ValueError("agreement needs two raters at least.")
    yes = ratings.sum(axis=0)
    pairs_agreed = (yes * (yes - 1) + (raters - yes) * (raters - yes - 1)) / (raters * (raters - 1))
    share = yes.mean(axis=-1) / raters
    return _beyond_chance(pairs_agreed.mean(axis=-1), share**2 + (1 - share) ** 2)


def agreement(ratings: np.ndarray, resamples: int, significance: float, random: np.random.Generator) -> Estimate:
    """Cohen's kappa of two raters, Fleiss' of more, with the percentile bootstrap's interval over images; ratings bool[R, N].

    Resamples in which kappa is undefined are left out of the interval. Undefined for fewer than two raters, no image, or one answer only.
    """
    raters, images = ratings.shape
    if raters < 2 or images == 0:
        return UNDEFINED
    value = float(kappa(ratings))
    if np.isnan(value):
        return UNDEFINED
    drawn = kappa(ratings[:, random.integers(images, size=(resamples, images))])
    low, high = np.nanquantile(drawn, [significance / 2, 1 - significance / 2])
    return Estimate(value, float(low), float(high))


def kappa(ratings: np.ndarray) -> np.ndarray:
    """Cohen's kappa where there are two raters, Fleiss' where there are more; ratings bool[R, ..., N], float64[...]."""
    return cohen_kappa(*ratings) if len(ratings) == 2 else fleiss_kappa(ratings)


def _beyond_chance(agreed: np.ndarray, by_chance: np.ndarray) -> np.ndarray:
    room = 1 - by_chance
    return np.divide(agreed - by_chance, room, out=np.full(np.shape(room), np.nan), where=room > 1e-12)
