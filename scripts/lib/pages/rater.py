"""The page of rater.csv: what people say of PIEs, of control-PIEs and of images as doubtful."""

import pandas as pd

from scripts.lib.pages.page import Note, Page
from scripts.lib.pages.vocabulary import UNDEFINED, among, estimate, estimated_number, p_value
from scripts.lib.tables.table import coverage

GROUP_NAMES = {"pie": "PIEs", "control_pie": "control-PIEs", "matched": "matched non-PIEs"}


def page(table: pd.DataFrame) -> Page:
    """rater.csv has a row for each question and group of images."""
    cells = pd.DataFrame(
        {
            "question": table.question.str.replace("_", " "),
            "images": table.group.map(GROUP_NAMES),
            "n": table.images.astype(str),
            "say yes": estimate(table, "share"),
            "less control-PIEs": estimate(table, "less_control", sign=True),
            "p (BH), control-PIEs": _p(table, "control"),
            "less matched": estimate(table, "less_matched", sign=True),
            "p (BH), matched": _p(table, "matched"),
            "kappa": estimated_number(table, "kappa"),
        }
    )
    raters = int(table.raters.max())
    which = {1: "One rater: there is no agreement to measure", 2: "Kappa: Cohen's, of the two raters"}
    note = Note(
        what=f"What {raters} {'rater says' if raters == 1 else 'raters say'} of images without knowing which are PIEs: n = {among(table.images)} images of each group.",
        evidence=(
            "Control-PIEs are PIEs of models that were not compressed: what PIEs have beyond them comes of compression. Matched non-PIEs are images on which the dense "
            "models' votes are as divided as on the PIEs: what PIEs have beyond them is not mere doubt. An image's answer is the share of its raters who say yes; p is "
            "Fisher's exact test of what most raters say, then adjusted for the questions (BH). "
            f"{which.get(raters, 'Kappa: Fleiss, of all raters')}, on the images that all of them judged, of all groups: 0 is chance, 1 is always."
        ),
        brackets=f"{coverage(table)} intervals over images, the raters as they are: other people may judge otherwise. Of kappa by resampling images.",
        limits="An image that is both a PIE and a control-PIE may count in both groups, which makes the interval of their difference somewhat too wide, and its p too large.",
    )
    return Page("What people say of the images", note, cells)


def _p(table: pd.DataFrame, name: str) -> list[str]:
    pairs = zip(table[f"p_{name}"], table[f"p_{name}_bh"], strict=True)
    return [UNDEFINED if p != p else f"{p_value(p)} ({p_value(adjusted)})" for p, adjusted in pairs]
