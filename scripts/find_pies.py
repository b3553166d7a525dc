"""pies.csv: the modal labels of both populations for every example and level, and whether they make it a PIE."""

import pandas as pd

from scripts.lib.audit.modal import modal_labels
from scripts.lib.audit.pies import identified_exemplars
from scripts.lib.job import logged
from scripts.lib.ledger import Votes, load_population, same_examples
from scripts.lib.tables import save_table


def pies_of(level: str, dense: Votes, compressed: Votes) -> pd.DataFrame:
    """One row an example: both modal labels with their votes and ties."""
    same_examples(dense, compressed, level)
    before, after = modal_labels(dense.votes), modal_labels(compressed.votes)
    return pd.DataFrame(
        {
            "example": dense.example,
            "level": level,
            "label": dense.label,
            "dense_modal": before.label,
            "dense_votes": before.votes,
            "dense_models": len(dense.seed),
            "dense_tied": before.tied,
            "level_modal": after.label,
            "level_votes": after.votes,
            "level_models": len(compressed.seed),
            "level_tied": after.tied,
            "pie": identified_exemplars(before, after),
        }
    )


def main(input, output, params) -> None:
    """Read the clean suite of all levels, write pies.csv."""
    dense = load_population(input.ledger, "dense")["clean", 0]
    parts = [pies_of(level, dense, load_population(input.ledger, level)["clean", 0]) for level in params.levels]
    for level, part in zip(params.levels, parts, strict=True):
        print(f"{level}: {part.pie.sum()} PIEs among {len(part)} examples")
    save_table(output.table, pd.concat(parts))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
