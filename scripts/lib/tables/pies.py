"""The rows of pies.csv: the modal labels of both populations for every example and level, and whether they make it a PIE."""

import numpy as np
import pandas as pd

from scripts.lib.audit.modal import Modal, modal_labels
from scripts.lib.audit.pies import dealt_pies, identified_exemplars
from scripts.lib.jobs.streams import generator
from scripts.lib.ledger.predictions import Votes, same_examples, same_seeds


def pies_of(
    dense: Votes, populations: dict[str, Votes], designs: dict[str, str], deals: int, tie_rule: str
) -> pd.DataFrame:
    """One row a level and example: both modal labels with their votes and ties, and how much it differs from reference populations.

    populations: level -> votes, the control's among them. `level_differs` is the share of uncompressed reference populations whose
    modal label is another than the level's, `dense_differs` that of those whose modal label is another than an uncompressed
    population's: the excess of the level is the one less the other. What the references are depends on the level's design.
    Independent: over many deals of all dense and control models into two populations, one is the reference and the other what the
    level is compared with. Paired: the level is made of the dense models, so the control is the one reference, and both the level
    and the dense population are held against it. Either way the reference has other seeds than what is held against it, so the
    excess means the same; seeds that the dense population and a paired level share cancel in it.
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
        level_differs, dense_differs = dealt[row], chance
        if level == "control":  # it is dealt itself, so that its excess over itself is 0
            level_differs = chance
        if designs[level] == "paired":
            reference = after["control"]
            level_differs = identified_exemplars(reference, after[level]).astype(np.float64)
            dense_differs = identified_exemplars(reference, before).astype(np.float64)
        parts.append(
            pd.DataFrame(
                {
                    "example": dense.example,
                    "level": level,
                    "label": dense.label,
                    "design": designs[level],
                    **_columns("dense", dense, before),
                    **_columns("level", votes, after[level]),
                    "pie": identified_exemplars(before, after[level]),
                    "level_differs": level_differs,
                    "dense_differs": dense_differs,
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
