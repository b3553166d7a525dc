"""The excess over the control against what it is when models are dealt to the three populations at random."""

from itertools import combinations, product
from math import comb

import numpy as np

from scripts.lib.audit.deals import modes_of_subsets
from scripts.lib.audit.modal import PAPERS_RULE
from scripts.lib.audit.model_variance import twice_excess


def excess_test(
    dense: np.ndarray,
    control: np.ndarray,
    compressed: np.ndarray,
    groups: np.ndarray,
    deals: int,
    random: np.random.Generator,
    design: str = "independent",
    tie_rule: str = PAPERS_RULE,
) -> np.ndarray:
    """Two-sided p-value, float64[G], that the excess of each group of images is what chance makes of these models.

    dense, control, compressed: votes int[K, N], [L, N] and [M, N]; groups: bool[G, N]. The statistic is the excess that these three
    populations show as they are. Independent: (PIEs(level, dense) + PIEs(level, control)) / 2 - PIEs(dense, control), and under the
    null hypothesis all models are exchangeable and dealt anew to all three. Paired: PIEs(level, control) - PIEs(dense, control), and
    row i of dense and compressed change places or not. All deals are counted where they are not more than `deals`, else that many
    random ones and the observed; p is twice the smaller of both tails, ends included. `least_p` says how small it can get.

    Unlike the PIE count of two populations this sees images on which all models of a level say something else: dealt anew, with an
    odd number of models, such an image is a PIE in every deal of two populations, but an excess in a third of those of three.
    """
    votes = np.concatenate([dense, control, compressed])
    subsets = list(DEALS[design]((len(dense), len(control), len(compressed)), deals, random))
    groups = np.asarray(groups, dtype=bool)
    excess = np.zeros((len(subsets[0]), len(groups)))
    for images, labels in modes_of_subsets(votes, subsets, tie_rule):
        excess += twice_excess(*labels, design).astype(np.float32) @ groups[:, images].T.astype(np.float32)
    upper, lower = (excess >= excess[0]).mean(axis=0), (excess <= excess[0]).mean(axis=0)
    return np.minimum(1.0, 2 * np.minimum(upper, lower))


def least_p(design: str, sizes: tuple[int, int, int], deals: int) -> float:
    """The smallest p-value that `excess_test` can bring with these numbers of models and deals.

    To swap the dense and the control models, or all pairs, changes nothing but the sign.
    """
    if design == "paired":
        return 2.0 ** (1 - sizes[0]) if 2 ** sizes[0] <= deals else 2 / (1 + deals)
    ways = comb(sum(sizes), sizes[0]) * comb(sizes[1] + sizes[2], sizes[1])
    return min(1.0, 2 * (1 + (sizes[0] == sizes[1])) / ways) if ways <= deals else 2 / (1 + deals)


def deal_three(sizes: tuple[int, int, int], deals: int, random: np.random.Generator) -> list[np.ndarray]:
    """Who is in each of three populations, bool[P, models] each; the first row as they are."""
    models = sum(sizes)
    if comb(models, sizes[0]) * comb(models - sizes[0], sizes[1]) <= deals:
        rows = list(_all_deals(sizes))
    else:
        rows = [np.arange(models), *(random.permutation(models) for _ in range(deals))]
    members = [np.zeros((len(rows), models), dtype=bool) for _ in sizes]
    ends = np.cumsum(sizes)[:-1]
    for row, order in enumerate(rows):
        for population, chosen in zip(members, np.split(order, ends), strict=True):
            population[row, chosen] = True
    return members


def _all_deals(sizes: tuple[int, int, int]):
    """All ways to deal models to three populations, each as an order of the models; the first as they are."""
    everybody = set(range(sum(sizes)))
    for first in combinations(sorted(everybody), sizes[0]):
        rest = everybody - set(first)
        for second in combinations(sorted(rest), sizes[1]):
            yield np.array([*first, *second, *sorted(rest - set(second))])


def swap_level(sizes: tuple[int, int, int], deals: int, random: np.random.Generator) -> list[np.ndarray]:
    """As `deal_three`, but only model i of the first and model i of the third population change places."""
    pairs, control, level = sizes
    if pairs != level:
        raise ValueError(f"populations of {pairs} and {level} models have no pairs.")
    if 2**pairs <= deals:
        stays = np.array(list(product([True, False], repeat=pairs)))
    else:
        stays = np.vstack([np.ones(pairs, dtype=bool), random.random((deals, pairs)) < 0.5])
    none, all_ = (np.full((len(stays), size), value) for size, value in ((pairs, False), (control, True)))
    dense = np.hstack([stays, np.zeros_like(all_), ~stays])
    return [dense, np.hstack([none, all_, none]), np.hstack([~stays, np.zeros_like(all_), stays])]


# Design -> how models are dealt where compression changes nothing.
DEALS = {"independent": deal_three, "paired": swap_level}
