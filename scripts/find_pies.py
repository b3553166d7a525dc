"""pies.csv: the modal labels of both populations for every example and level, and whether they make it a PIE."""

import pandas as pd

from scripts.lib.audit.modal import modal_labels
from scripts.lib.audit.pies import dealt_pies, identified_exemplars
from scripts.lib.job import logged
from scripts.lib.ledger import Votes, check_distinct, load_population, same_examples
from scripts.lib.streams import generator
from scripts.lib.tables import save_table


def pies_of(level: str, dense: Votes, control: Votes, compressed: Votes, deals: int) -> pd.DataFrame:
    """One row an example: both modal labels with their votes and ties, and how often it is a PIE over deals of the dense models."""
    same_examples(dense, control, "control")
    same_examples(dense, compressed, level)
    before, after = modal_labels(dense.votes), modal_labels(compressed.votes)
    pie, chance = dealt_pies(dense.votes, control.votes, compressed.votes, deals, generator("deals"))
    if level == "control":  # it is dealt itself, so that its excess over itself is 0
        pie = chance
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
            "dealt_pie": pie,
            "dealt_control": chance,
        }
    )


def main(input, output, params) -> None:
    """Read the clean suite of all levels, write pies.csv."""
    check_distinct(input.ledger)
    dense = load_population(input.ledger, "dense")["clean", 0]
    populations = {level: load_population(input.ledger, level)["clean", 0] for level in params.levels}
    parts = [pies_of(level, dense, populations["control"], votes, params.deals) for level, votes in populations.items()]
    for level, part in zip(params.levels, parts, strict=True):
        print(f"{level}: {part.pie.sum()} PIEs among {len(part)} examples")
    save_table(output.table, pd.concat(parts))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
