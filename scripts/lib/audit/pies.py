"""Pruning Identified Exemplars: the images on which two populations disagree, and how many that would be by chance."""

from dataclasses import dataclass

import numpy as np

from scripts.lib.audit.deals import DESIGNS, deal_anew, modes_of_subsets
from scripts.lib.audit.modal import PAPERS_RULE, Modal, differ, modal_labels


def identified_exemplars(dense: Modal, compressed: Modal) -> np.ndarray:
    """Which images are PIEs, bool[N]: the modal labels differ. The true label plays no part (1911.05248, released code).

    An image of which the tie rule gives a population no modal label is no PIE.
    """
    if dense.label.shape != compressed.label.shape:
        raise ValueError(
            f"the populations judge {len(dense.label)} and {len(compressed.label)} images: they must be the same."
        )
    return differ(dense.label, compressed.label)


@dataclass(frozen=True)
class Chance:
    """The PIE count, and what it is when models are dealt to the two populations at random."""

    observed: int
    null: np.ndarray  # int64[P]: counts under permutation
    share: (
        np.ndarray
    )  # float64[N]: the share of the permutations in which each image is a PIE; they add up to the null's mean


def pies_by_chance(
    dense: np.ndarray,
    compressed: np.ndarray,
    permutations: int,
    random: np.random.Generator,
    design: str = "independent",
    tie_rule: str = PAPERS_RULE,
) -> Chance:
    """How many PIEs there are when nothing distinguishes the populations.

    dense: int[K, N] and compressed: int[L, N] votes. Under the null hypothesis of the design `independent` the K + L models are
    exchangeable, so they are dealt anew into K and L. In the design `paired` row i of both is the same checkpoint, before and after
    compression, and only the two of a pair are exchangeable: each changes places or not. What compression does to one checkpoint
    this way and to another that way remains in that null; what it does to all of them alike exceeds it. Where no vote changes,
    observed and null are 0.

    No test comes of it, because this null holds the clearest PIEs: churn_test.py says why.
    """
    pooled = np.concatenate([dense, compressed])
    as_it_is = np.arange(len(pooled)) < len(dense)
    first, second = DESIGNS[design](len(dense), len(compressed), permutations, random)
    subsets = [np.vstack([as_it_is, first]), np.vstack([~as_it_is, second])]
    counts, share = np.zeros(permutations + 1, dtype=np.int64), np.zeros(pooled.shape[1])
    for images, (before, after) in modes_of_subsets(pooled, subsets, tie_rule):
        pies = differ(before, after)
        counts += np.count_nonzero(pies, axis=1)
        share[images] = np.count_nonzero(pies[1:], axis=0) / permutations
    return Chance(int(counts[0]), counts[1:], share)


def dealt_pies(
    dense: np.ndarray,
    control: np.ndarray,
    labels: np.ndarray,
    deals: int,
    random: np.random.Generator,
    tie_rule: str = PAPERS_RULE,
) -> tuple[np.ndarray, np.ndarray]:
    """How often each image is a PIE when the dense models are dealt anew into a dense and a control population.

    dense: int[K, N] and control: int[L, N] votes; labels: int[C, N], modal labels of C compressed populations by the same tie
    rule. Returns float64[C, N], the share of deals in which the image is a PIE of each compressed population, and float64[N], that
    in which it is one of the control. Their difference is the excess that one dense and one control population show once, without
    the luck of that one deal: its spread over images is about a quarter smaller. All levels share the deals.
    """
    pooled = np.concatenate([dense, control])
    pies = differ(labels, modal_labels(pooled).label).astype(np.float64)  # of images that every deal sees alike
    chance = np.zeros(pooled.shape[1])
    subsets = list(deal_anew(len(dense), len(control), deals, random))
    for images, (first, second) in modes_of_subsets(pooled, subsets, tie_rule):
        chance[images] = np.count_nonzero(differ(first, second), axis=0) / deals
        for pie, label in zip(pies, labels, strict=True):
            pie[images] = np.count_nonzero(differ(first, label[images]), axis=0) / deals
    return pies, chance
