"""pair_groups.csv: what two networks make of groups of images, network by network."""

import pandas as pd

from scripts.lib.annotations.column import load_columns
from scripts.lib.annotations.groups import everything, groupings_of
from scripts.lib.jobs.job import logged
from scripts.lib.tables.pair_table import all_pairs, rows_of_groups, with_adjusted
from scripts.lib.tables.table import save_table


def main(input, output, params) -> None:
    """Read the clean suite of all levels and what is known of the images, write pair_groups.csv."""
    groupings, parts = [], []
    for pair in all_pairs(input.ledger, params.levels, params.designs):
        if not groupings:  # all networks have the same images
            example = pair.dense.example
            groupings = [
                everything(len(example)),
                *groupings_of(load_columns(input.annotations, example), params.subgroups),
            ]
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
