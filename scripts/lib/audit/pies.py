"""Pruning Identified Exemplars: the images on which two populations disagree, and how many that would be by chance."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from scripts.lib.audit.modal import Modal, local_codes, modal_labels


def identified_exemplars(dense: Modal, compressed: Modal) -> np.ndarray:
    """Which images are PIEs, bool[N]: the modal labels differ. The true label plays no part (1911.05248, released code)."""
    if dense.label.shape != compressed.label.shape:
        raise ValueError(
            f"the populations judge {len(dense.label)} and {len(compressed.label)} images: they must be the same."
        )
    return dense.label != compressed.label


@dataclass(frozen=True)
class PermutationTest:
    """The PIE count against what it is when models are dealt to the two populations at random."""

    observed: int
    null: np.ndarray  # int64[P]: counts under permutation
    p_value: float  # (1 + number of null counts >= observed) / (1 + P)


def permutation_test(
    dense: np.ndarray, compressed: np.ndarray, permutations: int, random: np.random.Generator
) -> PermutationTest:
    """Is the PIE count larger than when nothing distinguishes the populations?

    dense: int[K, N] and compressed: int[L, N] votes of independently trained models. Under the null hypothesis the K + L models
    are exchangeable, so the count is compared with those of random partitions into K and L. One-sided.
    """
    pooled = np.concatenate([dense, compressed])
    as_it_is = np.arange(len(pooled)) < len(dense)
    partitions = np.vstack([as_it_is, _deals(len(pooled), len(dense), permutations, random)])
    counts = np.zeros(permutations + 1, dtype=np.int64)
    for _, first, second in _modes(pooled, partitions):
        counts += (first != second).sum(axis=1)
    null = counts[1:]
    return PermutationTest(int(counts[0]), null, (1 + int((null >= counts[0]).sum())) / (1 + permutations))


def dealt_pies(
    dense: np.ndarray, control: np.ndarray, compressed: np.ndarray, deals: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """How often each image is a PIE when the dense models are dealt anew into a dense and a control population.

    dense: int[K, N], control: int[L, N], compressed: int[M, N] votes. Returns two float64[N]: the fraction of deals in which the
    image is a PIE of the compressed population, and that in which it is one of the control. Their difference is the excess that
    one dense and one control population show once, without the luck of that one deal: its spread over images is about a quarter
    smaller.
    """
    pooled = np.concatenate([dense, control])
    label = modal_labels(compressed).label
    pie, chance = np.zeros(len(label)), np.zeros(len(label))
    agreed = (pooled == pooled[0]).all(axis=0)
    pie[agreed] = label[agreed] != pooled[0, agreed]
    for images, first, second in _modes(pooled, _deals(len(pooled), len(dense), deals, random)):
        pie[images] = (first != label[images]).mean(axis=0)
        chance[images] = (first != second).mean(axis=0)
    return pie, chance


def _deals(models: int, first: int, deals: int, random: np.random.Generator) -> np.ndarray:
    """Which models are in the first of two populations, bool[deals, models]."""
    members = np.zeros((deals, models), dtype=bool)
    for row in members:
        row[random.permutation(models)[:first]] = True
    return members


def _modes(pooled: np.ndarray, members: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Modal labels of both sides of each partition, for the images on which not all models agree, some images at a time.

    pooled: int[M, N] votes, members: bool[P, M]. Yields positions int[n] and the modal labels int64[P, n] of the members and of
    the others. Images on which all agree are left out: they are no PIE of any partition.
    """
    positions = np.flatnonzero((pooled != pooled[0]).any(axis=0))
    weights = members.astype(np.float32)
    for images in np.array_split(positions, max(1, len(positions) // 256)):
        codes, values = local_codes(pooled[:, images])
        modes = [np.zeros((len(members), len(images)), dtype=np.int64) for _ in range(2)]
        most = [np.zeros((len(members), len(images)), dtype=np.float32) for _ in range(2)]
        for code in range(len(values)):  # labels ascend, so >= lets the largest of equally frequent ones win
            has = (codes == code).astype(np.float32)
            inside = weights @ has
            for side, votes in enumerate((inside, has.sum(axis=0) - inside)):
                better = (votes >= most[side]) & (votes > 0)
                modes[side][better] = code
                most[side][better] = votes[better]
        columns = np.arange(len(images))
        yield images, values[modes[0], columns], values[modes[1], columns]
