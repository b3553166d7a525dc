"""cost_and_forgetting.csv: what each level gains in speed and size, and what it forgets for it."""

import math

import pandas as pd

from scripts.lib.jobs.job import logged
from scripts.lib.tables.table import load_table, save_table


def weigh(cost: pd.DataFrame, pies: pd.DataFrame, classes: pd.DataFrame) -> pd.DataFrame:
    """One row a level and batch size, from cost.csv, pie_summary.csv and class_impact.csv.

    The worst class is the one that loses most beyond the level's average; that it is the worst of many makes its loss look larger
    than it is, which the control's worst class shows.
    """
    dense_bytes = cost[cost.level == "dense"].set_index("batch_size").weight_bytes
    rows = []
    for row in cost[cost.level != "dense"].itertuples():
        found = pies[pies.level == row.level].iloc[0]
        worst = classes[classes.level == row.level].sort_values(["relative_change", "class"]).iloc[0]
        rows.append(
            {
                "level": row.level,
                "batch_size": row.batch_size,
                "sparsity": found.sparsity,
                "significance": row.significance,
                "block_sparse_layers": row.block_sparse_layers,
                "timing": row.timing,
                "speedup": row.speedup,
                "speedup_low": row.speedup_low,
                "speedup_high": row.speedup_high,
                "ceiling": row.ceiling,
                "weights_relative": row.weight_bytes / dense_bytes[row.batch_size],
                "examples": found.examples,
                "models": found.level_models,
                "top1_change": found.level_top1_all - found.dense_top1_all,
                "excess_rate": 0.0 if row.level == "control" else found.excess_rate,
                "excess_rate_low": math.nan if row.level == "control" else found.excess_rate_low,
                "excess_rate_high": math.nan if row.level == "control" else found.excess_rate_high,
                "worst_class": worst["class"],
                "worst_change": worst.relative_change,
                "worst_change_low": worst.relative_change_low,
                "worst_change_high": worst.relative_change_high,
                "verdict": found.verdict,
            }
        )
    return pd.DataFrame(rows)


def main(input, output) -> None:
    """Read the three tables, write the one."""
    save_table(output.table, weigh(load_table(input.cost), load_table(input.pies), load_table(input.classes)))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output)  # noqa: F821
