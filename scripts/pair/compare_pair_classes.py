"""pair_classes.csv: what two networks make of each class, network by network."""

import pandas as pd

from scripts.lib.data.dataset import load_manifest
from scripts.lib.jobs.job import logged
from scripts.lib.tables.pair_table import all_pairs, rows_of_groups, with_adjusted
from scripts.lib.tables.table import save_table


def main(input, output, params) -> None:
    """Read the clean suite of all levels, write pair_classes.csv."""
    classes = load_manifest(input.data)["classes"]
    parts = []
    for pair in all_pairs(input.ledger, params.levels, params.designs):
        members = {name: pair.dense.label == number for number, name in enumerate(classes)}
        parts.append(rows_of_groups(pair, members, 1, params.significance))
    table = with_adjusted(pd.concat(parts)).rename(columns={"group": "class"})
    for (level, seed), rows in table.groupby(["level", "seed"], sort=False):
        print(
            f"{level}, seed {seed}: {(rows.q <= params.significance).sum()} of {rows.p.notna().sum()} classes change (BH)"
        )
    save_table(output.table, table)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
