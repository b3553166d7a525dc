"""Pruning Identified Exemplars: the images on which two populations disagree, and how many that would be by chance."""

from dataclasses import dataclass

import numpy as np

from scripts.lib.audit.modal import Modal, local_codes


def identified_exemplars(dense: Modal, compressed: Modal) -> np.ndarray:
    """Which images are PIEs, bool[N]: the modal labels differ. The true label plays no part (1911.05248, released code)."""
    if dense.label.shape != compressed.label.shape:
        raise ValueError(f"the populations judge {len(dense.label)} and {len(compressed.label)} images: they must be the same.")
    return dense.label != compressed.label


@dataclass(frozen=True)
class PermutationTest:
    """The PIE count against what it is when models are dealt to the two populations at random."""

    observed: int
    null: np.ndarray  # int64[P]: counts under permutation
    p_value: float  # (1 + number of null counts >= observed) / (1 + P)


def permutation_test(dense: np.ndarray, compressed: np.ndarray, permutations: int, random: np.random.Generator) -> PermutationTest:
    """Is the PIE count larger than when nothing distinguishes the populations?

    dense: int[K, N] and compressed: int[L, N] votes of independently trained models. Under the null hypothesis the K + L models
    are exchangeable, so the count is compared with those of random partitions into K and L. One-sided.
    """
    pooled = np.concatenate([dense, compressed])
    disputed = (pooled != pooled[0]).any(axis=0)  # an image on which all models agree is no PIE of any partition
    codes, values = local_codes(pooled[:, disputed])
    members = np.zeros((permutations + 1, len(pooled)), dtype=np.float32)
    members[0, : len(dense)] = 1  # the partition as it is
    for row in members[1:]:
        row[random.permutation(len(pooled))[: len(dense)]] = 1
    counts = np.zeros(permutations + 1, dtype=np.int64)
    for images in np.array_split(np.arange(codes.shape[1]), max(1, codes.shape[1] // 256)):
        winner = [np.zeros((len(members), len(images)), dtype=np.int64) for _ in range(2)]
        most = [np.full((len(members), len(images)), -1, dtype=np.float32) for _ in range(2)]
        for code in range(len(values)):  # ascending labels and >=: of equally frequent labels the largest index
            has = (codes[:, images] == code).astype(np.float32)
            inside = members @ has
            for side, votes in enumerate((inside, has.sum(axis=0) - inside)):
                better = votes >= most[side]
                better &= votes > 0
                winner[side][better] = code
                most[side][better] = votes[better]
        counts += (winner[0] != winner[1]).sum(axis=1)
    observed, null = int(counts[0]), counts[1:]
    return PermutationTest(observed, null, (1 + int((null >= observed).sum())) / (1 + permutations))
