"""hardness.csv and predictors.csv: how hard PIEs are for models that did not choose them, and whether the dense ones foresee them.

The paper chooses and scores PIEs on the same models. Here half of each population chooses and the other half scores, over many
splits; beside it stand the same half, of equal size, and the paper's way.
"""

import numpy as np
import pandas as pd

from scripts.lib.audit.halves import Sides, Tally, deal_halves, everybody, right_shares, tally_halves
from scripts.lib.audit.hardness import Average, auc, grades, match, matched_mean, mean_of, weighted_mean
from scripts.lib.audit.intervals import UNDEFINED, Estimate, within
from scripts.lib.audit.modal import PAPERS_RULE, differ
from scripts.lib.jobs.job import logged
from scripts.lib.jobs.streams import generator
from scripts.lib.ledger.predictions import Votes, has_top5, load_population, same_examples, same_seeds
from scripts.lib.tables.table import save_table, with_interval

OTHER_HALF, SAME_HALF, ALL_MODELS = "the other half", "the same half", "all models, as in the paper"
CHANGE = "level less dense"
GROUPS = ("pies", "matched", "others", "all")
# Predictor -> a tally's score, higher for images that the dense models are less sure of; asked of two models or more.
PREDICTORS = {
    "vote margin": lambda tally: -tally.margin / tally.models,
    "vote entropy": lambda tally: tally.entropy,
    "disagreement of two models": lambda tally: tally.disagreement,
}
ONE_MODEL = "a half is one model, which cannot be in doubt"
ONE_GRADE = "the predicting models are as sure of all images"
# Splits worked on at a time: bounds the memory to some hundred MB for 50,000 images.
TOGETHER = 25

Statistics = dict[tuple[str, ...], Average]


def statistics_of(
    scored_on: str, pies: np.ndarray, margin: np.ndarray, scoring: Tally, right: dict[tuple[str, str], np.ndarray]
) -> Statistics:
    """Every statistic of some splits by (scored_on, population, metric, group) or (scored_on, predictor).

    pies: bool[S, N]; margin: [S, N], votes of the choosing dense models; scoring: the scoring dense models; right: float32[S, N] by
    population and metric, of the scoring models.
    """
    weights = {
        "pies": pies.astype(np.float32),
        "others": (~pies).astype(np.float32),
        "all": np.ones(pies.shape, dtype=np.float32),
    }
    matching = match(pies, margin)
    found: Statistics = {}
    for of, shares in right.items():
        found |= {(scored_on, *of, group): weighted_mean(weights[group], shares) for group in weights}
        found[scored_on, *of, "matched"] = matched_mean(matching, shares)
    found[scored_on, "share of PIEs"] = weighted_mean(weights["all"], weights["pies"])
    predicting = {name: score(scoring) if scoring.models > 1 else None for name, score in PREDICTORS.items()}
    return found | {
        (scored_on, name): auc(None if score is None else grades(score), pies) for name, score in predicting.items()
    }


def measure_level(
    dense: Votes,
    compressed: Votes,
    halves: tuple[Sides, Sides],
    top5: bool,
    tie_rule: str = PAPERS_RULE,
) -> Statistics:
    """Every statistic of a level; halves: who of the dense and of the level's models chooses and scores in each split.

    top5: whether top-5 accuracy means something, as `has_top5` says.
    """
    everyone = tuple(everybody(len(votes.seed)) for votes in (dense, compressed))
    parts = [_of_splits(dense, compressed, everyone, top5, tie_rule)]
    for start in range(0, len(halves[0][0]), TOGETHER):
        some = tuple(tuple(side[start : start + TOGETHER] for side in sides) for sides in halves)
        parts.append(_of_splits(dense, compressed, some, top5, tie_rule))
    keys = dict.fromkeys(key for part in parts for key in part)
    return {key: mean_of([part[key] for part in parts if key in part]) for key in keys}


def _of_splits(dense: Votes, compressed: Votes, halves: tuple[Sides, Sides], top5: bool, tie_rule: str) -> Statistics:
    """As `measure_level`, all splits at once; where all models choose they are scored on themselves only."""
    tallies = tally_halves(dense.votes, halves[0], tie_rule)
    choosing = tallies[0]
    pies = differ(choosing.label, tally_halves(compressed.votes, halves[1], tie_rule)[0].label)
    metrics = {"top1": lambda votes: votes.correct} | ({"top5": lambda votes: votes.correct_top5} if top5 else {})
    shares = {
        (population, metric): right_shares(correct_of(votes), sides)
        for metric, correct_of in metrics.items()
        for population, votes, sides in zip(("dense", "level"), (dense, compressed), halves, strict=True)
    }
    found: Statistics = {}
    all_choose = bool(halves[0][0].all())
    for side, scored_on in enumerate([ALL_MODELS] if all_choose else [SAME_HALF, OTHER_HALF]):
        right = {of: both[side] for of, both in shares.items()}
        right |= {(CHANGE, metric): right["level", metric] - right["dense", metric] for metric in metrics}
        found |= statistics_of(scored_on, pies, choosing.margin, tallies[side], right)
    return found


def has_control(level: str, about: dict) -> bool:
    """Whether the control shows what a level's rows would be without compression: not its own, nor those of the dense models compressed,
    whose PIEs are none of other seeds.
    """
    return level != "control" and about["design"] == "independent"


def hardness_rows(level: str, own: Statistics, control: Statistics, about: dict) -> list[dict]:
    """One row for each of how it is scored, population and metric; about: what all rows of the level say."""
    significance = about["significance"]
    rows = []
    for scored_on, population, metric in (key[:-1] for key in own if key[-1] == "pies"):
        groups, controls = (
            {group: side[scored_on, population, metric, group] for group in GROUPS} for side in (own, control)
        )
        gap, control_gap = (side["pies"] - side["matched"] for side in (groups, controls))
        rows.append(
            {
                "level": level,
                "scored_on": scored_on,
                "population": population,
                "metric": metric,
                **about,
                "splits": 1 if scored_on == ALL_MODELS else about["splits"],
                "splits_with_pies": groups["pies"].splits,
                **with_interval("pie_rate", within(own[scored_on, "share of PIEs"].estimate(significance), 0, 1)),
                **{
                    name: value
                    for group, average in groups.items()
                    for name, value in with_interval(group, _cut(population, average.estimate(significance))).items()
                },
                **with_interval("pies_less_matched", gap.estimate(significance)),
                **with_interval("control_pies_less_matched", control_gap.estimate(significance)),
                **with_interval(
                    "beyond_control",
                    (gap - control_gap).estimate(significance) if has_control(level, about) else UNDEFINED,
                ),
            }
        )
    return rows


def _cut(population: str, estimate: Estimate) -> Estimate:
    """An accuracy's interval is cut at 0 and 1, that of a difference of two at -1 and 1."""
    return within(estimate, -1 if population == CHANGE else 0, 1)


def _why(average: Average, scored_on: str, about: dict) -> str:
    """Why an AUC or its interval is undefined; empty where neither is."""
    if scored_on != ALL_MODELS and about["dense_models"] < 4:
        return ONE_MODEL
    if not average.splits:
        return "no image is a PIE, or all are"
    return ONE_GRADE if np.isnan(average.estimate(about["significance"]).low) else ""


def predictor_rows(level: str, own: Statistics, control: Statistics, about: dict) -> list[dict]:
    """One row for each of how it is scored and predictor."""
    significance = about["significance"]
    return [
        {
            "level": level,
            "scored_on": scored_on,
            "predictor": name,
            **about,
            "splits": 1 if scored_on == ALL_MODELS else about["splits"],
            **with_interval("auc", within(own[scored_on, name].estimate(significance), 0, 1)),
            **with_interval("control_auc", within(control[scored_on, name].estimate(significance), 0, 1)),
            **with_interval(
                "beyond_control",
                (own[scored_on, name] - control[scored_on, name]).estimate(significance)
                if has_control(level, about)
                else UNDEFINED,
            ),
            "reason": _why(own[scored_on, name], scored_on, about),
        }
        for scored_on in (OTHER_HALF, SAME_HALF, ALL_MODELS)
        for name in PREDICTORS
    ]


def main(input, output, params) -> None:
    """Read the clean suite of all levels, write hardness.csv and predictors.csv."""
    top5 = has_top5(input.ledger)
    dense = load_population(input.ledger, "dense")["clean", 0]
    chosen = {"dense": deal_halves(len(dense.seed), params.splits, generator("halves", "dense"))}
    hardness, predictors = [], []
    control: Statistics = {}
    for level in sorted(params.levels, key=lambda level: level != "control"):  # the others are compared with it
        compressed = load_population(input.ledger, level)["clean", 0]
        same_examples(dense, compressed, level)
        if params.designs[level] == "paired":  # a checkpoint chooses or scores, before compression and after it
            same_seeds(dense, compressed, level)
            chosen[level] = chosen["dense"]
        else:
            chosen[level] = deal_halves(len(compressed.seed), params.splits, generator("halves", level))
        own = measure_level(dense, compressed, (chosen["dense"], chosen[level]), top5, params.tie_rule)
        control = control or own
        about = {
            "examples": len(dense.example),
            "dense_models": len(dense.seed),
            "level_models": len(compressed.seed),
            "design": params.designs[level],
            "splits": params.splits,
            "significance": params.significance,
        }
        hardness += hardness_rows(level, own, control, about)
        predictors += predictor_rows(level, own, control, about)
        as_chosen, fresh = (own[scored_on, CHANGE, "top1", "pies"].value for scored_on in (ALL_MODELS, OTHER_HALF))
        print(
            f"{level}: top-1 changes by {100 * fresh:+.1f} points on PIEs, {100 * as_chosen:+.1f} as the paper scores it"
        )
    save_table(output.table, pd.DataFrame(hardness))
    save_table(output.predictors, pd.DataFrame(predictors))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
