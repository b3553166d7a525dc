"""class_impact.csv: the paper's Welch test of every class, level by level."""

import numpy as np
import pandas as pd

from scripts.lib.audit.classes import class_impact, recall
from scripts.lib.dataset import load_examples, load_manifest
from scripts.lib.errors import InputError
from scripts.lib.job import logged
from scripts.lib.ledger import Votes, load_population, same_examples
from scripts.lib.tables import save_table


def compare_level(
    level: str, dense: Votes, compressed: Votes, classes: list[str], frequency: np.ndarray, significance: float
) -> pd.DataFrame:
    """One row a class. frequency: int[C], training images of each class."""
    same_examples(dense, compressed, level)
    try:
        before, after = (
            recall(dense.votes, dense.label, len(classes)),
            recall(compressed.votes, dense.label, len(classes)),
        )
    except ValueError as error:
        raise InputError(str(error)) from None
    dense_top1, level_top1 = dense.correct.mean(), compressed.correct.mean()
    impact = class_impact(before, after, dense_top1, level_top1, significance)
    significant = impact.p <= significance
    return pd.DataFrame(
        {
            "level": level,
            "class": classes,
            "class_frequency": frequency,
            "examples": np.bincount(dense.label, minlength=len(classes)),
            "dense_models": len(dense.seed),
            "level_models": len(compressed.seed),
            "significance": significance,
            "dense_recall": before.mean(axis=0),
            "level_recall": after.mean(axis=0),
            "recall_change": (after.mean(axis=0) - before.mean(axis=0)).round(12) + 0.0,
            "dense_top1": dense_top1,
            "level_top1": level_top1,
            "relative_change": impact.change,
            "relative_change_low": impact.low,
            "relative_change_high": impact.high,
            "t": impact.t,
            "degrees_of_freedom": impact.degrees,
            "p": impact.p,
            "significant": significant,
            "verdict": np.select(
                [np.isnan(impact.p), ~significant, impact.change < 0],
                ["undefined: no spread among the models", "not significant", "loses more than average"],
                "loses less than average",
            ),
        }
    )


def main(input, output, params) -> None:
    """Read the clean suite of all levels, write class_impact.csv."""
    classes = load_manifest(input.data)["classes"]
    train = load_examples(input.examples, "train")
    frequency = np.bincount(train.label, minlength=len(classes))
    dense = load_population(input.ledger, "dense")["clean", 0]
    parts = [
        compare_level(
            level, dense, load_population(input.ledger, level)["clean", 0], classes, frequency, params.significance
        )
        for level in params.levels
    ]
    for level, part in zip(params.levels, parts, strict=True):
        chance = params.significance * len(part)
        print(f"{level}: {part.significant.sum()} of {len(part)} classes significant; {chance:.1f} expected by chance")
    save_table(output.table, pd.concat(parts))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
