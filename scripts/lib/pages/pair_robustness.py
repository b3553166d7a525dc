"""The page of pair_robustness.csv: networks under every corruption and severity."""

import pandas as pd

from scripts.lib.pages.page import Note, Page
from scripts.lib.pages.vocabulary import estimate, p_value, percent
from scripts.lib.tables.table import coverage


def page(table: pd.DataFrame) -> Page:
    """pair_robustness.csv has a row for each network, corruption and severity."""
    cells = pd.DataFrame(
        {
            "level": table.level,
            "seed": table.seed.astype(str),
            "corruption": table.corruption.str.replace("_", " "),
            "severity": table.severity.astype(str),
            "dense top-1": estimate(table, "dense_top1"),
            "its top-1": estimate(table, "level_top1"),
            "change": estimate(table, "top1_change", sign=True),
            "p": table.p_top1.map(p_value),
            "p (BH)": table.q_top1.map(p_value),
            "smallest change to be seen": table.smallest_top1_change.map(percent),
            "flips": estimate(table, "flip_rate"),
        }
    )
    note = Note(
        what=f"Top-1 and flips of each network on n = {table.examples.iloc[0]} corrupted test images, beside the dense one.",
        evidence="p is McNemar's exact test of the images lost and gained; BH: adjusted for all corruptions and severities of the network.",
        brackets=f"{coverage(table)} intervals over images, these networks taken as they are.",
        limits="The images of all corruptions are the same, so what is found under several is not found several times.",
    )
    return Page("Two files: every corruption and severity", note, cells)
