"""What the rows of a level in pies.csv say, for the scripts that read them. Every function takes a data frame of N rows."""

import numpy as np
import pandas as pd

from scripts.lib.audit.modal import TIE_RULES, differ


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
    """What the exact test of the excess counts, bool[N] twice; control_pies: bool[N].

    The level's PIEs and the control's; of a paired level the images on which the control contradicts the level and those on which it
    contradicts the dense population, which are the control's PIEs again.
    """
    if design_of(rows) == "paired":
        return rows.level_differs.to_numpy() == 1, rows.dense_differs.to_numpy() == 1
    return rows.pie.to_numpy(), control_pies
