"""natural.csv: top-1 and top-5 of every level on natural test sets, beside the study's own test images of the same classes."""

import numpy as np
import pandas as pd

from scripts.lib.audit.crossed import Measure, share_of
from scripts.lib.audit.intervals import UNDEFINED
from scripts.lib.audit.subgroups import share
from scripts.lib.corrupted.natural import CLEAN, MASKED
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.job import logged
from scripts.lib.ledger.predictions import Votes, describe, load_population, same_examples
from scripts.lib.study.levels import DENSE
from scripts.lib.tables.table import save_table, with_interval

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


def accuracies(population: str, natural: Votes, clean: Votes | None, rank: int) -> tuple[Measure, Measure]:
    """A population's accuracy on the natural set and on clean images, each a part of all these images."""
    right = [each.correct if rank == 1 else each.correct_top5 for each in (natural, clean) if each is not None]
    on_natural = np.arange(sum(each.shape[1] for each in right)) < right[0].shape[1]
    happened = np.concatenate(right, axis=1)
    return share_of(population, happened, on_natural), share_of(population, happened, ~on_natural)


def measure(name: str, level: str, scoring: str, dense, compressed, significance: float, paired: bool = False) -> dict:
    """One row; dense, compressed: (votes on the set, votes on clean images or None, classes).

    What a level loses on the natural set beyond what it loses on clean images of the same classes is a difference between separate images
    and of the same models. paired: whether the level's models are the dense ones, compressed. Intervals are over images and models.
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
            before = accuracies(DENSE, natural, clean, rank)
            after = accuracies(DENSE if paired else level, level_natural, level_clean, rank)
            value, clean_value = (share(each, significance) for each in after)
            changes = [own - reference for own, reference in zip(after, before, strict=True)]
            change, clean_change = (each.estimate(significance) for each in changes)
            beyond = (changes[0] - changes[1]).estimate(significance)
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
        paired = level == DENSE or params.designs[level] == "paired"
        for name in params.natural:
            if (name, 0) not in compressed:
                raise InputError(f"level {level} has no predictions for {name}: predict the suite natural.")
            before, after = pairs_of(name, dense, classes), pairs_of(name, compressed, classes)
            for scoring in before:
                rows.append(measure(name, level, scoring, before[scoring], after[scoring], params.significance, paired))
        print(f"{level}: {len(params.natural)} natural sets")
    save_table(output.table, pd.DataFrame(rows).sort_values(["natural", "scored_on"], kind="stable"))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
