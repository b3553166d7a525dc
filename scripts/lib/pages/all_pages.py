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
    exemptions,
    flips,
    gate,
    hardness,
    layers,
    natural,
    over_indexing,
    pair_cost,
    pair_groups,
    pair_robustness,
    pair_summary,
    pie_curve,
    pie_summary,
    pies,
    planted,
    predictors,
    rater,
    real,
    reliability,
    robustness,
    robustness_summary,
    score_summary,
    scores,
    slices,
    subgroups,
)
from scripts.lib.pages.page import Page

# Tables of populations of models.
OF_POPULATIONS: dict[str, Callable[[pd.DataFrame], Page]] = {
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
# Tables of networks that are compared one with one.
OF_FILES: dict[str, Callable[[pd.DataFrame], Page]] = {
    "pair_summary": pair_summary.page,
    "flips": flips.page,
    "pair_classes": pair_groups.of_classes,
    "pair_groups": pair_groups.of_groups,
    "pair_cost": pair_cost.page,
    "pair_robustness": pair_robustness.page,
    "pair_robustness_summary": robustness_summary.page,
}
# Tables that a study asks for.
ON_REQUEST: dict[str, Callable[[pd.DataFrame], Page]] = {
    "gate": gate.page,
    "layers": layers.page,
    "exemptions": exemptions.page,
    "slices": slices.page,
    "rater": rater.page,
}
PAGES: dict[str, Callable[[pd.DataFrame], Page]] = OF_POPULATIONS | OF_FILES | ON_REQUEST
