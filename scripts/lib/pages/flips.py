"""The page of flips.csv: the images on which networks say something else."""

import pandas as pd

from scripts.lib.pages.page import Note, Page
from scripts.lib.pages.vocabulary import CLEAREST, number


def clearest_of(table: pd.DataFrame, most: int) -> pd.DataFrame:
    """The rows of flips.csv of each network that both sides are most certain of, at most so many of a network."""
    certain = table[["dense_confidence", "level_confidence"]].min(axis=1)
    order = certain.sort_values(ascending=False, kind="stable", na_position="last").index
    return table.loc[order].groupby(["level", "seed"], sort=False).head(most)


def page(table: pd.DataFrame) -> Page:
    """flips.csv has a row for each network and image that flips; the page has those of each network that both sides are most certain of."""
    shown = clearest_of(table, CLEAREST)
    places = {level: place for place, level in enumerate(dict.fromkeys(table.level))}
    shown = shown.sort_values(
        ["level", "seed"], key=lambda column: column.map(places) if column.name == "level" else column, kind="stable"
    )
    cells = pd.DataFrame(
        {
            "level": shown.level,
            "seed": shown.seed.astype(str),
            "example": shown.example,
            "flip": shown.flip,
            "label": shown.label_name,
            "dense says": shown.dense_says,
            "with": shown.dense_confidence.map(number),
            "the level says": shown.level_says,
            "with ": shown.level_confidence.map(number),
        }
    )
    note = Note(
        what=f"The images that flip, of each network the {CLEAREST} of which both sides are most certain.",
        evidence="With: the probability that the network gives the class it says.",
        brackets="",
        limits="All of them: flips.csv.",
    )
    return Page("The images that flip", note, cells)
