"""pair_cost.csv: what each compressed network gains in speed and size, and what it forgets for it."""

import pandas as pd

from scripts.lib.jobs.job import logged
from scripts.lib.tables.table import load_table, save_table


def weigh(cost: pd.DataFrame, pairs: pd.DataFrame, classes: pd.DataFrame) -> pd.DataFrame:
    """One row a level and batch size, from cost.csv, pair_summary.csv and pair_classes.csv.

    Cost is measured of the first network of each level, so what it forgets is that network's too.
    """
    dense_bytes = cost[cost.level == "dense"].set_index("batch_size").weight_bytes
    rows = []
    for row in cost[cost.level != "dense"].itertuples():
        found = pairs[pairs.level == row.level].iloc[0]
        own = classes[(classes.level == row.level) & (classes.seed == found.seed)]
        worst = own[own.worst].iloc[0] if own.worst.any() else own.iloc[0]
        rows.append(
            {
                "level": row.level,
                "seed": found.seed,
                "batch_size": row.batch_size,
                "significance": row.significance,
                "examples": found.examples,
                "timing": row.timing,
                "speedup": row.speedup,
                "speedup_low": row.speedup_low,
                "speedup_high": row.speedup_high,
                "weights_relative": row.weight_bytes / dense_bytes[row.batch_size],
                **{
                    f"{name}{end}": found[f"{name}{end}"]
                    for name in ("flip_rate", "top1_change")
                    for end in ("", "_low", "_high")
                },
                "worst_class": worst["class"],
                "worst_change": worst.change,
                "worst_change_low": worst.change_together_low,
                "worst_change_high": worst.change_together_high,
                "verdict": found.verdict,
            }
        )
    return pd.DataFrame(rows)


def main(input, output) -> None:
    """Read the three tables, write the one."""
    save_table(output.table, weigh(load_table(input.cost), load_table(input.pairs), load_table(input.classes)))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output)  # noqa: F821
