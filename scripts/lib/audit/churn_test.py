"""Whether the votes of two populations differ more than models of one population do: a permutation test that misses no change.

The PIE count cannot be the statistic. With an odd number of models an image on which all dense models say the one and all compressed
ones the other is a PIE in every deal, because one of two labels always wins either side: the clearest PIEs are in the null. Nor can
the excess: models dealt to three populations make such images PIEs all together in every third deal. Votes are not rounded to a modal
label, and on such an image no other deal parts them as far.
"""

import math
from itertools import combinations, product

import numpy as np

from scripts.lib.audit.deals import DESIGNS, Members

ROUNDING = 1e-9  # of sums of shares that are equal


def churn_test(
    first: np.ndarray,
    second: np.ndarray,
    deals: int,
    random: np.random.Generator,
    design: str = "independent",
    groups: np.ndarray | None = None,
) -> np.ndarray:
    """p-value, float64[G], that the votes of two populations on each group of images differ by chance.

    first: int[K, N], second: int[L, N] votes; groups: bool[G, N], left out one group of all images. The statistic is
    `between_beyond_within`, one-sided. Under the null hypothesis all models are exchangeable (independent), or the two of each pair,
    row i of both (paired): exact, whatever the errors of one model on different images have in common. `least_p` says how small p
    can get.
    """
    groups = np.ones((1, first.shape[1]), dtype=bool) if groups is None else groups
    members = deal_all_or_some(len(first), len(second), deals, random, design)
    churn = np.stack([between_beyond_within(each, members) for each in disagreement(first, second, groups)])
    return (churn >= churn[:, :1] - ROUNDING).mean(axis=1)


def least_p(first: int, second: int, deals: int, design: str = "independent") -> float:
    """The smallest p-value that `churn_test` can bring for populations of so many models: one in as many as there are ways to deal.

    To exchange two populations of one size, or all pairs, parts the votes as before.
    """
    ways = _ways(first, second, design)
    alike = 2 if first == second else 1
    return alike / ways if ways <= deals else 1 / (1 + deals)


def disagreement(first: np.ndarray, second: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """On what share of each group's images two models of both populations disagree, float64[G, K + L, K + L]; arguments as of `churn_test`."""
    groups = np.asarray(groups, dtype=bool)
    votes = np.concatenate([first, second])
    some = (votes != votes[0]).any(axis=0)  # on the others nobody disagrees
    votes, inside = votes[:, some], groups[:, some].T.astype(np.float32)
    apart = np.zeros((len(groups), len(votes), len(votes)))
    for model in range(1, len(votes)):
        differs = votes[:model] != votes[model]
        if inside.all():
            apart[:, model, :model] = np.count_nonzero(differs, axis=1)
        else:
            apart[:, model, :model] = (differs.astype(np.float32) @ inside).T
    return (apart + apart.transpose(0, 2, 1)) / np.maximum(1, groups.sum(axis=1))[:, None, None]


def between_beyond_within(apart: np.ndarray, members: Members) -> np.ndarray:
    """Churn between two populations less the mean of the churn within each, float64[P], for P ways to deal the models to them.

    apart: float64[M, M], how often two models disagree; members: who is in the first and in the second, bool[P, M] each. About 0
    where nothing distinguishes the populations. It is half the energy distance of their votes (Székely & Rizzo 2013, Energy
    statistics) with unbiased means within; a population of one model has no churn within.
    """
    first, second = (each.astype(np.float64) for each in members)

    def mean(one: np.ndarray, other: np.ndarray, pairs: np.ndarray) -> np.ndarray:
        return ((one @ apart) * other).sum(axis=1) / np.maximum(pairs, 1)

    sizes = first.sum(axis=1), second.sum(axis=1)
    within = [mean(one, one, size * (size - 1)) for one, size in zip((first, second), sizes, strict=True)]
    return mean(first, second, sizes[0] * sizes[1]) - sum(within) / 2


def deal_all_or_some(first: int, second: int, deals: int, random: np.random.Generator, design: str) -> Members:
    """All ways to deal the models to two populations as the design says, or so many random ones if they are more; before them, as they are."""
    if _ways(first, second, design) > deals:
        members, _ = DESIGNS[design](first, second, deals, random)
        members = np.vstack([np.arange(first + second) < first, members])
    elif design == "paired":
        stays = np.array(list(product([True, False], repeat=first)))
        members = np.hstack([stays, ~stays])
    else:
        chosen = np.array(list(combinations(range(first + second), first)))
        members = np.zeros((len(chosen), first + second), dtype=bool)
        np.put_along_axis(members, chosen, True, axis=1)
    return members, ~members


def _ways(first: int, second: int, design: str) -> int:
    return 2**first if design == "paired" else math.comb(first + second, first)
