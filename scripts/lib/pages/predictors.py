"""The page of predictors.csv: how well the dense models alone foresee which images are PIEs."""

import pandas as pd

from scripts.lib.pages.page import Note, Page
from scripts.lib.pages.paired import pies_of_paired
from scripts.lib.pages.vocabulary import estimated_number, number, sentences
from scripts.lib.tables.table import coverage


def page(table: pd.DataFrame) -> Page:
    """predictors.csv has a row for each level, predictor and choice of models to score on."""
    fresh = table[table.scored_on == "the other half"]
    paper = table[table.splits == 1].set_index(["level", "predictor"])
    cells = pd.DataFrame(
        {
            "level": fresh.level,
            "predictor": fresh.predictor,
            "AUC": estimated_number(fresh, "auc"),
            "control's": estimated_number(fresh, "control_auc"),
            "beyond the control's": estimated_number(fresh, "beyond_control", sign=True),
            "AUC on the models that chose": [
                number(paper.auc[key]) for key in zip(fresh.level, fresh.predictor, strict=True)
            ],
        }
    )
    first = fresh.iloc[0]
    note = Note(
        what=f"How well the dense models alone foresee which images are PIEs, before anything is compressed: n = {first.examples} test images, K = {first.dense_models} dense models.",
        evidence=(
            "AUC: the probability that a PIE scores higher than another image; 0.5 is chance, 1 perfect. "
            f"It is the mean of {first.splits} splits in which half of the models choose the PIEs and the other dense models predict them. "
            "The predictors: the vote margin between the two most frequent labels, the vote entropy, and the disagreement of two models of the half. "
            "A high AUC for the control says that what is foreseen is where models disagree at all."
        ),
        brackets=f"{coverage(table)} intervals over images, the models taken as they are.",
        limits=sentences(
            "All predictors are undefined where a half is one model, which cannot be in doubt.",
            pies_of_paired(table),
            "The last column is of all models, which chose the PIEs themselves.",
        ),
    )
    return Page("Who is hit can be foreseen: dense uncertainty as a predictor of PIEs", note, cells)
