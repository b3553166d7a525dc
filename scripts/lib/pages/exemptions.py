"""The page of exemptions.csv: which layers to exempt so that few predictions flip, and what that costs."""

import pandas as pd

from scripts.lib.pages.page import Note, Page
from scripts.lib.pages.vocabulary import among, estimate, percent, sentences
from scripts.lib.tables.table import coverage


def page(table: pd.DataFrame) -> Page:
    """exemptions.csv has a row for each level and set that was tried, in the order of the search; of each level one may be chosen."""
    cells = pd.DataFrame(
        {
            "level": table.level,
            "exempt": [f"exempt: {names}" for names in table.exempt],
            "weights, kB": (table.bytes / 1e3).map("{:,.1f}".format),
            "more than the level": (table.bytes_added / 1e3).map("{:+,.1f}".format),
            "flips, where it was sought": estimate(table, "selection_flips"),
            "flips, where it is confirmed": estimate(table, "flips"),
            "top-1": estimate(table, "top1_change", sign=True),
            "choice": ["found" if chosen else "" for chosen in table.chosen],
            "verdict": table.verdict,
        }
    )
    images = table.selection_examples + table.examples
    margin = percent(table.margin.iloc[0])
    found = table.groupby("level", sort=False).chosen.any()
    without = [str(level) for level in found.index[~found]]
    note = Note(
        what=(
            f"Sets of layers to exempt from quantization until at most {margin} of the predictions flip (n = {among(images)} test images, K = "
            f"{among(table.models)} models a level), sought on one half of the images and confirmed on the other."
        ),
        evidence=sentences(
            "Layers are added by the flips that each avoids for its bytes, until the whole interval of the flips is within the margin; then each is taken back "
            "if the margin holds without it. The line of the set that was found goes into the level's entry.",
            "A verdict is of the confirming half, which had no part in the choice.",
            f"No set was found for {', '.join(without)}: even with one layer compressed the interval reaches beyond the margin."
            if without
            else "",
        ),
        brackets=f"{coverage(table)} intervals over images and, of three models or more, models.",
        limits="The search is greedy: a cheaper set may exist. Verdicts are one for each set, and not adjusted for how many there are.",
    )
    return Page("Which layers to exempt, and what that costs", note, cells)
