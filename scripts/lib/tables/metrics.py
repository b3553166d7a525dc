"""A study's summaries as flat names and numbers, as trackers of experiments log them."""

import math
import re
from collections import Counter

import pandas as pd

from scripts.lib.tables.corruption_summary import CLEAN, SETS

# Table -> the columns that tell its rows apart. Tables with a row for each image, class or group are not for a tracker.
ROWS: dict[str, tuple[str, ...]] = {
    "pie_summary": ("level",),
    "score_summary": ("level", "score"),
    "class_summary": ("level",),
    "robustness_summary": ("level", "corruption"),
    "natural": ("level", "natural", "scored_on"),
    "real": ("level", "scored_on"),
    "cost": ("level", "batch_size"),
    "cost_and_forgetting": ("level", "batch_size"),
    "pair_summary": ("level", "seed"),
    "pair_robustness_summary": ("level", "corruption"),
    "pair_cost": ("level", "batch_size"),
}
SUMMED = (CLEAN, *SETS)  # rows of summaries of robustness: not each corruption by itself
SETTINGS = ("significance", "permutations", "resamples")  # numbers that are no results
REASON = "reason"  # the column in which a table says why numbers are undefined
UNSAID = "undefined, as the page of the table explains"
# What MLflow lets through in the name of a metric; its names are paths, so dots alone are no part.
OTHER = re.compile(r"[^A-Za-z0-9_.\- ]")


def flat_metrics(tables: dict[str, pd.DataFrame]) -> tuple[dict[str, float], dict[str, str]]:
    """Names `table/row/column` -> finite numbers, and the names of the others -> why they are none; tables: by name, others than in ROWS count not."""
    numbers: dict[str, float] = {}
    left_out: dict[str, str] = {}
    for name, columns in ROWS.items():
        if name not in tables:
            continue
        table = tables[name]
        if "corruption" in columns:
            table = table[table.corruption.isin(SUMMED)]
        rows = ["/".join(map(plain, map(str, row))) for row in table[list(columns)].itertuples(index=False)]
        twice = [row for row, count in Counter(rows).items() if count > 1]
        if twice:
            raise ValueError(f"{name} has two rows that are both called {twice[0]}.")
        values = table.select_dtypes("number").drop(columns=[*columns, *SETTINGS], errors="ignore")
        for place, row in enumerate(rows):
            for column, value in values.iloc[place].items():
                metric = f"{name}/{row}/{column}"
                if math.isfinite(value):
                    numbers[metric] = float(value)
                elif math.isnan(value):
                    reason = str(table[REASON].iloc[place]) if REASON in table else ""
                    left_out[metric] = reason if reason not in ("", "none", "nan") else UNSAID
                else:
                    left_out[metric] = "infinite"
    return numbers, left_out


def plain(text: str) -> str:
    """A text as one part of a metric's name."""
    found = OTHER.sub("_", text)
    return found if found.strip(".") else "_" * len(found)
