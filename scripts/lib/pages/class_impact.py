"""The page of class_impact.csv: which classes pay more than the average."""

import math

import pandas as pd

from scripts.lib.pages.page import Note, Page
from scripts.lib.pages.paired import classes_of_paired
from scripts.lib.pages.vocabulary import (
    UNDEFINED,
    among,
    count,
    estimate,
    estimated_number,
    p_value,
    percent,
    sentences,
    untested,
    without_margins,
)
from scripts.lib.tables.table import coverage


def page(table: pd.DataFrame) -> Page:
    """class_impact.csv has a row for each level and class."""
    cells = pd.DataFrame(
        {
            "level": table.level,
            "class": table["class"],
            "training images": [count(images) for images in table.class_frequency],
            "n": table.examples.astype(str),
            "dense recall": table.dense_recall.map(percent),
            "level recall": table.level_recall.map(percent),
            "change beyond the average": estimate(table, "relative_change", sign=True),
            "of an equal logit loss": [percent(change, sign=True) for change in table.logit_shift_change],
            "Hedges' g": estimated_number(table, "hedges_g", sign=True),
            "t": [UNDEFINED if math.isnan(t) else f"{t:.2f}" for t in table.t],
            "p": table.p.map(p_value),
            "p (BH)": table.q.map(p_value),
            "p (own mean, BH)": table.own_mean_q.map(p_value),
            "p (own mean, BH, study)": table.own_mean_q_study.map(p_value),
            "verdict": table.verdict,
        }
    )
    return Page("Class impact: which classes pay more than the average", _note(table), cells)


def _note(table: pd.DataFrame) -> Note:
    first = table.iloc[0]
    rows = table[table.level == first.level]
    tested = int((rows.examples > 0).sum())
    return Note(
        what=f"How much the recall of each class (n test images) changes beyond its level's average, with K = {first.dense_models} dense and {among(table.level_models)} compressed models.",
        evidence=(
            "The paper's test: every model's recall of the class less one constant per level, its population's mean top-1. "
            "It is Welch's t-test, two-sided, uncorrected (t > 0: the dense population is relatively better). "
            f"With nothing different, {tested * first.significance:.1f} classes of each level would be flagged on average; the control shows how many are. "
            "p (BH): adjusted for the classes of the level (Benjamini-Hochberg). "
            "Own mean: a test of the same change that holds for few models and few images; each model's own top-1 is the shift. "
            "Its variance is over models and images and follows from how many predictions are turned over, with what all classes of the level have in common. "
            "Its interval is in the file (own_mean_low and own_mean_high). "
            "Study: adjusted for the classes of all levels together, the control apart. "
            "Of an equal logit loss: the change that an equal loss of logits would bring, the control's models shifted until their top-1 is the level's. "
            "Hedges' g: the change in units of the spread between models."
        ),
        brackets=f"{coverage(table)} intervals over models, those of g over models and images.",
        limits=sentences(
            "BH takes each level for itself: with many levels some class of some level is found more often than in one.",
            untested(tested, len(rows)),
            classes_of_paired(table),
            without_margins(table.logit_shift_change),
        ),
    )
