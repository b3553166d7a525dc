"""pies.csv: the modal labels of both populations for every example and level, and whether they make it a PIE."""

import numpy as np
import pandas as pd

from scripts.lib.audit.modal import Modal, modal_labels
from scripts.lib.audit.pies import dealt_pies, identified_exemplars, permutation_test
from scripts.lib.job import logged
from scripts.lib.ledger import Votes, load_population, same_examples, same_seeds
from scripts.lib.streams import generator
from scripts.lib.tables import save_table


def pies_of(
    dense: Votes, populations: dict[str, Votes], designs: dict[str, str], deals: int, tie_rule: str
) -> pd.DataFrame:
    """One row a level and example: both modal labels with their votes and ties, and how often it is a PIE where models are dealt.

    populations: level -> votes, the control's among them. What is dealt, `dealt_pie` beside `dealt_chance`, depends on the level's
    design. Independent: all dense models anew into a dense and a control population, and the PIEs of the level beside those of the
    control. Paired: the dense models stay, because the level is made of them, so `dealt_pie` is the PIE itself, and beside it are
    the PIEs where the two of each pair change places at random.
    """
    for level, votes in populations.items():
        same_examples(dense, votes, level)
        if designs[level] == "paired":
            same_seeds(dense, votes, level)
    before = modal_labels(dense.votes, tie_rule)
    after = {level: modal_labels(votes.votes, tie_rule) for level, votes in populations.items()}
    labels = np.stack([modal.label for modal in after.values()])
    dealt, chance = dealt_pies(dense.votes, populations["control"].votes, labels, deals, generator("deals"), tie_rule)
    parts = []
    for row, (level, votes) in enumerate(populations.items()):
        pie = identified_exemplars(before, after[level])
        of_level, by_chance = dealt[row], chance
        if level == "control":  # it is dealt itself, so that its excess over itself is 0
            of_level = chance
        if designs[level] == "paired":
            random = generator("permutation test", level)
            of_level = pie.astype(np.float64)
            by_chance = permutation_test(dense.votes, votes.votes, deals, random, "paired", tie_rule).share
        parts.append(
            pd.DataFrame(
                {
                    "example": dense.example,
                    "level": level,
                    "label": dense.label,
                    "design": designs[level],
                    **_columns("dense", dense, before),
                    **_columns("level", votes, after[level]),
                    "pie": pie,
                    "dealt_pie": of_level,
                    "dealt_chance": by_chance,
                }
            )
        )
    return pd.concat(parts)


def _columns(population: str, votes: Votes, modal: Modal) -> dict:
    """What a population says; the smallest and the largest of the most frequent labels give the PIEs of every tie rule."""
    return {
        f"{population}_modal": modal.label,
        f"{population}_smallest": modal.smallest,
        f"{population}_largest": modal.largest,
        f"{population}_votes": modal.votes,
        f"{population}_models": len(votes.seed),
        f"{population}_tied": modal.tied,
    }


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
