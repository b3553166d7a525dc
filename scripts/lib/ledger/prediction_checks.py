"""What classes and probabilities in rows of predictions must be, and the sentence for the first that is not."""

import itertools

import numpy as np

from scripts.lib.data.columns import Batch, first_false
from scripts.lib.jobs.errors import InputError
from scripts.lib.ledger.schema import PROBABILITY, TOP

TOLERANCE = 1e-3  # of probabilities that were rounded
DECIMALS = 0.006  # of each that is added, so that two decimals will do


def check_classes(batch: Batch, tops: dict[str, np.ndarray], classes: int) -> None:
    """Raise InputError for a class that does not exist, and for one at two ranks. tops: int64[n] by the name of the column."""
    for name, values in tops.items():
        wrong = first_false((values >= 0) & (values < classes))
        if wrong is not None:
            raise InputError(
                f"{batch.where(name, wrong)}: {values[wrong]}, and the classes go from 0 to {classes - 1}: name all of them in "
                "`data`, key `classes`, or correct the file."
            )
    for later, earlier in itertools.combinations(reversed(tops), 2):
        wrong = first_false(tops[later] != tops[earlier])
        if wrong is not None:
            raise InputError(
                f"{batch.where(later, wrong)}: {tops[later][wrong]} as in {earlier}: a class has one rank only."
            )


def check_probabilities(batch: Batch, tops: dict[str, np.ndarray], label: np.ndarray, classes: int) -> None:
    """Raise InputError for what cannot be the softmax probabilities of the first classes and of the label, int64[n]."""
    columns = batch.columns
    given = [name for name in (*PROBABILITY, "p_label") if name in columns]
    for name in given:
        wrong = first_false((columns[name] >= 0) & (columns[name] <= 1 + TOLERANCE))
        if wrong is not None:
            raise InputError(
                f"{batch.where(name, wrong)}: {columns[name][wrong]:g} is no probability{_what(columns, given, wrong)}: give softmax outputs, from 0 to 1."
            )
    ranked = [name for name in given if name != "p_label"]
    for before, after in itertools.pairwise(ranked):
        wrong = first_false(columns[after] <= columns[before] + TOLERANCE)
        if wrong is not None:
            raise InputError(
                f"{batch.where(after, wrong)}: {columns[after][wrong]:g} is more than {before}: the most probable class comes first."
            )
    if ranked:
        _check_sums(batch, ranked, classes)
    if "p_label" in given and ranked:
        _check_label(batch, ranked, tops, label, classes)


def _what(columns: dict, given: list[str], row: int) -> str:
    """What a number that is no probability may be instead."""
    values = np.array([columns[name][row] for name in given if name != "p_label"] or [columns["p_label"][row]])
    if (values <= 0).all():
        return ", perhaps its logarithm or a logit"
    if values.min() >= 0 and 50 < values.sum() <= 101:
        return ", perhaps a percentage"
    return ", perhaps a logit"


def _check_sums(batch: Batch, ranked: list[str], classes: int) -> None:
    total = sum(batch.columns[name] for name in ranked)
    slack = DECIMALS * len(ranked)
    wrong = first_false(total <= 1 + slack)
    if wrong is None and len(ranked) == classes:  # then they are all that there are
        wrong = first_false(total >= 1 - slack)
    if wrong is not None:
        raise InputError(
            f"{batch.where(ranked[0], wrong)}: {' + '.join(ranked)} is {total[wrong]:.3g}, which probabilities of one softmax over all classes cannot be: "
            "give softmax outputs, not sigmoid outputs or scores."
        )


def _check_label(batch: Batch, ranked: list[str], tops: dict[str, np.ndarray], label: np.ndarray, classes: int) -> None:
    """The label's probability is that of the rank at which it stands, and at most that of the last rank where it stands at none."""
    columns = batch.columns
    p_label = columns["p_label"]
    among = np.zeros(len(label), dtype=bool)
    for top, p in zip(TOP, PROBABILITY, strict=True):
        if top not in tops:
            break
        here = tops[top] == label
        among |= here
        if p not in columns:
            continue
        wrong = first_false(~(here & (np.abs(columns[p] - p_label) > TOLERANCE)))
        if wrong is not None:
            raise InputError(
                f"{batch.where('p_label', wrong)}: {p_label[wrong]:g}, and {p} is {columns[p][wrong]:g} though {top} is the label: p_label is the "
                "probability of the label."
            )
    last = ranked[-1]
    rank = PROBABILITY.index(last)
    if all(name in tops for name in TOP[: rank + 1]) and ranked == PROBABILITY[: rank + 1]:
        wrong = first_false(among | (p_label <= columns[last] + TOLERANCE))
        if wrong is not None:
            raise InputError(
                f"{batch.where('p_label', wrong)}: {p_label[wrong]:g} is more than {last}, {columns[last][wrong]:g}, though the label is not among "
                f"{', '.join(TOP[: rank + 1])}: p_label is the probability of the label."
            )
