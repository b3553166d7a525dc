"""The page of robustness.csv: top-1 under corruption."""

import pandas as pd

from scripts.lib.pages.page import Note, Page
from scripts.lib.pages.vocabulary import among, estimate
from scripts.lib.tables.table import coverage


def page(table: pd.DataFrame) -> Page:
    """robustness.csv has a row for each level, corruption and severity; the page has a column for each level."""
    dense = table[table.level == "dense"]
    keys = ["corruption", "severity"]
    cells = pd.DataFrame(
        {
            "corruption": dense.corruption.to_numpy(),
            "severity": dense.severity.astype(str).to_numpy(),
            "dense top-1": estimate(dense, "top1"),
        }
    )
    for level, rows in table[table.level != "dense"].groupby("level", sort=False):
        aligned = dense[keys].merge(rows, on=keys, validate="one_to_one")
        cells[level] = estimate(aligned, "top1_change", sign=True)
    without_top5 = (
        ""
        if table.top5.notna().any()
        else " (top-5 is undefined here: there are five classes or less, or predictions came without top2 to top5)"
    )
    note = Note(
        what=f"Top-1 of the dense population, and the change of each level's top-1 against it on the same images, in points: n = {dense.iloc[0].examples} test images, K = {among(table.level_models)} models of each level.",
        evidence="The control's change is what seeds alone do.",
        brackets=f"{coverage(table)} intervals over images and models. There are none where nothing varies.",
        limits=f"Top-5 and ratios: robustness.csv{without_top5}.",
    )
    return Page("Robustness: top-1 under corruption", note, cells)
