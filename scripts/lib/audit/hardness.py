"""How hard the chosen images are, and how well they can be told in advance, averaged over splits of the models.

Every function takes one row a split, [S, N], and returns an `Average`. An image is in many splits, so the interval is that of the
image's mean influence over all splits: it is over images, the models taken as they are.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from scripts.lib.audit.intervals import UNDEFINED, Estimate

NO_SPREAD = 1e-9  # what rounding leaves of equal values in single precision


@dataclass(frozen=True)
class Average:
    """A statistic averaged over splits, with what each image contributes to it; arithmetic as with the statistic itself."""

    value: float
    influence: np.ndarray  # float64[N], of mean 0: the statistic moves by influence / N when the image counts once more
    splits: int  # in which it was defined

    def __sub__(self, other: "Average") -> "Average":
        """The difference of two statistics of the same images."""
        return Average(self.value - other.value, self.influence - other.influence, min(self.splits, other.splits))

    def estimate(self, significance: float) -> Estimate:
        """With Student's interval over images (infinitesimal jackknife: Jaeckel 1972; Efron 1982, chapter 6); NaN where no image matters."""
        n = len(self.influence)
        if not self.splits:
            return UNDEFINED
        error = float(np.sqrt((self.influence**2).sum() / max(1, n * (n - 1))))
        if n < 2 or error <= NO_SPREAD:
            return Estimate(self.value, np.nan, np.nan)
        half = float(-special.stdtrit(n - 1, significance / 2)) * error
        return Estimate(self.value, self.value - half, self.value + half)


def weighted_mean(weights: np.ndarray, values: np.ndarray) -> Average:
    """The mean of values[S, N] in each split, by weights[S, N] >= 0, averaged over the splits in which any weight is positive."""
    images = weights.shape[1]
    total = weights.sum(axis=1, dtype=np.float64)
    usable = total > 0
    if not usable.any():
        return Average(np.nan, np.zeros(images), 0)
    weights, values, total = weights[usable], values[usable], total[usable]
    weighted = weights * values
    means = weighted.sum(axis=1, dtype=np.float64) / total
    scale = images / total / len(total)
    return Average(float(means.mean()), scale @ weighted - (scale * means) @ weights, int(usable.sum()))


@dataclass(frozen=True)
class Matching:
    """Which images match the chosen ones in each split. Bins are numbered through all splits: images of a split and margin."""

    chosen: np.ndarray  # bool[S, N]
    weights: np.ndarray  # float32[S, N]: of the images not chosen, how many chosen ones they stand for
    bin: np.ndarray  # int64[S, N]: each image's own
    partner: np.ndarray  # int64[bins]: the bin whose images not chosen match the chosen ones of a bin
    others: np.ndarray  # int64[bins]: number of images not chosen


def match(chosen: np.ndarray, margin: np.ndarray) -> Matching:
    """Match each chosen image with the images not chosen whose margin is nearest, of two equally near the smaller.

    chosen: bool[S, N]; margin: number of votes, whole and >= 0, [S, N]. All images of that margin share the weight 1 of the chosen
    one, which is the expectation of picking one of them at random. The weights of a split add up to the number of chosen images, or
    to 0 where all are chosen.
    """
    splits = len(chosen)
    bins = margin.astype(np.int64)
    width = int(bins.max(initial=0)) + 1
    first = width * np.arange(splits)[:, None]
    place = bins + first
    those = np.bincount(place[chosen], minlength=splits * width)
    others = np.bincount(place[~chosen], minlength=splits * width)
    distance = np.abs(np.arange(width)[:, None] - np.arange(width)).astype(np.float64)
    nearest = np.where(others.reshape(splits, 1, width) > 0, distance, np.inf).argmin(axis=2)
    partner = (nearest + first).ravel()
    wanted = np.bincount(partner, weights=those, minlength=splits * width)
    each = np.divide(wanted, others, out=np.zeros(splits * width), where=others > 0).astype(np.float32)
    return Matching(chosen, np.where(chosen, np.float32(0), each[place]), place, partner, others)


def matched_mean(matching: Matching, values: np.ndarray) -> Average:
    """The mean of values[S, N] over the matches, averaged over splits.

    The images not chosen move it by what they are beside others of their margin, the chosen ones by the margins that they bring: a
    mean standardized to the chosen images' margins (post-stratification).
    """
    of_others = np.where(matching.chosen, np.float32(0), values).ravel()
    total = np.bincount(matching.bin.ravel(), weights=of_others, minlength=len(matching.others))
    average = np.divide(total, matching.others, out=np.zeros(len(total)), where=matching.others > 0).astype(np.float32)
    matched = matching.weights.any(axis=1, keepdims=True)
    by_chosen = weighted_mean(matching.chosen & matched, average[matching.partner][matching.bin])
    by_others = weighted_mean(matching.weights, values - average[matching.bin])
    return Average(by_chosen.value, by_chosen.influence + by_others.influence, by_chosen.splits)


def grades(scores: np.ndarray) -> np.ndarray | None:
    """Scores [S, N] as ranks of their distinct values, int64[S, N], for `auc`; None where a score is undefined.

    Scores are told apart to six decimals, and of a range of a few units: shares or nats. Counting is faster than sorting then.
    """
    if np.isnan(scores).any():
        return None
    steps = np.rint((scores - scores.min(initial=0)) * 1e6).astype(np.int64)
    return (np.bincount(steps.ravel()) > 0).cumsum()[steps] - 1


def auc(graded: np.ndarray | None, chosen: np.ndarray) -> Average:
    """Probability that a chosen image has a higher grade than one that is not, ties counting half, averaged over splits.

    graded: int[S, N] of `grades`, chosen: bool[S, N]. The area under the ROC curve; for one split the interval is DeLong's (DeLong
    et al. 1988). Splits in which all images or none are chosen are left out.
    """
    images = chosen.shape[1]
    chosen_in = chosen.sum(axis=1)
    usable = (chosen_in > 0) & (chosen_in < images)
    if graded is None or not usable.any():
        return Average(np.nan, np.zeros(images), 0)
    graded, chosen, positives = graded[usable], chosen[usable], chosen_in[usable][:, None]
    splits, width, negatives = len(graded), int(graded.max()) + 1, images - positives
    place = graded + width * np.arange(splits)[:, None]
    those = np.bincount(place[chosen], minlength=splits * width).reshape(splits, width)
    others = np.bincount(place.ravel(), minlength=splits * width).reshape(splits, width) - those
    beaten = (others.cumsum(axis=1) - others / 2) / negatives  # share of the others below a grade
    beaten_by = 1 - (those.cumsum(axis=1) - those / 2) / positives  # share of the chosen above a grade
    area = (those * beaten).sum(axis=1, keepdims=True) / positives
    of_chosen = ((beaten - area) * (images / positives)).astype(np.float32).ravel()
    of_others = ((beaten_by - area) * (images / negatives)).astype(np.float32).ravel()
    influence = np.where(chosen, of_chosen[place], of_others[place]).mean(axis=0, dtype=np.float64)
    return Average(float(area.mean()), influence, splits)


def mean_of(parts: list[Average]) -> Average:
    """The average over the splits of several parts."""
    splits = sum(part.splits for part in parts)
    if not splits:
        return parts[0]
    shares = [part.splits / splits for part in parts]
    value = sum(share * part.value for share, part in zip(shares, parts, strict=True) if part.splits)
    return Average(value, sum(share * part.influence for share, part in zip(shares, parts, strict=True)), splits)
