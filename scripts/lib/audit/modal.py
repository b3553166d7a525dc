"""Modal labels: what most models of a population say about an image."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Modal:
    """The modal label of each of N images."""

    label: np.ndarray  # int64[N]
    votes: np.ndarray  # int64[N]: models that voted for it
    tied: np.ndarray  # bool[N]: whether another label has as many votes


def modal_labels(votes: np.ndarray) -> Modal:
    """The label that most of the K models predict for each image; of equally frequent ones the LARGEST index.

    votes: int[K, N], labels from 0. The tie rule is that of the paper's released code (1911.05248). Raises ValueError for an
    array of another shape, no model, or a negative label.
    """
    votes = np.asarray(votes)
    if votes.ndim != 2 or len(votes) == 0:
        raise ValueError(f"votes must be [K, N] with K >= 1, not {votes.shape}.")
    if votes.size and votes.min() < 0:
        raise ValueError("a vote is negative: labels count from 0.")
    values, counts = label_counts(votes)
    best = counts.max(axis=0)
    winner = (len(counts) - 1) - (counts == best)[::-1].argmax(axis=0)
    label = np.take_along_axis(values, winner[None], axis=0)[0]
    return Modal(label, best, (counts == best).sum(axis=0) > 1)


def label_counts(votes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct labels of each image in ascending order and how often each was predicted: int64[M, N] twice.

    M is the largest number of distinct labels that any image got; where an image has fewer, the count is 0. This is far
    smaller than one row a class, because most images get one or two labels.
    """
    codes, values = local_codes(votes)
    counts = np.stack([(codes == code).sum(axis=0) for code in range(len(values))])
    return values, counts


def local_codes(votes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Votes as ranks among their image's distinct labels, int64[K, N], and the label of each rank, int64[M, N] (-1: unused)."""
    order = votes.argsort(axis=0, kind="stable")
    ascending = np.take_along_axis(votes, order, axis=0)
    rank = np.zeros(votes.shape, dtype=np.int64)
    rank[1:] = (np.diff(ascending, axis=0) != 0).cumsum(axis=0)
    codes = np.empty_like(rank)
    np.put_along_axis(codes, order, rank, axis=0)
    values = np.full((rank.max(initial=0) + 1, votes.shape[1]), -1, dtype=np.int64)
    np.put_along_axis(values, rank, ascending, axis=0)
    return codes, values
