"""Halves of a population: what some of its models say, so that others may check it.

A split deals the K models of a population into those that choose, `members`, and those that score, the others. Arrays are [S, N]
for S splits and N images.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from scripts.lib.audit.modal import PAPERS_RULE, TIE_RULES, local_codes

# Images tallied at a time: 200 splits of them stay in a processor's cache.
TOGETHER = 256


@dataclass(frozen=True)
class Tally:
    """The votes of one side of every split; numbers of votes as they are, not as shares."""

    models: int
    label: np.ndarray  # int64[S, N]: modal label by the tie rule; -1 where it gives none
    margin: np.ndarray  # float32[S, N]: votes for the modal label less those for the next
    entropy: (
        np.ndarray
    )  # float32[S, N]: of the vote shares, in nats, to six decimals so that equal counts compare equal
    disagreement: np.ndarray  # float32[S, N]: of two different models, 0..1; NaN for one model


def deal_halves(models: int, splits: int, random: np.random.Generator) -> np.ndarray:
    """Which models choose in each split, bool[S, K]: floor(K / 2) of them, drawn without replacement."""
    if models < 2:
        raise ValueError("a population needs two models at least to be split.")
    return random.permuted(np.tile(np.arange(models) < models // 2, (splits, 1)), axis=1)


def tally_halves(votes: np.ndarray, members: np.ndarray, tie_rule: str = PAPERS_RULE) -> tuple[Tally, Tally]:
    """What the members and the others of each split say; votes int[K, N], members bool[S, K] with as many members in each split.

    tie_rule: one of TIE_RULES. With all models as members the second tally is of none and means nothing.
    """
    sizes = members.sum(axis=1)
    if np.ptp(sizes):
        raise ValueError("every split needs the same number of members.")
    inside = int(sizes[0])
    sides = [_empty(models, len(members), votes.shape[1]) for models in (inside, len(votes) - inside)]
    weights = members.astype(np.float32)
    agreed = (votes == votes[0]).all(axis=0)
    for side in sides:  # the others are filled in below
        side.label[:] = votes[0]
        side.margin[:] = side.models
    codes, values = local_codes(votes[:, ~agreed])
    positions = np.flatnonzero(~agreed)
    by_labels = np.argsort(codes.max(axis=0, initial=0), kind="stable")  # so that images of a chunk have as many labels
    for chunk in np.array_split(by_labels, max(1, len(positions) // TOGETHER)):
        counts = _counts(codes[:, chunk], weights)
        for side, of_side in zip(sides, counts, strict=True):
            if side.models:
                _tally(side, of_side, positions[chunk], values[:, chunk], tie_rule)
    return sides[0], sides[1]


def right_shares(correct: np.ndarray, members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The share of the members and of the others that are right about each image, float32[S, N] twice; correct bool[K, N]."""
    right = correct.astype(np.float32)
    inside = members.astype(np.float32) @ right
    outside = right.sum(axis=0) - inside
    return inside / members.sum(axis=1, keepdims=True), outside / np.maximum(1, (~members).sum(axis=1, keepdims=True))


def _empty(models: int, splits: int, images: int) -> Tally:
    shape = (splits, images)
    disagreement = np.full(shape, 0 if models > 1 else np.nan, dtype=np.float32)
    return Tally(models, np.zeros(shape, np.int64), *(np.zeros(shape, np.float32) for _ in range(2)), disagreement)


def _counts(codes: np.ndarray, weights: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Votes for each code in ascending order, by members and by others: lists of float32[S, n]."""
    inside, outside = [], []
    for code in range(codes.max(initial=0) + 1):
        has = (codes == code).astype(np.float32)
        inside.append(weights @ has)
        outside.append(has.sum(axis=0) - inside[-1])
    return inside, outside


def _tally(side: Tally, counts: list[np.ndarray], images: np.ndarray, values: np.ndarray, tie_rule: str) -> None:
    """Fill in the columns of some images; values int[M, n]: the label of each code."""
    most, second, squares = (np.zeros_like(counts[0]) for _ in range(3))
    smallest, largest = (np.zeros(counts[0].shape, dtype=np.int64) for _ in range(2))
    entropy = np.zeros(counts[0].shape)
    entropy_of = special.entr(np.arange(side.models + 1) / side.models)
    for code, votes in enumerate(counts):
        smallest[votes > most] = code  # labels ascend
        largest[votes >= most] = code
        second = np.where(votes >= most, most, np.maximum(second, votes))
        most = np.maximum(most, votes)
        squares += votes * votes
        entropy += entropy_of[votes.astype(np.int64)]
    columns = np.arange(len(images))
    side.label[:, images] = TIE_RULES[tie_rule](lambda: values[smallest, columns], lambda: values[largest, columns])
    side.margin[:, images] = most - second
    side.entropy[:, images] = entropy.round(6)
    if side.models > 1:
        pairs = side.models * (side.models - 1)
        side.disagreement[:, images] = 1 - (squares - side.models) / pairs
