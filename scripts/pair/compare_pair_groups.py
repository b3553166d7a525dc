"""pair_groups.csv: what two networks make of groups of images, network by network."""

import pandas as pd

from scripts.lib.annotations.column import load_columns
from scripts.lib.annotations.groups import everything, groupings_of
from scripts.lib.jobs.job import logged
from scripts.lib.ledger.predictions import load_population
from scripts.lib.tables.pair_table import pairs_of, rows_of_groups, with_adjusted
from scripts.lib.tables.table import save_table


def main(input, output, params) -> None:
    """Read the clean suite of all levels and what is known of the images, write pair_groups.csv."""
    dense = load_population(input.ledger, "dense")["clean", 0]
    columns = load_columns(input.annotations, dense.example)
    groupings = [everything(len(dense.example)), *groupings_of(columns, params.subgroups)]
    parts = []
    for level in params.levels:
        own = load_population(input.ledger, level)["clean", 0]
        for pair in pairs_of(level, params.designs[level], dense, own):
            for grouping in groupings:
                members = {group: grouping.members(group) for group in grouping.groups}
                rows = rows_of_groups(pair, members, params.smallest_group, params.significance)
                rows.insert(3, "grouping", grouping.name)
                parts.append(rows)
    table = with_adjusted(pd.concat(parts))
    for (level, seed), rows in table.groupby(["level", "seed"], sort=False):
        print(
            f"{level}, seed {seed}: {(rows.q <= params.significance).sum()} of {rows.p.notna().sum()} groups change (BH)"
        )
    save_table(output.table, table)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
