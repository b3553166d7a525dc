"""The PIE count as it falls with the number of models, and what it is by chance at each number.

With more models the luck of each weighs less, so populations that nothing distinguishes have fewer PIEs: counts at different K do not
compare. An even number of models brings ties, an odd one hardly any, and the tie rule decides about them.
"""

from dataclasses import dataclass

import numpy as np

from scripts.lib.audit.deals import DESIGNS, Members, modes_of_subsets
from scripts.lib.audit.modal import PAPERS_RULE, UNDECIDED, differ


@dataclass(frozen=True)
class Counts:
    """Numbers of images for S random subsets of k models of each population, int64[S] each."""

    pies: np.ndarray
    pies_untied: np.ndarray  # PIEs on which neither population has a tie
    tied: np.ndarray  # images on which either has one
    null: np.ndarray  # PIEs after the models of the subsets were exchanged as the design says


def sizes(models: int) -> list[int]:
    """Numbers of models at which to count, ascending: about two for every doubling, each even one with the odd one after it."""
    steps = 2 ** np.arange(0, np.log2(models) + 1, 0.5)
    even = {int(step) // 2 * 2 for step in steps} | {models // 2 * 2 - 2}
    found = {1, models - 1, models} | even | {size + 1 for size in even}
    return sorted(size for size in found if 1 <= size <= models)


def count_at(
    size: int,
    dense: np.ndarray,
    compressed: np.ndarray,
    subsets: int,
    random: np.random.Generator,
    design: str = "independent",
    tie_rule: str = PAPERS_RULE,
) -> Counts:
    """PIEs between `size` of the models dense int[K, N] and `size` of compressed int[L, N], for random subsets of both.

    In the design `paired` both subsets are of the same checkpoints. With `size` models of a population of as many all subsets are the
    same one, and the null is that of `pies_by_chance`. Subsets share models, so their spread is less than that between studies.
    """
    if not 1 <= size <= min(len(dense), len(compressed)):
        raise ValueError(f"{size} models of {len(dense)} and {len(compressed)} cannot be chosen.")
    pooled = np.concatenate([dense, compressed])
    first = _choices(len(dense), size, subsets, random)
    second = first if design == "paired" else _choices(len(compressed), size, subsets, random)
    chosen = np.concatenate([first, second + len(dense)], axis=1)
    as_they_are = np.tile(np.arange(2 * size) < size, (subsets, 1))
    observed = _members(chosen, (as_they_are, ~as_they_are), len(pooled))
    exchanged = _members(chosen, DESIGNS[design](size, size, subsets, random), len(pooled))
    pies, pies_untied, tied, null = (np.zeros(subsets, dtype=np.int64) for _ in range(4))
    for _, (dense_label, label, *null_labels) in modes_of_subsets(pooled, [*observed, *exchanged], tie_rule):
        pies += np.count_nonzero(differ(dense_label, label), axis=1)
        null += np.count_nonzero(differ(*null_labels), axis=1)
    for _, (dense_label, label) in modes_of_subsets(pooled, list(observed), "excluded"):
        pies_untied += np.count_nonzero(differ(dense_label, label), axis=1)
        tied += np.count_nonzero((dense_label == UNDECIDED) | (label == UNDECIDED), axis=1)
    return Counts(pies, pies_untied, tied, null)


def _choices(models: int, size: int, subsets: int, random: np.random.Generator) -> np.ndarray:
    """Which models are chosen, int64[subsets, size]."""
    return random.permuted(np.tile(np.arange(models), (subsets, 1)), axis=1)[:, :size]


def _members(chosen: np.ndarray, sides: Members, models: int) -> Members:
    """Sides bool[S, m] of the chosen models int[S, m] as sides of all models, bool[S, models] each."""
    found = tuple(np.zeros((len(chosen), models), dtype=bool) for _ in sides)
    for members, side in zip(found, sides, strict=True):
        np.put_along_axis(members, chosen, side, axis=1)
    return found
