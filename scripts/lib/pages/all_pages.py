"""The page of every table, by the table's name."""

from collections.abc import Callable

import pandas as pd

from scripts.lib.pages import (
    calibration,
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
    reliability,
    robustness,
    robustness_summary,
    score_summary,
    scores,
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
    "calibration": calibration.page,
    "reliability": reliability.page,
    "robustness": robustness.page,
    "robustness_summary": robustness_summary.page,
    "corrupted_pies": corrupted_pies.page,
    "subgroups": subgroups.page,
    "over_indexing": over_indexing.page,
    "natural": natural.page,
    "real": real.page,
    "cost": cost.page,
    "cost_and_forgetting": cost_and_forgetting.page,
}
