"""Logits and probabilities of all classes become what the ledger holds of an example: its first five classes and how probable they are."""

from typing import NamedTuple

import numpy as np

from scripts.lib.jobs.errors import InputError
from scripts.lib.ledger.predictions import squared
from scripts.lib.ledger.schema import RANKS

LOGITS, PROBABILITIES = "logits", "probabilities"
KINDS = (LOGITS, PROBABILITIES)
SUM = (
    0.02  # how far the probabilities of all classes may be from 1 together, as those of float16 or of few decimals are
)


class Ranked(NamedTuple):
    """What is predicted for N examples, as in the ledger."""

    top: np.ndarray  # int16[N, 5]; -1 where there are fewer classes
    probability: np.ndarray  # float32[N, 5]; NaN there
    p_label: np.ndarray  # float32[N]
    p_squared: np.ndarray  # float32[N]: the sum of the squares of all classes'; NaN where these are not known
    probabilities: np.ndarray | None = None  # float32[N, C], where they are known


def ranked(matrix: np.ndarray, label: np.ndarray, kind: str, where: str, first: int) -> Ranked:
    """matrix: LOGITS or PROBABILITIES [N, C] of any type of number; label: int64[N], classes from 0 to C - 1.

    The softmax is that of float64 numbers, and the order that of the logits, not of rounded probabilities. Of equal ones the class of the smallest
    number comes first, as for the models that are predicted here. Logits may be minus infinite, for classes that a model rules out.
    where, first: how an error names the array and the row that is wrong. Raises InputError for what is undefined, and for values that are
    not of the kind that is said.
    """
    values = np.asarray(matrix, dtype=np.float64)
    probabilities = _softmax(values, where, first) if kind == LOGITS else _checked(values, where, first)
    n, classes = values.shape
    ranks = min(RANKS, classes)
    top = np.full((n, RANKS), -1, dtype=np.int16)
    probability = np.full((n, RANKS), np.nan, dtype=np.float32)
    left = np.maximum(values, -np.finfo(np.float64).max)  # so that classes that were taken are below all others
    rows = np.arange(n)
    for rank in range(ranks):
        top[:, rank] = best = left.argmax(axis=1)
        probability[:, rank] = probabilities[rows, best]
        left[rows, best] = -np.inf
    all_classes = probabilities.astype(np.float32)
    return Ranked(top, probability, all_classes[rows, label], squared(all_classes), all_classes)


def _softmax(logits: np.ndarray, where: str, first: int) -> np.ndarray:
    largest = logits.max(axis=1)
    wrong = np.flatnonzero(np.isnan(logits).any(axis=1) | ~np.isfinite(largest))
    if len(wrong):
        raise InputError(f"{where}, row {first + wrong[0]}: its logits have no finite largest one: predict it anew.")
    if len(logits) and (logits >= 0).all() and (np.abs(logits.sum(axis=1) - 1) < 1e-3).all():
        raise InputError(
            f"{where} holds probabilities, as every row is positive and adds up to 1, and is said to hold logits: write `kind: probabilities`, or "
            "call the column `probabilities`."
        )
    exponentials = np.exp(logits - largest[:, None])
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def _checked(probabilities: np.ndarray, where: str, first: int) -> np.ndarray:
    remedy = f"write `kind: {LOGITS}`, or call the column `{LOGITS}`"
    wrong = np.flatnonzero(~np.isfinite(probabilities).all(axis=1))
    if len(wrong):
        raise InputError(f"{where}, row {first + wrong[0]}: a probability is not finite: predict it anew.")
    if (
        len(probabilities)
        and (probabilities <= 0).all()
        and (np.abs(np.exp(probabilities).sum(axis=1) - 1) < SUM).all()
    ):
        raise InputError(f"{where} holds logarithms of probabilities and is said to hold probabilities: {remedy}.")
    wrong = np.flatnonzero(((probabilities < 0) | (probabilities > 1 + SUM)).any(axis=1))
    if len(wrong):
        row = probabilities[wrong[0]]
        value = row[(row < 0) | (row > 1 + SUM)][0]
        raise InputError(
            f"{where}, row {first + wrong[0]}: {value:g} is no probability; if these are logits, {remedy}."
        )
    total = probabilities.sum(axis=1)
    wrong = np.flatnonzero(np.abs(total - 1) > SUM)
    if len(wrong):
        raise InputError(
            f"{where}, row {first + wrong[0]}: the probabilities of all classes add up to {total[wrong[0]]:.3g} instead of 1: give softmax outputs with "
            "more decimals, or logits."
        )
    return np.minimum(probabilities, 1.0)
