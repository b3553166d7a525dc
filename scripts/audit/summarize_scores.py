"""score_summary.csv: the mean of every score of each level, beside the control's, and how many examples a test finds changed."""

import numpy as np
import pandas as pd

from scripts.lib.audit.crossed import Measure
from scripts.lib.audit.intervals import UNDEFINED, Estimate, mean, rate, within
from scripts.lib.audit.scores import FLIPS, score_measures
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.job import logged
from scripts.lib.ledger.predictions import load_population, same_examples
from scripts.lib.tables.table import load_table, save_table, with_interval

# Score -> its column in scores.csv; of a paired level churn between is that of each model before and after.
MEANS = {
    "taxicab distance": "taxicab",
    "Jensen-Shannon divergence": "jensen_shannon",
    "churn between dense and level": "churn_between",
    "churn within the level": "churn_within",
    "churn between beyond within": "churn_excess",
}
# The smallest and largest value that a score may have, where these are not 0 and 1.
RANGES = {"taxicab": (0, 2), "churn_excess": (-1, 1)}
PAIRED = "pairs have no luck of seeds, so there is nothing to take off their churn"
# Test -> its column of p-values, as they are or adjusted for the images of the level.
TESTS = {
    "votes differ, uncorrected": "p_votes",
    "votes differ, BH": "q_votes",
    "accuracy differs, uncorrected": "p_right",
    "accuracy differs, BH": "q_right",
}


def values_of(rows: pd.DataFrame, significance: float) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """What is counted and the control's, float64[N] twice; a flip and a finding count 1."""
    values = {name: (rows.flip == name, rows.control_flip == name) for name in FLIPS}
    values |= {
        name: (rows[column] <= significance, rows[f"control_{column}"] <= significance)
        for name, column in TESTS.items()
    }
    return {name: tuple(side.to_numpy(dtype=np.float64) for side in sides) for name, sides in values.items()}


def counted(values: np.ndarray, control: np.ndarray, adjusted: bool, significance: float) -> list[Estimate]:
    """A share, the control's and the excess, over images; after adjusting they depend on all images and have no interval."""
    shares = [rate(int(side.sum()), len(side), significance) for side in (values, control)]
    estimates = [*shares, mean(values - control, significance)]
    return [UNDEFINED._replace(value=each.value) for each in estimates] if adjusted else estimates


def averaged(column: str, own: Measure, control: Measure, paired: bool, significance: float) -> list[Estimate]:
    """A mean, the control's and the excess, over images and models; both populations are compared with the same dense models.

    A paired level has no excess: the control differs by its seeds, the level does not.
    """
    ends = RANGES.get(column, (0, 1))
    means = [within(each.estimate(significance), *ends) for each in (own, control)]
    return [*means, UNDEFINED if paired else (own - control).estimate(significance)]


def summarize_level(
    level: str, rows: pd.DataFrame, own: dict[str, Measure], control: dict[str, Measure], significance: float
) -> list[dict]:
    """One row a score; rows: the level's of scores.csv; own, control: of `score_measures` for the level and for the control."""
    (design,) = rows.design.unique()
    paired = design == "paired"
    found = {
        score: (None, averaged(column, own[column], control[column], paired, significance))
        for score, column in MEANS.items()
    }
    for score, values in values_of(rows, significance).items():
        found[score] = values, counted(*values, TESTS.get(score, "").startswith("q_"), significance)
    summary = []
    for score, (values, estimates) in found.items():
        summary.append(
            {
                "level": level,
                "score": score,
                "design": design,
                "examples": len(rows),
                "dense_models": int(rows.dense_models.iloc[0]),
                "level_models": int(rows.level_models.iloc[0]),
                "significance": significance,
                "count": np.nan if values is None else values[0].sum(),
                "control_count": np.nan if values is None else values[1].sum(),
                **with_interval("mean", estimates[0]),
                **with_interval("control_mean", estimates[1]),
                **with_interval("excess", UNDEFINED if level == "control" or paired else estimates[2]),
                "reason": PAIRED if paired and MEANS.get(score) == "churn_excess" else "",
            }
        )
    return summary


def main(input, output, params) -> None:
    """Read scores.csv and the clean suite of all levels, write score_summary.csv."""
    table = load_table(input.scores)
    dense, control = (load_population(input.ledger, level)["clean", 0] for level in ("dense", "control"))
    control_measures = score_measures(dense.votes, control.votes, "control")
    summary = []
    for level in params.levels:
        scored = table[table.level == level]
        if not np.array_equal(scored.example, dense.example):
            raise InputError(
                f"{input.scores} has other examples than the predictions, or another order: delete it, and snakemake makes it again."
            )
        compressed = load_population(input.ledger, level)["clean", 0]
        same_examples(dense, compressed, level)
        (design,) = scored.design.unique()
        own = control_measures
        if level != "control":
            own = score_measures(dense.votes, compressed.votes, level, design == "paired")
        rows = summarize_level(level, scored, own, control_measures, params.significance)
        changed = next(row for row in rows if row["score"] == "votes differ, BH")
        print(f"{level}: the votes on {changed['count']:.0f} images differ, control {changed['control_count']:.0f}")
        summary += rows
    save_table(output.table, pd.DataFrame(summary))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
