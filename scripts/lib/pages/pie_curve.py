"""The page of pie_curve.csv: PIEs over the number of models."""

import math

import pandas as pd

from scripts.lib.pages.page import Note, Page
from scripts.lib.pages.paired import of_paired
from scripts.lib.pages.vocabulary import UNDEFINED, among, sentences
from scripts.lib.tables.table import coverage


def page(table: pd.DataFrame) -> Page:
    """pie_curve.csv has a row for each level and number of models."""
    cells = pd.DataFrame({"level": table.level, "K": table.models.astype(str)})
    for title, name in (("PIEs", "pies"), ("by chance", "null"), ("control's", "control")):
        ends = zip(table[f"{name}_mean"], table[f"{name}_low"], table[f"{name}_high"], strict=True)
        cells[title] = [
            UNDEFINED if math.isnan(mean) else f"{mean:.0f} [{low:.0f}, {high:.0f}]" for mean, low, high in ends
        ]
    cells["images with a tie"] = table.tied_mean.map("{:.0f}".format)
    cells["PIEs without a tie"] = table.pies_untied_mean.map("{:.0f}".format)
    first = table.iloc[0]
    paired = of_paired(
        table,
        "For the count by chance the two of a pair change places at random. No luck of other seeds is in their count, so the control is no measure of it.",
    )
    note = Note(
        what=f"PIEs among n = {first.examples} test images with 1 to K = {table.models.max()} models of each population: means over {first.subsets} random subsets of the {first.dense_models} dense and {among(table.level_models)} compressed models.",
        evidence=(
            "The count falls as K grows, with nothing compressed too, so counts at different K do not compare. "
            "What compression adds is the distance to the control's count at the same K. "
            "By chance: the count when the models of the two subsets are dealt anew. With one model each, dealing anew changes nothing."
        ),
        brackets=f"Central {coverage(table)} intervals of the subsets, which share models. With all models there is one subset.",
        limits=sentences(
            f"With an even number of models many images have a tie, on which the tie rule ({first.tie_rule}) decides.",
            "On those without a tie the count jumps between even and odd.",
            paired,
        ),
    )
    return Page("PIEs over the number of models", note, cells)
