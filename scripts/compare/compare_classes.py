"""class_impact.csv: the paper's Welch test of every class, level by level, with effect sizes and what the paper lacks beside it;
class_summary.csv: what the classes of a level come to.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from scripts.lib.audit.classes import ClassImpact, class_impact, recall
from scripts.lib.audit.disparity import (
    combined_error_variance,
    error_rates,
    frequency_slope,
    jackknifed,
    recall_intensification,
    symmetric_distance_error,
)
from scripts.lib.audit.effects import hedges_g, hedges_g_interval, relative_changes
from scripts.lib.audit.intervals import UNDEFINED
from scripts.lib.audit.margins import right_after_shift
from scripts.lib.audit.multiple import benjamini_hochberg
from scripts.lib.audit.own_mean import own_mean_impact
from scripts.lib.data.dataset import Examples, load_examples, load_manifest
from scripts.lib.jobs.job import logged
from scripts.lib.ledger.predictions import Votes, load_population, same_examples, same_seeds
from scripts.lib.tables.margins import load_margins
from scripts.lib.tables.table import save_table, with_interval

NO_IMAGES = "undefined: no test image of the class"


@dataclass(frozen=True)
class Impact:
    """All that is asked of the classes of one level."""

    dense_recall: np.ndarray  # float64[K, C]
    level_recall: np.ndarray  # float64[L, C]
    shifted_recall: (
        np.ndarray
    )  # float64[M, C]: the control's, had every image lost the same logit margin; NaN without margins
    paper: ClassImpact  # less one constant a level
    own: ClassImpact  # less each model's own mean, over models and images; of a paired level, each model against the dense one it was made of
    shifted: ClassImpact  # the paper's test of the shifted control
    paired: bool  # whether the level's models were made of the dense ones


def impact_of(
    level: str,
    dense: Votes,
    compressed: Votes,
    control_margins: np.ndarray,
    classes: int,
    significance: float,
    design: str = "independent",
) -> Impact:
    """Every test of a level; control_margins: float64[M, N] of the control, shifted here until its top-1 is the level's."""
    same_examples(dense, compressed, level)
    paired = design == "paired"
    if paired:
        same_seeds(dense, compressed, level)
    label, level_top1 = dense.label, compressed.correct.mean()
    before, after = (recall(votes, label, classes) for votes in (dense.votes, compressed.votes))
    if np.isnan(control_margins).any():  # predictions that came without probabilities
        shifted, shifted_top1 = np.full((len(control_margins), classes), np.nan), np.nan
    else:
        right = right_after_shift(control_margins, level_top1)
        shifted, shifted_top1 = recall(np.where(right, label, -1), label, classes), right.mean()
    return Impact(
        before,
        after,
        shifted,
        class_impact(before, after, dense.correct.mean(), level_top1, significance),
        own_mean_impact(dense.correct, compressed.correct, label, classes, significance, paired),
        class_impact(before, shifted, dense.correct.mean(), shifted_top1, significance),
        paired,
    )


def compare_level(
    level: str,
    dense: Votes,
    compressed: Votes,
    impact: Impact,
    classes: list[str],
    frequency: np.ndarray,
    significance: float,
) -> pd.DataFrame:
    """One row a class. frequency: [C], training images of each class, NaN where that is not known."""
    paper, own = impact.paper, impact.own
    significant = paper.p <= significance
    images = np.bincount(dense.label, minlength=len(classes))
    recalls = impact.dense_recall, impact.level_recall
    effect = hedges_g(relative_changes(*recalls, images / len(dense.label)), *recalls)
    effect_interval = hedges_g_interval(own.change, own.error, *recalls, significance)
    before, after = impact.dense_recall.mean(axis=0), impact.level_recall.mean(axis=0)
    return pd.DataFrame(
        {
            "level": level,
            "design": "paired" if impact.paired else "independent",
            "class": classes,
            "class_frequency": frequency,
            "examples": images,
            "dense_models": len(dense.seed),
            "level_models": len(compressed.seed),
            "significance": significance,
            "dense_recall": before,
            "level_recall": after,
            "recall_change": (after - before).round(12) + 0.0,
            "dense_top1": dense.correct.mean(),
            "level_top1": compressed.correct.mean(),
            "relative_change": paper.change,
            "relative_change_low": paper.low,
            "relative_change_high": paper.high,
            "t": paper.t,
            "degrees_of_freedom": paper.degrees,
            "p": paper.p,
            "significant": significant,
            "verdict": np.select(
                [images == 0, np.isnan(paper.p), ~significant, paper.change < 0],
                [NO_IMAGES, "undefined: no spread among the models", "not significant", "loses more than average"],
                "loses less than average",
            ),
            "q": benjamini_hochberg(paper.p),
            "own_mean_low": own.low,
            "own_mean_high": own.high,
            "own_mean_t": own.t,
            "own_mean_p": own.p,
            "own_mean_q": benjamini_hochberg(own.p),
            "hedges_g": effect,
            "hedges_g_low": effect_interval[0],
            "hedges_g_high": effect_interval[1],
            "logit_shift_change": impact.shifted.change,
            "logit_shift_p": impact.shifted.p,
            "reason": why(images, paper, own),
        }
    )


def why(images: np.ndarray, paper: ClassImpact, own: ClassImpact) -> list[str]:
    """Why something in a class's row is undefined; empty where nothing is."""
    without = "no prediction is turned over" if (images > 0).sum() > 1 else "there is no other class"
    if images.max() < 2:
        without = "no class has two test images"
    reasons = []
    for count, p, own_p in zip(images, paper.p, own.p, strict=True):
        found = []
        if count and np.isnan(p):
            found.append("no spread among the models")
        if count and np.isnan(own_p):
            found.append(without)
        reasons.append("; ".join(found) if count else "no test image")
    return reasons


def completed(parts: list[pd.DataFrame], rows: list[dict]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both tables with p-values adjusted for all classes and levels of the study (Benjamini-Hochberg), the control apart from the others.

    parts: of `compare_level` and rows: of `summarize_level`, one a level.
    """
    table, summary = pd.concat(parts, ignore_index=True), pd.DataFrame(rows)
    for name, flagged in (("q", "flagged_bh"), ("own_mean_q", "own_mean_flagged_bh")):
        p = table[name.replace("q", "p")]
        adjusted = p.groupby(table.level == "control").transform(lambda each: benjamini_hochberg(each.to_numpy()))
        table.insert(list(table.columns).index(name) + 1, f"{name}_study", adjusted)
        counts = (adjusted <= table.significance).groupby(table.level).sum()
        summary.insert(list(summary.columns).index(flagged) + 1, f"{flagged}_study", summary.level.map(counts))
    return table, summary


def found(p: np.ndarray, significance: float) -> dict[str, int]:
    """How many of the p-values are significant, as they are and after Benjamini-Hochberg."""
    return {"": int((p <= significance).sum()), "_bh": int((benjamini_hochberg(p) <= significance).sum())}


def summarize_level(
    level: str, dense: Votes, compressed: Votes, impact: Impact, frequency: np.ndarray, significance: float
) -> dict:
    """One row a level. frequency: int[C], training images of each class."""
    classes = impact.dense_recall.shape[1]
    change = (impact.level_recall.mean(axis=0) - impact.dense_recall.mean(axis=0)).round(12)
    tested = int((~np.isnan(change)).sum())
    rates = [error_rates(votes.votes, dense.label, classes) for votes in (dense, compressed)]
    tests = {"flagged": impact.paper.p, "own_mean_flagged": impact.own.p, "logit_shift_flagged": impact.shifted.p}
    flagged = {f"{name}{kind}": count for name, p in tests.items() for kind, count in found(p, significance).items()}
    intensification = recall_intensification(impact.dense_recall, impact.level_recall, significance, impact.paired)
    if np.isnan(impact.shifted_recall).all():
        flagged |= {"logit_shift_flagged": np.nan, "logit_shift_flagged_bh": np.nan}
        shifted_intensification = UNDEFINED
    else:
        shifted_intensification = recall_intensification(impact.dense_recall, impact.shifted_recall, significance)
    return {
        "level": level,
        "design": "paired" if impact.paired else "independent",
        "classes": classes,
        "tested_classes": tested,
        "examples": len(dense.example),
        "dense_models": len(dense.seed),
        "level_models": len(compressed.seed),
        "significance": significance,
        "dense_top1": dense.correct.mean(),
        "level_top1": compressed.correct.mean(),
        "chance_flagged": significance * tested,
        **flagged,
        "gaining": int((change > 0).sum()),
        "mean_gain": change[change > 0].mean() if (change > 0).any() else np.nan,
        "losing": int((change < 0).sum()),
        "mean_loss": change[change < 0].mean() if (change < 0).any() else np.nan,
        **with_interval("intensification", intensification),
        **with_interval("logit_shift_intensification", shifted_intensification),
        **with_interval("frequency_slope", frequency_slope(change, frequency, significance)),
        "classes_with_dense_errors": int((rates[0].mean(axis=1) > 0).all(axis=0).sum()),
        **with_interval("cev", jackknifed(combined_error_variance, *rates, significance, impact.paired)),
        **with_interval("sde", jackknifed(symmetric_distance_error, *rates, significance, impact.paired)),
    }


def training_images(examples: Examples, classes: int) -> np.ndarray:
    """Training images of each class, [C], as the test examples that show it know; NaN where that is not known."""
    known = pd.Series(examples.class_frequency, index=examples.shown).groupby(level=0).first()
    return known.reindex(range(classes)).to_numpy()


def main(input, output, params) -> None:
    """Read the clean suite of all levels, write class_impact.csv and class_summary.csv."""
    classes = load_manifest(input.data)["classes"]
    frequency = training_images(load_examples(input.examples, "test"), len(classes))
    dense = load_population(input.ledger, "dense")["clean", 0]
    same_examples(dense, load_population(input.ledger, "control")["clean", 0], "control")
    control_margins = load_margins(input.ledger, "control")
    parts, rows = [], []
    for level in params.levels:
        compressed = load_population(input.ledger, level)["clean", 0]
        impact = impact_of(
            level, dense, compressed, control_margins, len(classes), params.significance, params.designs[level]
        )
        parts.append(compare_level(level, dense, compressed, impact, classes, frequency, params.significance))
        rows.append(row := summarize_level(level, dense, compressed, impact, frequency, params.significance))
        print(
            f"{level}: {row['flagged']} of {row['tested_classes']} classes significant, {row['flagged_bh']} after adjusting; "
            f"{row['chance_flagged']:.1f} expected by chance, {row['logit_shift_flagged']} of an equal loss of logits"
        )
    impacts, summary = completed(parts, rows)
    save_table(output.table, impacts)
    save_table(output.summary, summary)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
