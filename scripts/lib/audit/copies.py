"""Which models are one network under two names, told by their votes alone.

Two networks that were trained apart err differently, so that equal votes on all images are one network twice, unless there is little to differ in:
models that are right everywhere, or say one class everywhere, are equal honestly.
"""

import math
from typing import NamedTuple

import numpy as np

IMAGES = 100  # fewer images tell nothing
FALSE_ALARM = 1e-3  # the probability, over all models of a study, that honest ones are taken for copies, if images err independently
ALONE = 20  # errors that one model must have where there is no other model to compare it with
MATERIAL = 0.8  # of the disagreement between different networks that a network and its compressed self may have at most


class Copies(NamedTuple):
    """Models of two populations that vote alike, and one pair of them."""

    first: int  # which model
    second: int
    pairs: int  # how many models of the first population have a copy in the second


def alike(votes: np.ndarray) -> list[list[int]]:
    """The models that vote alike on all images, group after group of two or more; votes: int[K, N]."""
    groups: dict[bytes, list[int]] = {}
    for model, of_model in enumerate(votes):
        groups.setdefault(of_model.tobytes(), []).append(model)
    return [group for group in groups.values() if len(group) > 1]


def find_copies(votes: np.ndarray, label: np.ndarray, population: np.ndarray, network: np.ndarray) -> Copies | None:
    """Models that cannot have been trained apart; None where there are none, or too few images to tell.

    votes: int[K, N] of the models of all populations; label: int[N]; population: int[K], which one a model is of; network: int[K], equal for models
    that are said to be one network before and after compression, which may agree.

    The evidence that model i was not trained apart from its double: how many of its errors, outside the class that it says most, the other models of
    the two populations do not make on average; each would have been made by the double too. Were errors independent, a given model would be
    its double by chance with a probability below exp(-evidence), and one of a population of K with K times that. The logarithms are added over
    the models of a population that have doubles in another, and held against the number of pairs of models in the study. Where no other model
    differs, one model's own errors are counted.
    """
    count, images = votes.shape
    if images < IMAGES:
        return None
    least = math.log(max(1, count * (count - 1) // 2) / FALSE_ALARM)
    found: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for group in alike(votes):
        for place, second in enumerate(group):
            # One pair for each population that an earlier model of the group is of.
            for first in {int(population[i]): i for i in group[:place] if network[i] != network[second]}.values():
                found.setdefault((int(population[first]), int(population[second])), []).append((first, second))
    for (one, other), pairs in found.items():
        near = np.flatnonzero((population == one) | (population == other))
        unshared = [_unshared(votes, label, first, near) for first, _ in pairs]
        candidates = math.log((population == one).sum())
        evidence = sum(max(0.0, errors - candidates) for errors, compared in unshared if compared)
        alone = max((errors for errors, compared in unshared if not compared), default=0)
        if evidence >= least or alone >= ALONE:
            return Copies(*pairs[0], len(pairs))
    return None


def _unshared(votes: np.ndarray, label: np.ndarray, model: int, near: np.ndarray) -> tuple[float, bool]:
    """How many telling errors of a model the others near it lack on average, and whether there are others; else how many it has."""
    own = votes[model]
    values, counts = np.unique(own, return_counts=True)
    errors = (own != label) & (own != values[counts.argmax()])
    others = [votes[i] for i in near if not np.array_equal(votes[i], own)]
    if not others:
        return float(errors.sum()), False
    return float(np.mean([(errors & (other != own)).sum() for other in others])), True


def same_networks(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether model k of one population is model k of the other, changed: votes int[K, N] twice.

    They are if every pair disagrees clearly less than either of its models with any other of the other population; of few models less than a third as
    much, and that on 30 images at least, because luck orders few.
    """
    count = len(before)
    if len(after) != count or count < 2:
        return False
    apart = np.array([[(one != other).sum() for other in after] for one in before], dtype=np.float64)
    pairs = np.diag(apart)
    others = np.where(np.eye(count, dtype=bool), np.inf, apart)
    nearest = np.minimum(others.min(axis=0), others.min(axis=1))
    if count >= 5:
        return bool((pairs <= MATERIAL * nearest).all() and nearest.min() > 0)
    return bool((pairs <= nearest / 3).all() and nearest.min() >= 30)
