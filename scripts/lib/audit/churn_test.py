"""Whether the votes of two populations differ more than models of one population do: a permutation test that misses no change.

The PIE count cannot be the statistic. With an odd number of models an image on which all dense models say the one and all compressed
ones the other is a PIE in every deal, because one of two labels always wins either side: the clearest PIEs are in the null. Nor can
the excess: models dealt to three populations make such images PIEs all together in every third deal. Votes are not rounded to a modal
label, and on such an image no other deal parts them as far.
"""

import math
from itertools import combinations, product

import numpy as np

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
    dealt = deal_all_or_some(len(first), len(second), deals, random, design)
    churn = np.stack([between_beyond_within(each, dealt) for each in disagreement(first, second, groups)])
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
    some = (votes != votes[0]).any(axis=0) & groups.any(axis=0)  # on the others nobody disagrees, or nobody asks
    votes, inside = np.ascontiguousarray(votes[:, some]), groups[:, some].T.astype(np.float32)
    apart = np.zeros((len(groups), len(votes), len(votes)))
    for model, own in enumerate(votes):
        if len(groups) == 1:  # the same, sooner
            apart[0, model, :model] = [np.count_nonzero(own != other) for other in votes[:model]]
        else:
            apart[:, model, :model] = ((votes[:model] != own).astype(np.float32) @ inside).T
    return (apart + apart.transpose(0, 2, 1)) / np.maximum(1, groups.sum(axis=1))[:, None, None]


def between_beyond_within(apart: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Churn between two populations less the mean of the churn within each, float64[P], for P ways to deal the models to them.

    apart: float64[M, M], how often two models disagree; first: who is in the first population, bool[P, M], all others being in the
    second. About 0 where nothing distinguishes them. It is half the energy distance of their votes (Székely & Rizzo 2013, Energy
    statistics) with unbiased means within; a population of one model has no churn within.
    """
    sizes = first.sum(axis=1), (~first).sum(axis=1)
    to_first = first.astype(np.float64) @ apart
    within_first = (to_first * first).sum(axis=1)  # sums over ordered pairs of models
    between = to_first.sum(axis=1) - within_first
    within_second = apart.sum() - 2 * between - within_first
    within = [
        total / np.maximum(1, size * (size - 1))
        for total, size in zip((within_first, within_second), sizes, strict=True)
    ]
    return between / (sizes[0] * sizes[1]) - sum(within) / 2


def deal_all_or_some(first: int, second: int, deals: int, random: np.random.Generator, design: str) -> np.ndarray:
    """Who is in the first of two populations, bool[P, K + L], in the first row as they are.

    All ways to deal the models that the design allows, or `deals` random ones where those are more.
    """
    as_they_are = np.arange(first + second) < first
    many = _ways(first, second, design) > deals
    if design == "paired":
        stays = random.random((deals, first)) < 0.5 if many else np.array(list(product([True, False], repeat=first)))
        members = np.hstack([stays, ~stays])
    elif many:
        members = random.random((deals, first + second)).argsort(axis=1) < first
    else:
        chosen = np.array(list(combinations(range(first + second), first)))
        members = np.zeros((len(chosen), first + second), dtype=bool)
        np.put_along_axis(members, chosen, True, axis=1)
    members = np.vstack([as_they_are, members]) if many else members
    return members


def _ways(first: int, second: int, design: str) -> int:
    return 2**first if design == "paired" else math.comb(first + second, first)
