"""Candidates for slices of images that nobody named, which of them are kept, and how each is described.

All of it looks at the discovery images only, so that it may choose as long as it likes: what is tested afterwards is tested on others.
"""

from itertools import combinations

import numpy as np

from scripts.lib.audit.clusters import find_clusters

CLUSTER = "features"  # what a slice of features is called, before its number
TENTH, FIFTH = ("tenth", 0.1), ("fifth", 0.2)  # the ends of one statistic that are slices, and of two at once
AND = " and "
LEAST_Z = 2.0  # standard errors by which what is kept exceeds the other discovery images
OVERLAP = 0.5  # of the smaller of two slices: with more in common with a better one, a candidate is that one again
SHARE = 0.15  # of a slice: a class with less is not named
TELLING = 0.15  # how far the mean rank, 0 to 1, of a slice is from the middle in what describes it
TOLD = 2  # classes, and statistics, that a description names
# Statistic -> what an image is called in which it is low, and in which it is high.
WORDS = {
    "brightness": ("dark", "bright"),
    "contrast": ("little contrast", "much contrast"),
    "sharpness": ("soft", "sharp"),
    "edges": ("few edges", "many edges"),
    "noise": ("smooth", "noisy"),
    "entropy": ("few shades", "many shades"),
    "colourfulness": ("little colour", "much colour"),
    "saturation": ("pale", "saturated"),
}


def cluster_slices(
    features: np.ndarray, discovery: np.ndarray, clusters: int, random: np.random.Generator
) -> dict[str, np.ndarray]:
    """Slices bool[N] by name, one a cluster: each image is in that of the nearest centre.

    features: float[N, D]; discovery: int64, the images that the centres come from, in an order that does not hang on that of the table.
    """
    nearest = find_clusters(features[discovery], clusters, random).of(features)
    return {f"{CLUSTER} {number + 1}": nearest == number for number in np.unique(nearest)}


def statistic_slices(statistics: dict[str, np.ndarray], discovery: np.ndarray) -> dict[str, np.ndarray]:
    """Slices bool[N] by name: the lowest and the highest tenth of each statistic, and outer fifths of two statistics at once.

    statistics: float64[N] by name; discovery: int64, the images whose quantiles the ends begin at.
    """
    tenths, fifths = (
        {name: _ends(name, statistics[name], discovery, *part) for name in statistics} for part in (TENTH, FIFTH)
    )
    single = {end: inside for ends in tenths.values() for end, inside in ends.items()}
    return single | {
        f"{first}{AND}{second}": inside & fifths[other][second]
        for one, other in combinations(statistics, 2)
        for first, inside in fifths[one].items()
        for second in fifths[other]
    }


def _ends(name: str, values: np.ndarray, discovery: np.ndarray, part: str, share: float) -> dict[str, np.ndarray]:
    """The images at both ends; where so many have one value that an end has twice its share, it is none."""
    low, high = np.quantile(values[discovery], [share, 1 - share])
    ends = {f"{name}, lowest {part}": values <= low, f"{name}, highest {part}": values >= high}
    return {end: inside for end, inside in ends.items() if inside[discovery].mean() <= 2 * share}


def kept_slices(candidates: np.ndarray, scores: np.ndarray, most: int, smallest: int) -> list[int]:
    """Which candidates bool[G, n] of the n discovery images are kept, the clearest first; scores: float64[n], the more the worse.

    By z, the difference of the mean score inside and outside over its standard error if all images were alike. Kept are at most `most`
    with a z of LEAST_Z and `smallest` images inside and outside, none of which shares more than OVERLAP with a clearer one.
    """
    inside = candidates.sum(axis=1)
    outside = candidates.shape[1] - inside
    large = np.flatnonzero((inside >= smallest) & (outside >= smallest))
    spread = float(scores.std())
    if not spread > 0:
        return []
    sums = candidates[large].astype(np.float64) @ scores
    difference = sums / inside[large] - (scores.sum() - sums) / outside[large]
    z = difference / (spread * np.sqrt(1 / inside[large] + 1 / outside[large]))
    kept: list[int] = []
    for place in np.argsort(-z, kind="stable"):
        if z[place] < LEAST_Z or len(kept) == most:
            break
        candidate = int(large[place])
        common = [
            int((candidates[candidate] & candidates[other]).sum()) / min(inside[candidate], inside[other])
            for other in kept
        ]
        if max(common, default=0.0) <= OVERLAP:
            kept.append(candidate)
    return kept


def ranks(values: np.ndarray) -> np.ndarray:
    """Mid-ranks of values[n] as float64[n] from 0 to 1, whose mean is 1/2."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return ((counts.cumsum() - counts / 2) / len(values))[place.reshape(-1)]


def description(
    inside: np.ndarray, labels: np.ndarray, classes: list[str], ranked: dict[str, np.ndarray], besides: str = ""
) -> str:
    """A slice in a few words: its commonest classes with their shares, and what its images are unlike the others in.

    inside: bool[n]; labels: int64[n]; ranked: the `ranks` of each statistic, float64[n]; besides: the slice's name, which says some already.
    """
    counts = np.bincount(labels[inside], minlength=len(classes))
    commonest = [each for each in np.argsort(-counts, kind="stable")[:TOLD] if counts[each] >= SHARE * inside.sum()]
    named = [f"{classes[each]} {100 * counts[each] / inside.sum():.0f} %" for each in commonest] or ["many classes"]
    away = {name: float(rank[inside].mean()) - 0.5 for name, rank in ranked.items() if name not in besides}
    telling = sorted((name for name in away if abs(away[name]) >= TELLING), key=lambda name: -abs(away[name]))
    words = [WORDS[name][away[name] > 0] for name in telling[:TOLD]]
    return "; ".join(filter(None, (", ".join(named), ", ".join(words))))
