"""Halves of a population: what some of its models say, so that others may check it.

A split deals the K models of a population into those that choose and as many that score. Arrays are [S, N] for S splits and N images.
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
    # In nats, to six decimals so that equal counts compare equal.
    entropy: np.ndarray  # float32[S, N]: of the vote shares
    disagreement: np.ndarray  # float32[S, N]: of two different models, 0..1; NaN for one model


Sides = tuple[np.ndarray, np.ndarray]  # who chooses and who scores in each split, bool[S, K] each


def deal_halves(models: int, splits: int, random: np.random.Generator) -> Sides:
    """Who chooses and who scores: floor(K / 2) models each, drawn without replacement; of an odd number one sits out.

    Both halves are as large, so what they say differs by the choice only.
    """
    if models < 2:
        raise ValueError("a population needs two models at least to be split.")
    places = random.permuted(np.tile(np.arange(models), (splits, 1)), axis=1)
    half = models // 2
    return places < half, (places >= half) & (places < 2 * half)


def everybody(models: int) -> Sides:
    """One split in which all models choose, and none is left to score."""
    return np.ones((1, models), dtype=bool), np.zeros((1, models), dtype=bool)


def tally_halves(votes: np.ndarray, sides: Sides, tie_rule: str = PAPERS_RULE) -> tuple[Tally, Tally]:
    """What those who choose and those who score say in each split; votes int[K, N], as many of each in every split.

    tie_rule: one of TIE_RULES. The tally of no models means nothing.
    """
    sizes = [members.sum(axis=1) for members in sides]
    if any(np.ptp(size) for size in sizes):
        raise ValueError("every split needs the same number of members.")
    tallies = [_empty(int(size[0]), len(size), votes.shape[1]) for size in sizes]
    agreed = (votes == votes[0]).all(axis=0)
    for side in tallies:  # the others are filled in below
        side.label[:] = votes[0]
        side.margin[:] = side.models
    codes, values = local_codes(votes[:, ~agreed])
    positions = np.flatnonzero(~agreed)
    by_labels = np.argsort(codes.max(axis=0, initial=0), kind="stable")  # so that images of a chunk have as many labels
    weights = [members.astype(np.float32) for members in sides]
    for chunk in np.array_split(by_labels, max(1, len(positions) // TOGETHER)):
        of_chunk = codes[:, chunk]
        has = [(of_chunk == code).astype(np.float32) for code in range(of_chunk.max(initial=0) + 1)]
        for side, weight in zip(tallies, weights, strict=True):
            if side.models:
                _tally(side, [weight @ each for each in has], positions[chunk], values[:, chunk], tie_rule)
    return tallies[0], tallies[1]


def right_shares(correct: np.ndarray, sides: Sides) -> tuple[np.ndarray, np.ndarray]:
    """The share of those who choose and of those who score that are right about each image, float32[S, N] twice; correct bool[K, N]."""
    right = correct.astype(np.float32)
    choosing, scoring = (
        members.astype(np.float32) @ right / np.maximum(1, members.sum(axis=1, keepdims=True)) for members in sides
    )
    return choosing, scoring


def _empty(models: int, splits: int, images: int) -> Tally:
    shape = (splits, images)
    disagreement = np.full(shape, 0 if models > 1 else np.nan, dtype=np.float32)
    return Tally(models, np.zeros(shape, np.int64), *(np.zeros(shape, np.float32) for _ in range(2)), disagreement)


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
