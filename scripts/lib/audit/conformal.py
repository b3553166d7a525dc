"""Conformal sets: which classes a model must name so that the true one is among them with a given probability.

Split conformal prediction (Vovk, Gammerman & Shafer 2005; Papadopoulos et al. 2002): every class of an image gets a score, low where it
fits; a threshold is the quantile of the true classes' scores on one half of the images; a set of the other half holds the classes up to
it. What models share with their data, coverage is by construction; sets are large where a model is unsure. Both halves take both parts, and
halves are drawn several times, so that the luck of one split is small.
"""

import math
from dataclasses import dataclass

import numpy as np

TARGET = 0.9
SPLITS = 20
ROOM = 2**22  # numbers in memory at a time, where they are double


def lac_scores(probabilities: np.ndarray) -> np.ndarray:
    """Least ambiguous sets (Sadinle, Lei & Wasserman 2019): minus the probability, float32[N, C]; it orders as 1 - p without its rounding."""
    return -np.asarray(probabilities, dtype=np.float32)


def aps_scores(probabilities: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Adaptive sets (Romano, Sesia & Candès 2020): the probability of all likelier classes and a random share of the class's own, float32[N, C].

    probabilities: float[N, C]; uniform: float[N] in 0..1, the share of each image.
    """
    n, classes = probabilities.shape
    scores = np.empty((n, classes), dtype=np.float32)
    step = max(1, ROOM // classes)
    for start in range(0, n, step):
        some = slice(start, start + step)
        p = np.asarray(probabilities[some], dtype=np.float64)
        order = np.argsort(-p, axis=1, kind="stable")
        ordered = np.take_along_axis(p, order, axis=1)
        likelier = ordered.cumsum(axis=1) - ordered
        np.put_along_axis(scores[some], order, (likelier + uniform[some, None] * ordered).astype(np.float32), axis=1)
    return scores


def threshold(scores: np.ndarray, target: float = TARGET) -> float:
    """The ceil((n + 1) target)-th smallest of the true classes' scores float[n]; infinite, all classes, for too few of them."""
    place = math.ceil(round((len(scores) + 1) * target, 9))  # 0.9 times 10 is 9
    return math.inf if place > len(scores) else float(np.partition(scores, place - 1)[place - 1])


def halves_of(images: int, splits: int, random: np.random.Generator) -> np.ndarray:
    """Which images are in the first half of each split, bool[splits, N]."""
    halves = np.zeros((splits, images), dtype=bool)
    for half in halves:
        half[random.permutation(images)[: images // 2]] = True
    return halves


@dataclass(frozen=True)
class Sets:
    """One model's sets of N images, means over splits; parts are of mean about 0, in units of one image."""

    coverage: float
    size: float
    kept_coverage: float  # with the reference's thresholds
    coverage_part: np.ndarray  # float64[N]: as if thresholds had no luck, so it errs towards too much
    size_part: np.ndarray  # float64[N]
    kept_coverage_part: np.ndarray  # float64[N]


def conformal_sets(
    scores: np.ndarray, labels: np.ndarray, halves: np.ndarray, reference: np.ndarray, target: float = TARGET
) -> Sets:
    """The sets of a model by its scores float32[N, C], labels int[N], halves bool[splits, N].

    reference: float32[N], the true classes' scores of the model whose thresholds `kept_coverage` keeps: it is what becomes of coverage if a
    compressed model is put in the place of another and nothing is calibrated anew.

    A threshold moves with the images that it is from. To first order the image i adds to the threshold's level what it is covered less the
    target, so its part in the size is its own size less that times how fast sizes grow with the level, found between (1 + target) / 2
    and as much below the target.
    """
    own = scores[np.arange(len(labels)), labels]
    covered, kept, sizes = (np.zeros(len(labels)) for _ in range(3))
    covered_reference = np.zeros(len(labels))
    for half in halves:
        for calibrated, tested in ((half, ~half), (~half, half)):
            limit, kept_limit = threshold(own[calibrated], target), threshold(reference[calibrated], target)
            covered[tested] += own[tested] <= limit
            kept[tested] += own[tested] <= kept_limit
            covered_reference[tested] += reference[tested] <= kept_limit
            sizes[tested] += (scores[tested] <= limit).sum(axis=1)
    covered, kept, sizes, covered_reference = (each / len(halves) for each in (covered, kept, sizes, covered_reference))
    around = (target - (1 - target) / 2, target + (1 - target) / 2)
    ends = [threshold(own, level) for level in around]
    growth = _slope(own, ends, [(scores <= end).sum() / len(own) for end in ends])
    ends = [threshold(reference, level) for level in around]
    follows = _slope(reference, ends, [(own <= end).mean() for end in ends])
    above = covered - covered.mean()
    return Sets(
        float(covered.mean()),
        float(sizes.mean()),
        float(kept.mean()),
        above,
        sizes - sizes.mean() - growth * above,
        kept - kept.mean() - follows * (covered_reference - covered_reference.mean()),
    )


def _slope(scores: np.ndarray, ends: list[float], values: list[float]) -> float:
    """How fast a value grows with the share of scores[N] up to a threshold, between two of these; 0 where no score is between them."""
    low, high = ((scores <= end).mean() for end in ends)
    return float((values[1] - values[0]) / (high - low)) if high > low else 0.0
