"""The page of every table, by the table's name."""

from collections.abc import Callable

import pandas as pd

from scripts.lib.pages import (
    class_impact,
    class_summary,
    corrupted_pies,
    cost,
    cost_and_forgetting,
    hardness,
    natural,
    over_indexing,
    pie_curve,
    pie_summary,
    pies,
    planted,
    predictors,
    real,
    robustness,
    robustness_summary,
    score_summary,
    scores,
    slices,
    subgroups,
)
from scripts.lib.pages.page import Page

PAGES: dict[str, Callable[[pd.DataFrame], Page]] = {
    "pies": pies.page,
    "pie_summary": pie_summary.page,
    "pie_curve": pie_curve.page,
    "hardness": hardness.page,
    "predictors": predictors.page,
    "scores": scores.page,
    "score_summary": score_summary.page,
    "planted": planted.page,
    "class_summary": class_summary.page,
    "class_impact": class_impact.page,
    "robustness": robustness.page,
    "robustness_summary": robustness_summary.page,
    "corrupted_pies": corrupted_pies.page,
    "subgroups": subgroups.page,
    "over_indexing": over_indexing.page,
    "slices": slices.page,
    "natural": natural.page,
    "real": real.page,
    "cost": cost.page,
    "cost_and_forgetting": cost_and_forgetting.page,
}
