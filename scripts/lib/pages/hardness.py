"""The page of hardness.csv: how hard PIEs are for models that did not choose them."""

import pandas as pd

from scripts.lib.pages.page import Note, Page
from scripts.lib.pages.paired import pies_of_paired
from scripts.lib.pages.vocabulary import among, estimate, percent, sentences
from scripts.lib.tables.table import coverage


def page(table: pd.DataFrame) -> Page:
    """hardness.csv has a row for each level, population, metric and choice of models to score on; the page shows top-1."""
    shown = table[table.metric == "top1"]
    changes = shown.population == "level less dense"
    cells = pd.DataFrame({"level": shown.level, "scored on": shown.scored_on, "top-1 of": shown.population})
    for title, name in (("PIEs", "pies"), ("as unsure, no PIEs", "matched"), ("all others", "others")):
        ends = zip(shown[name], shown[f"{name}_low"], shown[f"{name}_high"], changes, strict=True)
        cells[title] = [percent(*values) for values in ends]
    cells["PIEs less as unsure"] = estimate(shown, "pies_less_matched", sign=True)
    cells["beyond the control's"] = estimate(shown, "beyond_control", sign=True)
    first = table[table.splits > 1].iloc[0]
    note = Note(
        what=f"Top-1 on PIEs and on other images, of models that did not choose the PIEs and of those that did: n = {first.examples} test images, K = {first.dense_models} dense and {among(table.level_models)} compressed models.",
        evidence=(
            "PIEs that are chosen and scored on the same models carry the luck of that choice, and the loss on them looks larger than it is. "
            f"So in each of {first.splits} splits half of the models of both populations choose the PIEs, and as many others are scored on them (of an odd number one sits out). "
            "Beside it stand the half that chose, which is as large, and the paper's way, all models. "
            "As unsure, no PIEs: each PIE is matched with the images that are none and on which the vote margin of the choosing dense models is nearest. "
            "So what remains is not mere uncertainty; its excess over the control, where nothing was compressed, is the effect of compression."
        ),
        brackets=f"{coverage(table)} intervals over images, the models taken as they are.",
        limits=sentences(
            "Half as many models find more PIEs by chance, so compare all models with the halves in direction only.",
            pies_of_paired(table),
            "Top-5 and all images: hardness.csv.",
        ),
    )
    return Page("How hard PIEs are for models that did not choose them", note, cells)
