"""What to know of levels that are made of the dense checkpoints themselves; nothing where a study has none.

Such a level has no seeds of its own, so a control that differs by its seeds measures less of it than of others.
"""

import pandas as pd

from scripts.lib.pages.vocabulary import sentences


def of_paired(table: pd.DataFrame, *said: str) -> str:
    """The table's paired levels by name and what is said of them, or nothing where there are none."""
    levels = list(table.level[table.design == "paired"].unique())
    return sentences(f"Made of the dense checkpoints themselves: {', '.join(levels)}.", *said) if levels else ""


def pies_of_paired(table: pd.DataFrame) -> str:
    """Of pages that set a level's PIEs beside the control's."""
    return of_paired(table, "The control's PIEs are those of other seeds and so no measure of theirs.")


def groups_of_paired(table: pd.DataFrame) -> str:
    """Of pages that deal the models of a level and of the control anew."""
    return of_paired(
        table,
        "Their excess and its p hold the level and the dense population against the control, and pairs change places where others are dealt anew.",
    )


def changes_of_paired(table: pd.DataFrame) -> str:
    """Of pages on groups of images and their properties."""
    return of_paired(
        table,
        "Each model is compared with the dense one it was made of, so the control's change is no measure of theirs.",
        "What stands out among their PIEs is not held against the control's.",
    )


def classes_of_paired(table: pd.DataFrame) -> str:
    """Of pages on the impact on classes."""
    return of_paired(
        table,
        "With its own mean, each model is compared with the dense one it was made of. The intervals of Hedges' g, CEV and SDE are those of pairs.",
        "The paper's test and the interval of its change take the two of a pair for independent, so they find too little there.",
    )


def tests_of_paired(table: pd.DataFrame, further: str = "") -> str:
    """Of pages with exact tests of each image; further: what else holds for these levels on the page."""
    return of_paired(
        table,
        "The ways counted there are those to swap the two of each pair, and the number of right models is tested by the exact McNemar test.",
        f"K pairs cannot bring a p below {2.0 ** (1 - table.dense_models.iloc[0]):.0e}. A dash is a count that would take too long.",
        further,
    )
