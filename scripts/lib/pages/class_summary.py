"""The page of class_summary.csv: class impact in numbers of a level."""

import pandas as pd

from scripts.lib.pages.page import Note, Page
from scripts.lib.pages.paired import classes_of_paired
from scripts.lib.pages.vocabulary import among, count, number, percent, sentences, untested, without_margins
from scripts.lib.tables.table import coverage

MEASURES = (
    "top-1",
    "classes flagged (the paper's test); after BH",
    "with each model's own mean; after BH; BH over all levels",
    "of an equal logit loss; after BH",
    "classes that lose recall; mean loss",
    "classes that gain recall; mean gain",
    "recall intensification",
    "of an equal logit loss, intensification",
    "change of recall per doubling of training images",
    "combined error variance (CEV)",
    "symmetric distance error (SDE)",
)


def page(table: pd.DataFrame) -> Page:
    """class_summary.csv has a row for each level; the page has a row for each measure and a column for each level."""
    columns = {row.level: _measured(row) for row in table.itertuples()}
    cells = pd.DataFrame({"measure": MEASURES, **columns})
    return Page("Class impact in numbers of a level", _note(table), cells)


def _measured(row) -> list[str]:
    """One level's measures, in the order of MEASURES."""
    return [
        percent(row.level_top1),
        f"{row.flagged}; {row.flagged_bh}",
        f"{row.own_mean_flagged}; {row.own_mean_flagged_bh}; {row.own_mean_flagged_bh_study}",
        f"{count(row.logit_shift_flagged)}; {count(row.logit_shift_flagged_bh)}",
        f"{row.losing}; {percent(row.mean_loss, sign=True)}",
        f"{row.gaining}; {percent(row.mean_gain, sign=True)}",
        number(row.intensification, row.intensification_low, row.intensification_high, sign=True),
        number(
            row.logit_shift_intensification,
            row.logit_shift_intensification_low,
            row.logit_shift_intensification_high,
            sign=True,
        ),
        percent(row.frequency_slope, row.frequency_slope_low, row.frequency_slope_high, sign=True),
        number(row.cev, row.cev_low, row.cev_high),
        number(row.sde, row.sde_low, row.sde_high),
    ]


def _note(table: pd.DataFrame) -> Note:
    first = table.iloc[0]
    return Note(
        what=f"What each level does to the classes: n = {first.examples} test images of {first.classes} classes, K = {first.dense_models} dense and {among(table.level_models)} compressed models; the dense top-1 is {percent(first.dense_top1)}.",
        evidence=(
            "The control is a further dense population: what its column shows, seeds alone do. "
            f"Flagged: Welch's test of each class, p at most {first.significance:g} ({first.chance_flagged:.1f} by chance), and after Benjamini-Hochberg (BH). "
            "The paper's test has one constant a level. With each model's own mean, its own top-1 is the shift: that test is for other models and other images, and holds for few of both. "
            "Of an equal logit loss: the control's models as if the label's logit had lost the same amount in every image, so much that their top-1 is the level's. "
            "That is an approximation with one number; what it flags is no disparity but ceilings and floors of recall. "
            "Recall intensification: the slope over classes of the change of recall on dense recall, measured on separate halves of the dense models; positive where weak classes lose more. "
            "Change of recall per doubling: the slope over classes on the logarithm of their training images; positive where rare classes lose more. "
            f"CEV and SDE: variance and asymmetry of the relative change of the classes' false positive and false negative rates ({first.classes_with_dense_errors} classes have dense errors). "
            "Seeds alone lift both above 0."
        ),
        brackets=(
            f"{coverage(table)} intervals, over classes for the slopes and over models for CEV and SDE. "
            "Counts and mean gains and losses have none: their null is the control."
        ),
        limits=sentences(
            "BH is for the classes of one level: of eight levels in which nothing differs, some class is flagged in about one study of three.",
            "BH over all levels adjusts for the classes of all levels together, the control apart.",
            untested(first.tested_classes, first.classes),
            classes_of_paired(table),
            without_margins(table.logit_shift_flagged),
        ),
    )
