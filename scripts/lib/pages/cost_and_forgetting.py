"""The page of cost_and_forgetting.csv: what the speed costs."""

import math

import pandas as pd

from scripts.lib.pages.page import Note, Page
from scripts.lib.pages.vocabulary import UNDEFINED, estimate, percent, times
from scripts.lib.tables.table import coverage


def page(table: pd.DataFrame) -> Page:
    """cost_and_forgetting.csv has a row for each level and batch size."""
    cells = pd.DataFrame(
        {
            "level": table.level,
            "batch": table.batch_size.astype(str),
            "sparsity": table.sparsity.map(percent),
            "times faster": times(table, "speedup"),
            "ceiling": [UNDEFINED if math.isnan(gain) else f"{gain:.2f}x" for gain in table.ceiling],
            "bytes of weights": table.weights_relative.map("{:.0%}".format),
            "top-1": [percent(change, sign=True) for change in table.top1_change],
            "excess PIEs": estimate(table, "excess_rate", sign=True),
            "worst class": table.worst_class,
            "its recall beyond the average": estimate(table, "worst_change", sign=True),
            "verdict": table.verdict,
        }
    )
    first = table.iloc[0]
    note = Note(
        what=f"How much faster and smaller each level is, and what it forgets: n = {first.examples} test images, K = {first.models} models of each level.",
        evidence="Times faster: than the best dense network on this machine. Bytes: of the dense network's.",
        brackets=f"{coverage(table)} intervals: of times over rounds, of excess PIEs over images and models, of recall over models.",
        limits=(
            "A dash stands where the level is not timed (cost.csv says why). "
            "The worst of many classes looks worse than it is: compare with the control's."
        ),
    )
    return Page("What the speed costs", note, cells)
