"""calibration.csv and reliability.csv: how sure the models of every level are beside how often they are right, and what changes against dense.

A level that is made of the dense models is compared with them image by image and model by model; others share the images only, and one model
of such a level cannot be told from another seed, so that its changes are undefined.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from scripts.lib.audit import calibration_error as errors
from scripts.lib.audit.conformal import SPLITS, TARGET, Sets, aps_scores, conformal_sets, halves_of, lac_scores
from scripts.lib.audit.crossed import Measure, undefined
from scripts.lib.audit.intervals import UNDEFINED, Estimate, within
from scripts.lib.audit.per_image import mean_of, measure_of
from scripts.lib.audit.proper_scores import brier, negative_log_likelihood
from scripts.lib.audit.reliability import reliability
from scripts.lib.jobs.job import logged
from scripts.lib.jobs.streams import generator
from scripts.lib.ledger.predictions import same_examples, same_seeds
from scripts.lib.ledger.probabilities import Sureness, each_probabilities, keeps_probabilities, load_sureness
from scripts.lib.tables.table import save_table, with_interval

SQUARED = "squared_calibration_error"
# Measure -> the least and the most that it can be.
MEASURES = {
    SQUARED: (-math.inf, 1),
    "overconfidence": (-1, 1),
    "brier": (0, 2),
    "negative_log_likelihood": (0, math.inf),
    "confidence_when_right": (0, 1),
    "confidence_when_wrong": (0, 1),
    "lac_set_size": (0, math.inf),
    "aps_set_size": (0, math.inf),
    "lac_coverage": (0, 1),
    "aps_coverage": (0, 1),
    "lac_coverage_kept": (0, 1),
    "aps_coverage_kept": (0, 1),
}
CHANGES = [name for name in MEASURES if "coverage" not in name]  # each level's own thresholds bring it to the target

NOT_SURE = "the predictions came without p1"
NO_LABELS = "the predictions came without p_label"
NO_SQUARES = "no Brier score: the ledger is of version 1, or the predictions came without all classes"
NO_SETS = "no conformal sets: the ledger does not keep all classes (audit.probabilities, or what was brought)"
ONE_MODEL = "no changes: one model that is not made of the dense one cannot be told from another seed"


@dataclass(frozen=True)
class Level:
    """A level's measures and what stands beside them."""

    sure: Sureness
    measures: dict[str, Measure]
    plain_error: float  # the expected calibration error with its bias
    if_calibrated: float
    label_scores: dict[str, np.ndarray]  # of each kind of conformal score, float32[K, N]: the true classes'
    places: np.ndarray | None  # int64[K, N]: the bins


@dataclass(frozen=True)
class Splits:
    """What all models' conformal sets have in common, so that differences are of models."""

    halves: np.ndarray  # bool[splits, N]
    uniform: np.ndarray  # float64[N]


def splits_of(images: int) -> Splits:
    """The same in every study of so many images."""
    return Splits(
        halves_of(images, SPLITS, generator("conformal halves", images)),
        generator("conformal shares", images).random(images),
    )


def measure_level(population: str, sure: Sureness) -> Level:
    """All but the conformal sets; population: whose models these are, `dense` for a level that is made of the dense ones."""
    votes, images = sure.votes, len(sure.votes.label)
    correct, everything = votes.correct, np.ones(votes.votes.shape, dtype=bool)
    measures = {
        "brier": mean_of(population, brier(sure.p_label, sure.p_squared), everything, NO_SQUARES),
        "negative_log_likelihood": mean_of(population, negative_log_likelihood(sure.p_label), everything, NO_LABELS),
    }
    if np.isnan(sure.p1).any() or images < errors.FEWEST:
        reason = NOT_SURE if np.isnan(sure.p1).any() else f"fewer than {errors.FEWEST} images"
        none = undefined(images, reason)
        unsure = (SQUARED, "overconfidence", "confidence_when_right", "confidence_when_wrong")
        return Level(sure, measures | dict.fromkeys(unsure, none), math.nan, math.nan, {}, None)
    places = np.stack([errors.equal_mass_bins(each) for each in sure.p1])
    models = list(zip(sure.p1, correct, places, strict=True))
    values, parts = zip(*(errors.squared_calibration_error(*model) for model in models), strict=True)
    measures |= {
        SQUARED: measure_of(population, np.array(values), np.stack(parts), images),
        "overconfidence": mean_of(population, sure.p1 - correct, everything, NOT_SURE),
        "confidence_when_right": mean_of(population, sure.p1, correct, "a model is right less than twice"),
        "confidence_when_wrong": mean_of(population, sure.p1, ~correct, "a model is wrong less than twice"),
    }
    plain = float(np.mean([errors.expected_calibration_error(*model) for model in models]))
    if_calibrated = float(np.mean([errors.expected_if_calibrated(p1, bins) for p1, _, bins in models]))
    return Level(sure, measures, plain, if_calibrated, {}, places)


def with_sets(
    population: str, level: Level, dense: Level | None, models: Iterable[tuple[int, np.ndarray]], splits: Splits
) -> Level:
    """With the conformal sets; models: seed and probabilities float32[N, C] of each. dense: None for the dense level itself."""
    labels = level.sure.votes.label
    found: dict[str, list[Sets]] = {"lac": [], "aps": []}
    own: dict[str, list[np.ndarray]] = {"lac": [], "aps": []}
    for number, (_, probabilities) in enumerate(models):
        for kind, scores in (
            ("lac", lac_scores(probabilities)),
            ("aps", aps_scores(probabilities, splits.uniform)),
        ):
            true = scores[np.arange(len(labels)), labels]
            before = true if dense is None else dense.label_scores[kind][number % len(dense.label_scores[kind])]
            found[kind].append(conformal_sets(scores, labels, splits.halves, before))
            own[kind].append(true)
    measures = dict(level.measures)
    for kind, sets in found.items():
        for name, field in (("set_size", "size"), ("coverage", "coverage"), ("coverage_kept", "kept_coverage")):
            values = np.array([getattr(each, field) for each in sets])
            parts = np.stack([getattr(each, f"{field}_part") for each in sets])
            measures[f"{kind}_{name}"] = measure_of(population, values, parts, len(labels))
    return replace(level, measures=measures, label_scores={kind: np.stack(each) for kind, each in own.items()})


def without_sets(level: Level) -> Level:
    """With the reason in the place of the conformal sets."""
    none = undefined(len(level.sure.votes.label), NO_SETS)
    return replace(level, measures=dict.fromkeys(MEASURES, none) | level.measures)


def root(squared: Estimate) -> Estimate:
    """The root of a squared error; a square below 0 is taken for 0, with an interval as wide around it."""
    value, half = float(np.maximum(squared.value, 0.0)), squared.high - squared.value
    return Estimate(*(float(np.sqrt(np.maximum(each, 0.0))) for each in (value, value - half, value + half)))


def row_of(name: str, design: str, level: Level, dense: Level, significance: float) -> dict:
    """A level's row of calibration.csv."""
    models, images = level.sure.votes.votes.shape
    comparable = design == "paired" or min(models, len(dense.sure.votes.seed)) > 1
    measures, numbers = level.measures, {}
    for measure, limits in MEASURES.items():
        own = within(measures[measure].estimate(significance), *limits)
        of_others = measure.endswith("_kept") and name == "dense"  # whose thresholds are its own
        numbers |= with_interval(measure, UNDEFINED if of_others else own)
        if measure in CHANGES:
            known = name != "dense" and comparable
            change = measures[measure] - dense.measures[measure]
            numbers |= with_interval(f"{measure}_change", change.estimate(significance) if known else UNDEFINED)
    reasons = [each.reason for each in measures.values()]
    if name != "dense":
        reasons += [
            f"dense: {each.reason}" for each in dense.measures.values() if each.reason and each.reason not in reasons
        ]
        reasons += [] if comparable else [ONE_MODEL]
    return {
        "level": name,
        "design": design,
        "examples": images,
        "dense_models": len(dense.sure.votes.seed),
        "level_models": models,
        "bins": errors.bins_of(images),
        "splits": SPLITS,
        "target": TARGET,
        "significance": significance,
        "ece": level.plain_error,
        "ece_if_calibrated": level.if_calibrated,
        **with_interval("calibration_error", root(measures[SQUARED].estimate(significance))),
        **numbers,
        "p_label_zeros": int((level.sure.p_label == 0).sum()),
        "reason": "; ".join(dict.fromkeys(filter(None, reasons))),
    }


def reliability_rows(name: str, level: Level, significance: float) -> list[dict]:
    """A level's rows of reliability.csv, a bin each; none without confidences."""
    if level.places is None:
        return []
    models, images = level.sure.votes.votes.shape
    about = {"level": name, "examples": images, "level_models": models, "significance": significance}
    bins = reliability(level.sure.p1, level.sure.votes.correct, level.places, significance)
    return [
        about
        | {"bin": number, "images": each.images, "confidence": each.confidence}
        | with_interval("accuracy", each.accuracy)
        for number, each in enumerate(bins, 1)
    ]


def main(input, output, params) -> None:
    """Read the clean suite of all levels, one level at a time, and write both tables."""
    rows, bins, dense, splits = [], [], None, None
    for name in ("dense", *params.levels):
        design = "independent" if name == "dense" else params.designs[name]
        population = "dense" if name == "dense" or design == "paired" else name
        sure = load_sureness(input.ledger, name)
        if dense is None:
            splits = splits_of(len(sure.votes.label))
        else:
            same_examples(dense.sure.votes, sure.votes, name)
            if design == "paired":
                same_seeds(dense.sure.votes, sure.votes, name)
        level = measure_level(population, sure)
        known = keeps_probabilities(input.ledger, name) and len(sure.votes.label) >= errors.FEWEST
        if known and (dense is None or dense.label_scores):
            level = with_sets(population, level, dense, each_probabilities(input.ledger, name), splits)
        else:
            level = without_sets(level)
        dense = dense or level
        rows.append(row_of(name, design, level, dense, params.significance))
        bins += reliability_rows(name, level, params.significance)
        print(
            f"{name}: expected calibration error {level.plain_error:.4f}, {level.if_calibrated:.4f} if it were calibrated; "
            f"{rows[-1]['p_label_zeros']} probabilities of the label are 0"
        )
    save_table(output.table, pd.DataFrame(rows))
    columns = [*("level", "examples", "level_models", "significance", "bin", "images", "confidence"), "accuracy"]
    save_table(output.reliability, pd.DataFrame(bins, columns=[*columns, "accuracy_low", "accuracy_high"]))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
