"""pies.csv: the modal labels of both populations for every example and level, and whether they make it a PIE."""

from scripts.lib.jobs.job import logged
from scripts.lib.ledger.predictions import load_population
from scripts.lib.tables.pies import pies_of
from scripts.lib.tables.table import save_table


def main(input, output, params) -> None:
    """Read the clean suite of all levels, write pies.csv."""
    dense = load_population(input.ledger, "dense")["clean", 0]
    populations = {level: load_population(input.ledger, level)["clean", 0] for level in params.levels}
    table = pies_of(dense, populations, params.designs, params.deals, params.tie_rule)
    for level, part in table.groupby("level", sort=False):
        print(f"{level}: {part.pie.sum()} PIEs among {len(part)} examples")
    save_table(output.table, table)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
