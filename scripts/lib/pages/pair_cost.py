"""The page of pair_cost.csv: what a network gains, and what it forgets for it."""

import pandas as pd

from scripts.lib.pages.page import Note, Page
from scripts.lib.pages.vocabulary import estimate, percent, times
from scripts.lib.tables.table import coverage


def page(table: pd.DataFrame) -> Page:
    """pair_cost.csv has a row for each level and batch size."""
    cells = pd.DataFrame(
        {
            "level": table.level,
            "batch": table.batch_size.astype(str),
            "times faster": times(table, "speedup"),
            "bytes of weights": table.weights_relative.map("{:.0%}".format),
            "flips": estimate(table, "flip_rate"),
            "change of top-1": estimate(table, "top1_change", sign=True),
            "worst class": table.worst_class,
            "its change": [
                percent(*ends, sign=True)
                for ends in zip(table.worst_change, table.worst_change_low, table.worst_change_high, strict=True)
            ],
            "verdict": table.verdict,
        }
    )
    note = Note(
        what=f"How much faster and smaller each network is than the dense one, and what it forgets: n = {table.examples.iloc[0]} test images.",
        evidence="Times faster: than the best dense network on this machine. Bytes: of the dense network's.",
        brackets=f"{coverage(table)} intervals: of times over rounds, of all else over images; that of the worst class holds for all classes at once.",
        limits="A dash stands where the level is not timed (cost.csv says why).",
    )
    return Page("What the speed costs", note, cells)
