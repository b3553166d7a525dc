"""Modal labels: what most models of a population say about an image."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

# The label where a tie rule gives none.
UNDECIDED = -1

# Tie rule -> the label of images of which the smallest and the largest of the most frequent labels are known; both come as
# functions, because most rules need one of them only. `largest` is the rule of the released code of 1911.05248, `smallest` that
# of numpy.bincount and scipy.stats.mode; with `excluded` an image whose mode is tied has none.
TieRule = Callable[[Callable[[], np.ndarray], Callable[[], np.ndarray]], np.ndarray]


def _excluded(smallest: Callable[[], np.ndarray], largest: Callable[[], np.ndarray]) -> np.ndarray:
    label = largest()
    return np.where(smallest() == label, label, UNDECIDED)


TIE_RULES: dict[str, TieRule] = {
    "largest": lambda smallest, largest: largest(),
    "smallest": lambda smallest, largest: smallest(),
    "excluded": _excluded,
}
PAPERS_RULE = "largest"


@dataclass(frozen=True)
class Modal:
    """The modal label of each of N images."""

    label: np.ndarray  # int64[N]: by the tie rule; -1 where it gives none
    votes: np.ndarray  # int64[N]: models that voted for each of the most frequent labels
    smallest: np.ndarray  # int64[N]: the smallest of the most frequent labels
    largest: np.ndarray  # int64[N]: the largest of them

    @property
    def tied(self) -> np.ndarray:
        """Whether two labels or more are the most frequent ones, bool[N]."""
        return self.smallest != self.largest


def modal_labels(votes: np.ndarray, tie_rule: str = PAPERS_RULE) -> Modal:
    """The label that most of the K models predict for each image; which of equally frequent ones, one of TIE_RULES says.

    votes: int[K, N] of any integer type, labels from 0. Raises ValueError for an array of another shape, no model, a negative
    label, or an unknown rule.
    """
    votes = np.asarray(votes)
    if votes.ndim != 2 or len(votes) == 0:
        raise ValueError(f"votes must be [K, N] with K >= 1, not {votes.shape}.")
    if votes.size and votes.min() < 0:
        raise ValueError("a vote is negative: labels count from 0.")
    if tie_rule not in TIE_RULES:
        raise ValueError(f"the tie rule {tie_rule} is unknown: it may be one of {', '.join(TIE_RULES)}.")
    ascending = np.sort(votes, axis=0)
    smallest = largest = ascending[0]
    run = most = np.ones(votes.shape[1], dtype=np.int64)  # equal labels up to here, and the longest such run
    for before, label in pairwise(ascending):
        run = np.where(label == before, run + 1, 1)
        largest = np.where(run >= most, label, largest)
        smallest = np.where(run > most, label, smallest)
        most = np.maximum(most, run)
    smallest, largest = smallest.astype(np.int64), largest.astype(np.int64)
    return Modal(TIE_RULES[tie_rule](lambda: smallest, lambda: largest), most, smallest, largest)


def differ(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Where two modal labels differ, both being decided: bool, from int arrays of one shape or that broadcast."""
    return (first != second) & (first != UNDECIDED) & (second != UNDECIDED)


def local_codes(votes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Votes as ranks among their image's distinct labels, int64[K, N], and the label of each rank, int64[M, N] (-1: unused).

    M is the largest number of distinct labels that any image got: far fewer than classes, because most images get one or two.
    """
    order = votes.argsort(axis=0, kind="stable")
    ascending = np.take_along_axis(votes, order, axis=0)
    rank = np.zeros(votes.shape, dtype=np.int64)
    rank[1:] = (ascending[1:] != ascending[:-1]).cumsum(axis=0)
    codes = np.empty_like(rank)
    np.put_along_axis(codes, order, rank, axis=0)
    values = np.full((rank.max(initial=0) + 1, votes.shape[1]), -1, dtype=np.int64)
    np.put_along_axis(values, rank, ascending, axis=0)
    return codes, values
