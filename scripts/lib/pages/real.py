"""The page of real.csv: top-1 by all labels that fit (ReaL)."""

import pandas as pd

from scripts.lib.pages.page import Note, Page
from scripts.lib.pages.vocabulary import UNDEFINED, among, estimate
from scripts.lib.tables.table import coverage


def page(table: pd.DataFrame) -> Page:
    """real.csv has a row for each level and kind of labels, ReaL or original."""
    cells = pd.DataFrame(
        {
            "level": table.level,
            "scored on": table.scored_on,
            "top-1": estimate(table, "top1"),
            "less dense's": estimate(table, "top1_change", sign=True),
            "the control's": estimate(table, "control_change", sign=True),
            "beyond the original labels": [
                UNDEFINED if labels == "original labels" else each
                for labels, each in zip(table.scored_on, estimate(table, "beyond_original", sign=True), strict=True)
            ],
        }
    )
    first = table.iloc[0]
    note = Note(
        what=f"Top-1 by ReaL labels and by the original ones: n = {first.examples} test images with a label that fits, K = {first.dense_models} dense models and {among(table.level_models)} of each level.",
        evidence=(
            "ReaL labels: right is every class that the raters of ReaL (2006.07159) found to fit. Original labels: of the same images. "
            "Beyond the original labels: the change by ReaL labels less that by the original ones, above 0 where a part of what seems lost is answers that fit too. "
            "The control's change is what seeds alone do."
        ),
        brackets=f"{coverage(table)} intervals over images and models.",
        limits=f"The {first.left_out} images for which the raters found no class that fits, or which they did not see, are left out.",
    )
    return Page("By all labels that fit (ReaL)", note, cells)
