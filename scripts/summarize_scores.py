"""score_summary.csv: the mean of every score of each level, beside the control's, and how many examples a test finds changed."""

import numpy as np
import pandas as pd

from scripts.lib.audit.intervals import UNDEFINED, Estimate, mean, rate
from scripts.lib.audit.scores import FLIPS, left_out_means, mean_over_images_and_models
from scripts.lib.errors import InputError
from scripts.lib.job import logged
from scripts.lib.ledger import load_population, same_examples
from scripts.lib.tables import load_table, save_table, with_interval

# Score -> its column in scores.csv.
MEANS = {
    "taxicab distance": "taxicab",
    "Jensen-Shannon divergence": "jensen_shannon",
    "churn between dense and level": "churn_between",
    "churn within the level": "churn_within",
    "churn between beyond within": "churn_excess",
}
# Test -> its column of p-values, as they are or adjusted for the images of the level.
TESTS = {
    "votes differ, uncorrected": "p_votes",
    "votes differ, BH": "q_votes",
    "accuracy differs, uncorrected": "p_right",
    "accuracy differs, BH": "q_right",
}


LeftOut = tuple[dict[str, np.ndarray], ...]


def values_of(rows: pd.DataFrame, significance: float) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Each score's values and the control's, float64[N] twice; a flip and a finding count 1."""
    values = {name: (rows[column], rows[f"control_{column}"]) for name, column in MEANS.items()}
    values |= {name: (rows.flip == name, rows.control_flip == name) for name in FLIPS}
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


def averaged(
    column: str,
    values: np.ndarray,
    control: np.ndarray,
    left_out: LeftOut,
    control_left_out: LeftOut,
    significance: float,
) -> list[Estimate]:
    """A mean, the control's and the excess, over images and models; both populations are compared with the same dense models.

    A paired level has one array of left out means, of its pairs, and no excess: the control differs by its seeds, the level does not.
    """
    own, other = ([side[column] for side in sides] for sides in (left_out, control_left_out))
    means = [
        mean_over_images_and_models(values, own, significance),
        mean_over_images_and_models(control, other, significance),
    ]
    if len(own) == 1:
        return [*means, UNDEFINED]
    excess = (values - control).round(12) + 0.0
    return [*means, mean_over_images_and_models(excess, [own[0] - other[0], own[1], other[1]], significance)]


def summarize_level(
    level: str, rows: pd.DataFrame, left_out: LeftOut, control_left_out: LeftOut, significance: float
) -> list[dict]:
    """One row a score; rows: the level's of scores.csv; left_out: of `left_out_means` for the level and for the control."""
    summary = []
    (design,) = rows.design.unique()
    for score, (values, control) in values_of(rows, significance).items():
        if score in MEANS:
            estimates = averaged(MEANS[score], values, control, left_out, control_left_out, significance)
        else:
            estimates = counted(values, control, TESTS.get(score, "").startswith("q_"), significance)
        summary.append(
            {
                "level": level,
                "score": score,
                "design": design,
                "examples": len(rows),
                "dense_models": int(rows.dense_models.iloc[0]),
                "level_models": int(rows.level_models.iloc[0]),
                "significance": significance,
                "count": np.nan if score in MEANS else values.sum(),
                "control_count": np.nan if score in MEANS else control.sum(),
                **with_interval("mean", estimates[0]),
                **with_interval("control_mean", estimates[1]),
                **with_interval("excess", UNDEFINED if level == "control" or design == "paired" else estimates[2]),
            }
        )
    return summary


def main(input, output, params) -> None:
    """Read scores.csv and the clean suite of all levels, write score_summary.csv."""
    table = load_table(input.scores)
    dense, control = (load_population(input.ledger, level)["clean", 0] for level in ("dense", "control"))
    control_left_out = left_out_means(dense.votes, control.votes)
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
        left_out = control_left_out if level == "control" else left_out_means(dense.votes, compressed.votes, design)
        rows = summarize_level(level, scored, left_out, control_left_out, params.significance)
        changed = next(row for row in rows if row["score"] == "votes differ, BH")
        print(f"{level}: the votes on {changed['count']:.0f} images differ, control {changed['control_count']:.0f}")
        summary += rows
    save_table(output.table, pd.DataFrame(summary))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
