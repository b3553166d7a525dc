"""The page of reliability.csv: the bins of the reliability diagram."""

import pandas as pd

from scripts.lib.pages.page import Note, Page
from scripts.lib.pages.vocabulary import among, estimate, percent
from scripts.lib.tables.table import coverage


def page(table: pd.DataFrame) -> Page:
    """reliability.csv has a row for each level and bin, and none where predictions came without confidences."""
    cells = pd.DataFrame(
        {
            "level": table.level,
            "bin": table.bin.map("{:.0f}".format),
            "images": table.images.map("{:.0f}".format),
            "confidence": table.confidence.map(percent),
            "right": estimate(table, "accuracy"),
        },
        dtype=str,
    )
    title = "Reliability: how often predictions are right that are about equally sure"
    if table.empty:
        return Page(title, Note("The predictions came without confidences.", "", "", ""), cells)
    note = Note(
        what=f"The n = {table.examples.iloc[0]} test images in bins of equal mass by the confidence of each model, K = {among(table.level_models)} models a level.",
        evidence="Confidence: the mean probability of the class that is said. Images: of one model. A calibrated model is right as often as it is sure.",
        brackets=f"Wilson's {coverage(table)} intervals over the images of a bin, as of one model: with several models they err towards too wide.",
        limits="A bin by itself is one of many: calibration.csv tests all of them together.",
    )
    return Page(title, note, cells)
