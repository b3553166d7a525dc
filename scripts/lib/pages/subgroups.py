"""The page of subgroups.csv: groups of images, and who pays more than the others."""

import pandas as pd

from scripts.lib.pages.page import Note, Page
from scripts.lib.pages.paired import changes_of_paired
from scripts.lib.pages.vocabulary import estimate, p_value, percent, sentences
from scripts.lib.tables.table import coverage


def page(table: pd.DataFrame) -> Page:
    """subgroups.csv has a row for each level, group and metric; the page has a row for each level but the control and group."""
    keys = ["level", "grouping", "group"]
    top1 = table[(table.metric == "top-1") & (table.level != "control")]
    errors = [
        top1[keys].merge(table[table.metric == metric], on=keys, validate="one_to_one")
        for metric in ("false positive rate", "false negative rate")
    ]
    cells = pd.DataFrame(
        {
            "level": top1.level,
            "grouping": top1.grouping,
            "group": top1.group,
            "n": top1.examples.astype(str),
            "top-1": estimate(top1, "rate"),
            "change": estimate(top1, "change", sign=True),
            "the control's": estimate(top1, "control_change", sign=True),
            "beyond the other images'": estimate(top1, "beyond_others", sign=True),
            "p (BH)": top1.q.map(p_value),
            "false positives, relative change": [
                percent(value, sign=True).replace(" points", " %") for value in errors[0].relative_change
            ],
            "false negatives, relative change": [
                percent(value, sign=True).replace(" points", " %") for value in errors[1].relative_change
            ],
            "verdict": [
                "; ".join(
                    filter(None, (row.verdict, "lowest top-1" * row.worst, "loses most" * row.worst_change, row.reason))
                )
                for row in top1.itertuples()
            ],
        }
    )
    note = Note(
        what=f"How much the top-1 of each group of n test images changes, with K = {table.dense_models.iloc[0]} dense models and as many of each level as it has.",
        evidence=(
            "Change: against the dense population on the same images; the control's is what seeds alone do. "
            "Beyond the other images': the group's change less that of all other images of the grouping, which is what is tested (two-sided). "
            "BH: adjusted for all groups and levels. "
            "False positives and negatives: of the study's positive class, or the mean over classes of how often other images are called the class and its own are not. "
            "They are relative to the dense population's rate, as the companion paper reports it (2010.03058), so that rare errors show large changes."
        ),
        brackets=f"{coverage(table)} intervals over images and models.",
        limits=sentences(
            "The group with the lowest top-1 and the one that loses most of each grouping are named; one always is.",
            "A purely global loss of logits moves groups of middling accuracy more than others, so a change beyond the others' is no proof that a group is treated differently.",
            changes_of_paired(table),
            "All rates, intervals and the control's rows: subgroups.csv.",
        ),
    )
    return Page("Groups of images: who pays more than the others", note, cells)
