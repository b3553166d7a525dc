"""The page of scores.csv: the examples whose votes change most surely."""

import pandas as pd

from scripts.lib.pages.page import Note, Page
from scripts.lib.pages.paired import tests_of_paired
from scripts.lib.pages.vocabulary import CLEAREST, among, number, p_value, sentences


def page(table: pd.DataFrame) -> Page:
    """scores.csv has a row for each level and test image; the page shows those whose votes differ most surely."""
    order = ["q_votes", "taxicab", "example"]
    ranked = table.sort_values(order, ascending=[True, False, True]).groupby("level").head(CLEAREST)
    shown = pd.concat([ranked[ranked.level == level] for level in table.level.unique()])
    cells = pd.DataFrame(
        {
            "level": shown.level,
            "example": shown.example,
            "label": shown.label.astype(str),
            "right: dense": [f"{right} of {k}" for right, k in zip(shown.dense_right, shown.dense_models, strict=True)],
            "right: level": [f"{right} of {k}" for right, k in zip(shown.level_right, shown.level_models, strict=True)],
            "modal label": shown.flip.replace("none", "stays"),
            "taxicab": shown.taxicab.map(number),
            "control's": shown.control_taxicab.map(number),
            "Jensen-Shannon": shown.jensen_shannon.map(number),
            "p (votes)": shown.p_votes.map(p_value),
            "p (votes, BH)": shown.q_votes.map(p_value),
            "p (right, BH)": shown.q_right.map(p_value),
        }
    )
    note = Note(
        what=f"The {CLEAREST} of n = {table.example.nunique()} test images of each level on which the votes of K = {table.dense_models.iloc[0]} dense and {among(table.level_models)} compressed models differ most surely.",
        evidence=(
            "The control's rows show what such a list looks like where nothing was compressed. "
            "Taxicab: the summed difference of the shares of votes, 0 (the same) to 2 (no label in common), with the control's distance on the same image. "
            "Jensen-Shannon: the divergence in bits, 0 to 1. "
            "p (votes): the share of all ways to deal the votes to the two populations that bring as large a taxicab distance. "
            "p (right): Fisher's exact test of the number of models that are right. "
            "BH: adjusted for all images of the level (Benjamini-Hochberg)."
        ),
        brackets="",
        limits=sentences(tests_of_paired(table), "All images and scores: scores.csv."),
    )
    return Page("The examples whose votes change most surely", note, cells)
