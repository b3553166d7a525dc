"""What the rows of a level in pies.csv say, for the scripts that read them. Every function takes a data frame of N rows."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from scripts.lib.audit.excess import Excess, Excesses, Uncompressed, excesses, uncompressed
from scripts.lib.audit.modal import TIE_RULES, differ
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.streams import generator
from scripts.lib.ledger.predictions import Votes
from scripts.lib.tables.table import with_interval


def same_order(path: str, rows: pd.DataFrame, votes: Votes) -> None:
    """Raise InputError unless the rows of the table at `path` are of the examples of these predictions, in their order."""
    if not np.array_equal(rows.example, votes.example):
        raise InputError(
            f"{path} has other examples than the predictions, or another order: delete it, and snakemake makes it again."
        )


def design_of(rows: pd.DataFrame) -> str:
    """The level's design: independent, or paired if it is made of the dense checkpoints."""
    (design,) = rows.design.unique()
    return design


def pies_by(tie_rule: str, rows: pd.DataFrame) -> np.ndarray:
    """The PIEs by any tie rule, bool[N]."""
    labels = (
        TIE_RULES[tie_rule](rows[f"{side}_smallest"].to_numpy, rows[f"{side}_largest"].to_numpy)
        for side in ("dense", "level")
    )
    return differ(*labels)


def tied(rows: pd.DataFrame) -> np.ndarray:
    """Whether the mode of either population is tied, bool[N]."""
    return (rows.dense_tied | rows.level_tied).to_numpy()


def differences(rows: pd.DataFrame) -> np.ndarray:
    """Whose mean is the excess over the control, float64[N]: how much oftener a reference contradicts the level than dense models."""
    return (rows.level_differs - rows.dense_differs).to_numpy()


def compared_counts(rows: pd.DataFrame, control_pies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the exact test of these models counts, bool[N] twice; control_pies: bool[N].

    The level's PIEs and the control's; of a paired level the images on which the control contradicts the level and those on which it
    contradicts the dense population, which are the control's PIEs again.
    """
    if design_of(rows) == "paired":
        return rows.level_differs.to_numpy() == 1, rows.dense_differs.to_numpy() == 1
    return rows.pie.to_numpy(), control_pies


def uncompressed_of(dense: Votes, control: Votes, designs: Iterable[str], tie_rule: str) -> Uncompressed:
    """What all levels are held against; designs: those that they have."""
    streams = {design: generator("halves", design) for design in sorted(set(designs))}
    return uncompressed(dense.votes, control.votes, streams, tie_rule)


def excesses_of(
    level: str,
    rows: pd.DataFrame,
    reference: Uncompressed,
    compressed: Votes,
    groups: np.ndarray,
    deals: int,
    significance: float,
) -> Excesses:
    """The excess of a level over the control in groups bool[G, N]. Models are halved and dealt alike wherever a level is audited."""
    streams = generator("halves", level), generator("votes", level)
    return excesses(
        differences(rows), reference, compressed.votes, design_of(rows), groups, deals, streams, significance
    )


def excess_columns(excess: Excess) -> dict[str, float]:
    """An excess over the control as the columns of pie_summary.csv, planted.csv and corrupted_pies.csv."""
    return {
        **with_interval("excess_rate", excess.estimate),
        "se_images": excess.se_images,
        "se_models": excess.se_models,
        "p_interval": excess.p_interval,
        "p_permutation": excess.p_permutation,
        "p_excess": excess.p,
    }
