"""Whether the votes of two populations differ more than models of one population do: the statistic of permutations that misses no change."""

import numpy as np

from scripts.lib.audit.deals import Members


def disagreement(votes: np.ndarray) -> np.ndarray:
    """On what share of the images two models disagree, float64[M, M], from votes int[M, N]."""
    apart = np.zeros((len(votes), len(votes)))
    for model in range(1, len(votes)):
        apart[model, :model] = np.count_nonzero(votes[:model] != votes[model], axis=1) / votes.shape[1]
    return apart + apart.T


def between_beyond_within(apart: np.ndarray, members: Members) -> np.ndarray:
    """Churn between two populations less the mean of the churn within each, float64[P], for P ways to deal the models to them.

    apart: float64[M, M] as of `disagreement`; members: who is in the first and in the second, bool[P, M] each. About 0 where nothing
    distinguishes the populations. Half the energy distance of their votes
    (Székely & Rizzo 2013, Energy statistics) with unbiased means within; a population of one model has no churn within.
    """
    first, second = (each.astype(np.float64) for each in members)

    def mean(one: np.ndarray, other: np.ndarray, pairs: np.ndarray) -> np.ndarray:
        return ((one @ apart) * other).sum(axis=1) / np.maximum(pairs, 1)

    sizes = first.sum(axis=1), second.sum(axis=1)
    within = [mean(one, one, size * (size - 1)) for one, size in zip((first, second), sizes, strict=True)]
    return mean(first, second, sizes[0] * sizes[1]) - sum(within) / 2
