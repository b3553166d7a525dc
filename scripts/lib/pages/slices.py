"""The page of slices.csv: groups of images that nobody named."""

import pandas as pd

from scripts.lib.pages.page import Note, Page
from scripts.lib.pages.vocabulary import UNDEFINED, among, estimate, p_value, percent, sentences, times
from scripts.lib.tables.table import coverage


def page(table: pd.DataFrame) -> Page:
    """slices.csv has a row for each level and slice that was kept; so has the page. Without a control it has no columns of one."""
    controlled = bool(table.controlled.any())
    of_control = {
        "the control's": estimate(table, "control_rate"),
        "excess": estimate(table, "excess", sign=True),
    }
    of_unsure = {
        "beyond as unsure images": estimate(table, "beyond_unsure", sign=True),
        "p (BH) of that": table.q_unsure.map(p_value),
    }
    cells = pd.DataFrame(
        {
            "level": table.level,
            "slice": table.slice,
            "what is in it": table.description.replace("", UNDEFINED),
            "found on": table.n_discovery.astype(str),
            "n": table.n_test.astype(str),
            "changes": estimate(table, "rate"),
            "the others": estimate(table, "others_rate"),
            "ratio": times(table, "ratio"),
            **(of_control if controlled else {}),
            "beyond the others": estimate(table, "beyond", sign=True),
            "p (BH)": table.q.map(p_value),
            **({} if controlled else of_unsure),
            "top-1, dense to level": [
                f"{percent(row.dense_top1)} to {percent(row.level_top1)}" if row.n_test else UNDEFINED
                for row in table.itertuples()
            ],
            "verdict": ["; ".join(filter(None, (row.verdict, row.reason))) for row in table.itertuples()],
        }
    )
    return Page("Slices that nobody named", _note(table, controlled), cells)


def _note(table: pd.DataFrame, controlled: bool) -> Note:
    models = f"K = {among(table.models)} models of each level"
    others = int(table.n_test.iloc[0] + table.n_test_others.iloc[0])
    return Note(
        what=(
            f"Groups of n test images that change most after compression, found on one half of the images and tested on the {others} of the other half, "
            f"with {models}."
        ),
        evidence=sentences(
            f"Slices of features are clusters of {table.features.iloc[0]}; the others are the ends of statistics of the images, or of two of them.",
            "Which images are in which half, a hash of their ids says. Slices are chosen, described and given their borders on the one half; all other numbers are of the other.",
            "An image changes if the modal label, of one model its prediction, is another than the dense one's.",
            "Beyond the others: how much more changes in the slice than outside"
            + (
                ", each beyond the control, because an image that other seeds change too says nothing of compression."
                if controlled
                else "."
            ),
            ""
            if controlled
            else "There is no control that would show what other seeds change. So a slice is also held against as unsure images outside: those on which the dense model's two largest probabilities are as far apart, in 20 strata, the finer the less sure (Mantel and Haenszel).",
            "p is one-sided, since the first half said which way, and adjusted for all slices and levels (BH).",
        ),
        brackets=(
            f"{coverage(table)} intervals, of rates over images (Wilson), of ratios Koopman's; "
            + (
                "of the excess and of what is beyond the others over images, and over models where the control has several."
                if controlled
                else "of differences MOVER, of those to as unsure images Sato's."
            )
        ),
        limits=sentences(
            "A cluster is what one network sees as alike, and need not be one thing to people: look at the pictures.",
            "Images near a border between classes change more whatever is done to a network, so a slice may be no more than a hard one: its dense top-1 says how hard it is.",
            ""
            if controlled and table.models.min() > 1
            else "All of it is about these files, not about compression in general.",
            "That nothing is found does not mean that there is nothing: slices of few images need large differences.",
        ),
    )
