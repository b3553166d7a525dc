"""score_summary.csv: the mean of every score of each level, beside the control's, and how many examples a test finds changed."""

import numpy as np
import pandas as pd

from scripts.lib.audit.intervals import UNDEFINED, Estimate, mean, rate
from scripts.lib.audit.scores import FLIPS
from scripts.lib.job import logged
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


def values_of(rows: pd.DataFrame, significance: float) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Each score's values and the control's, float64[N] twice; a flip and a finding count 1."""
    values = {name: (rows[column], rows[f"control_{column}"]) for name, column in MEANS.items()}
    values |= {name: (rows.flip == name, rows.control_flip == name) for name in FLIPS}
    values |= {
        name: (rows[column] <= significance, rows[f"control_{column}"] <= significance)
        for name, column in TESTS.items()
    }
    return {name: tuple(side.to_numpy(dtype=np.float64) for side in sides) for name, sides in values.items()}


def estimate_of(score: str, values: np.ndarray, significance: float) -> Estimate:
    """The mean of a score over images. What is found after adjusting depends on all images, so it has no interval over them."""
    if score in FLIPS or score in TESTS:
        share = rate(int(values.sum()), len(values), significance)
        return share if not TESTS.get(score, "").startswith("q_") else UNDEFINED._replace(value=share.value)
    return mean(values, significance)


def summarize_level(level: str, rows: pd.DataFrame, significance: float) -> list[dict]:
    """One row a score; rows: the level's of scores.csv. Intervals are over images, the models taken as they are."""
    summary = []
    for score, (values, control) in values_of(rows, significance).items():
        counted = score in FLIPS or score in TESTS
        adjusted = TESTS.get(score, "").startswith("q_")
        excess = mean((values - control).round(12) + 0.0, significance)
        if level == "control":
            excess = UNDEFINED
        elif adjusted:
            excess = UNDEFINED._replace(value=excess.value)
        summary.append(
            {
                "level": level,
                "score": score,
                "examples": len(rows),
                "dense_models": int(rows.dense_models.iloc[0]),
                "level_models": int(rows.level_models.iloc[0]),
                "significance": significance,
                "count": values.sum() if counted else np.nan,
                "control_count": control.sum() if counted else np.nan,
                **with_interval("mean", estimate_of(score, values, significance)),
                **with_interval("control_mean", estimate_of(score, control, significance)),
                **with_interval("excess", excess),
            }
        )
    return summary


def main(input, output, params) -> None:
    """Read scores.csv, write score_summary.csv."""
    table = load_table(input.scores)
    summary = []
    for level in params.levels:
        rows = summarize_level(level, table[table.level == level], params.significance)
        changed = next(row for row in rows if row["score"] == "votes differ, BH")
        print(f"{level}: the votes on {changed['count']:.0f} images differ, control {changed['control_count']:.0f}")
        summary += rows
    save_table(output.table, pd.DataFrame(summary))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
