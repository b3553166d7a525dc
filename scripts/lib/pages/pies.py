"""The page of pies.csv: the clearest PIEs."""

import pandas as pd

from scripts.lib.pages.page import Note, Page
from scripts.lib.pages.vocabulary import CLEAREST


def clearest_of(table: pd.DataFrame, most: int) -> pd.DataFrame:
    """The rows of pies.csv of each level's PIEs that most models stand behind, at most so many of a level."""
    found = table[table.pie].copy()
    found["agreement"] = found.dense_votes + found.level_votes
    ranked = found.sort_values(["agreement", "example"], ascending=[False, True]).groupby("level").head(most)
    return pd.concat([ranked[ranked.level == level] for level in table.level.unique()])


def page(table: pd.DataFrame) -> Page:
    """pies.csv has a row for each level and test image; the page shows the PIEs that most models stand behind."""
    clearest = clearest_of(table, CLEAREST)
    cells = pd.DataFrame(
        {
            "level": clearest.level,
            "example": clearest.example,
            "label": clearest.label.astype(str),
            "dense says": _votes(clearest, "dense"),
            "level says": _votes(clearest, "level"),
        }
    )
    note = Note(
        what=f"The up to {CLEAREST} clearest PIEs of each level among n = {table.example.nunique()} test images: those that most models of both populations stand behind.",
        evidence="",
        brackets="In round brackets: models that vote for the label.",
        limits=f"All {table.pie.sum()} PIEs of {len(table)} judgements (one for each test image and each of {table.level.nunique()} levels) are in pies.csv.",
    )
    return Page("The clearest PIEs", note, cells)


def _votes(pies: pd.DataFrame, population: str) -> list[str]:
    """`7 (9 of 10)`: the population's modal label, and how many of its models vote for it."""
    columns = (pies[f"{population}_{name}"] for name in ("modal", "votes", "models"))
    return [f"{label} ({votes} of {k})" for label, votes, k in zip(*columns, strict=True)]
