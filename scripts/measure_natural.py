"""natural.csv: top-1 and top-5 of every level on natural test sets, beside the study's own test images of the same classes."""

import numpy as np
import pandas as pd

from scripts.lib.audit.intervals import UNDEFINED, Estimate, difference, fraction_mean, mean
from scripts.lib.errors import InputError
from scripts.lib.job import logged
from scripts.lib.ledger import Votes, describe, load_population, same_examples
from scripts.lib.natural import CLEAN, MASKED
from scripts.lib.tables import save_table, with_interval

ALL, OWN = "all classes", "the set's classes"


def pairs_of(
    name: str, votes: dict[tuple[str, int], Votes], classes: int
) -> dict[str, tuple[Votes, Votes | None, int]]:
    """By what may be answered: the votes on a natural set, those on clean images of its classes (None without any), and how many classes.

    A set of all classes is answered from all of them only.
    """
    plain, clean = votes[name, 0], votes["clean", 0]
    own = np.unique(plain.label)
    beside = clean.example[np.isin(clean.label, own)]
    pairs = {ALL: (plain, clean.restricted_to(beside) if len(beside) else None, classes)}
    if (name + MASKED, 0) in votes:
        pairs[OWN] = (votes[name + MASKED, 0], votes.get((name + CLEAN, 0)), len(own))
    return pairs


def accuracy(dense: Votes, level: Votes, rank: int, significance: float) -> tuple[Estimate, Estimate]:
    """Mean accuracy of a level's models, and its change against dense on the same images; intervals over images."""
    before, after = (each.correct if rank == 1 else each.correct_top5 for each in (dense, level))
    per_image, dense_per_image = after.mean(axis=0), before.mean(axis=0)
    change = (per_image - dense_per_image).round(12) + 0.0
    return fraction_mean(per_image, significance), mean(change, significance)


def measure(name: str, level: str, scoring: str, dense, compressed, significance: float) -> dict:
    """One row; dense, compressed: (votes on the set, votes on clean images or None, classes).

    What a level loses on the natural set beyond what it loses on clean images of the same classes is a difference between separate images.
    """
    (natural, clean, classes), (level_natural, level_clean, _) = dense, compressed
    same_examples(natural, level_natural, f"{level}, {name}")
    if clean is not None:
        same_examples(clean, level_clean, f"{level}, clean images of the classes of {name}")
    row: dict = {
        "natural": name,
        "level": level,
        "scored_on": scoring,
        "classes": classes,
        "examples": len(natural.example),
        "clean_examples": 0 if clean is None else len(clean.example),
        "dense_models": len(natural.seed),
        "level_models": len(level_natural.seed),
        "significance": significance,
    }
    for rank in (1, 5):
        top = f"top{rank}"
        value = change = clean_value = clean_change = beyond = UNDEFINED
        if rank == 1 or classes > 5:  # else the label is always among the five first
            value, change = accuracy(natural, level_natural, rank, significance)
            if clean is not None:
                clean_value, clean_change = accuracy(clean, level_clean, rank, significance)
                beyond = difference(change, clean_change)
        row |= with_interval(top, value) | with_interval(f"{top}_change", change)
        row |= with_interval(f"clean_{top}", clean_value) | with_interval(f"clean_{top}_change", clean_change)
        row |= with_interval(f"{top}_change_beyond_clean", beyond)
    return row


def main(input, output, params) -> None:
    """Read the clean and the natural suite of all levels, write natural.csv."""
    classes = len(describe(input.ledger[0])["classes"])
    dense = load_population(input.ledger, "dense")
    rows = []
    for level in params.levels:
        compressed = load_population(input.ledger, level)
        for name in params.natural:
            if (name, 0) not in compressed:
                raise InputError(f"level {level} has no predictions for {name}: predict the suite natural.")
            before, after = pairs_of(name, dense, classes), pairs_of(name, compressed, classes)
            for scoring in before:
                rows.append(measure(name, level, scoring, before[scoring], after[scoring], params.significance))
        print(f"{level}: {len(params.natural)} natural sets")
    save_table(output.table, pd.DataFrame(rows).sort_values(["natural", "scored_on"], kind="stable"))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
