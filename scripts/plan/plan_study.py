"""How many models and images show how much, from the predictions that are there or from an assumed churn: plan.csv and plan.md."""

import numpy as np
import pandas as pd

from scripts.lib.audit.error_parts import FEWEST_MODELS, assumed, of_paired, of_uncompressed
from scripts.lib.audit.planning import Plan
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import write_text
from scripts.lib.jobs.job import logged
from scripts.lib.jobs.streams import generator
from scripts.lib.ledger.predictions import Votes, describe, load_population, same_examples
from scripts.lib.pages.plan import page
from scripts.lib.tables.plan import discordance_of, excess_rows, pair_rows
from scripts.lib.tables.table import save_table

ASSUMED = "assumed"  # what a plan without predictions is called
INDEPENDENT = "levels with seeds of their own"


def plan_of_assumption(params) -> tuple[list[dict], list[str]]:
    """Rows and notes from the churn that the study assumes."""
    churn, examples = params.plan["churn"], params.plan["images"] or params.published["test"]
    changes = params.plan["changes"]
    if params.compares_files:
        notes = [
            f"Assumed, and not measured: {100 * churn:g} % of the images are right before and wrong after, or the other way round."
        ]
        return pair_rows(ASSUMED, churn, examples, changes, params.significance, 0), notes
    plan = Plan(assumed(churn), "independent", params.permutations, adjusted(params))
    notes = [
        f"Assumed, and not measured: two models disagree on {100 * churn:g} % of the images, and otherwise vary as the demo's networks and small ones of "
        "CIFAR-10 do. A plan from dense models of your own is better."
    ]
    return excess_rows(ASSUMED, plan, params.models, examples, changes, 0), notes


def plan_of_pairs(votes: dict[str, Votes], params) -> tuple[list[dict], list[str]]:
    """Rows and notes of a study that compares networks one with one; of several pairs of a level the mean counts."""
    dense, rows = votes["dense"], []
    for level, other in votes.items():
        if level != "dense":
            both, of_dense, of_level = np.intersect1d(dense.seed, other.seed, return_indices=True)
            discordance = discordance_of(dense.correct[of_dense], other.correct[of_level])
            examples = params.plan["images"] or len(dense.example)
            rows += pair_rows(level, discordance, examples, params.plan["changes"], params.significance, len(both))
    if not rows:
        raise InputError(
            f"only the dense model is predicted, and a plan of a pair needs {params.levels[0]} too: predict it, or assume a churn (config key "
            "`plan.churn`)."
        )
    return rows, []


def plan_of_populations(votes: dict[str, Votes], params) -> tuple[list[dict], list[str]]:
    """Rows and notes of a study of populations: one plan for all levels with seeds of their own, one for each that is made of the dense models."""
    dense, control = votes["dense"], votes.get("control") if params.designs.get("control") == "independent" else None
    pool = dense.votes if control is None else np.concatenate([dense.votes, control.votes])
    examples = params.plan["images"] or len(dense.example)
    settings = params.permutations, adjusted(params)
    asked = params.models, examples, params.plan["changes"]
    rows, notes = [], []
    if len(pool) >= FEWEST_MODELS:
        parts = of_uncompressed(pool, generator("plan"), params.tie_rule)
        rows += excess_rows(INDEPENDENT, Plan(parts, "independent", *settings), *asked, len(pool))
        notes.append(f"Of {INDEPENDENT}: from {len(pool)} uncompressed models and {len(dense.example):,} images.")
    else:
        notes.append(
            f"{len(pool)} uncompressed models are too few to plan {INDEPENDENT}: predict {FEWEST_MODELS} at least."
        )
    for level in params.levels:
        if params.designs[level] != "paired":
            continue
        if level not in votes or control is None:
            notes.append(
                f"{level} is made of the dense models: its plan needs predictions of its own and of the control."
            )
            continue
        both, of_dense, of_level = np.intersect1d(dense.seed, votes[level].seed, return_indices=True)
        if min(len(both), len(control.seed)) < 2:
            notes.append(
                f"{level} has fewer than two dense models in common with the dense level, or the control has: too few to plan with."
            )
            continue
        parts = of_paired(
            dense.votes[of_dense],
            votes[level].votes[of_level],
            control.votes,
            generator("plan", level),
            params.tie_rule,
        )
        rows += excess_rows(level, Plan(parts, "paired", *settings), *asked, len(both))
        notes.append(
            f"Of {level}: from {len(both)} pairs, {len(control.seed)} control models and {len(dense.example):,} images."
        )
    if not rows:
        raise InputError(f"there is too little to plan with: {' '.join(notes)}")
    return rows, notes


def adjusted(params) -> float:
    """The significance that Holm's first step leaves to each level of the study."""
    return params.significance / max(1, len([level for level in params.levels if level != "control"]))


def load_votes(params) -> dict[str, Votes]:
    """The clean votes of each level that has predictions; InputError where the dense level has none, or where the images differ."""
    levels = {describe(path)["level"] for path in params.ledger}
    if "dense" not in levels:
        raise InputError("the dense level is not predicted yet, and a plan begins with it: predict it first.")
    votes = {
        level: load_population(params.ledger, level)["clean", 0]
        for level in ("dense", *params.levels)
        if level in levels
    }
    for level, other in votes.items():
        same_examples(votes["dense"], other, level)
    return votes


def main(output, params) -> None:
    """Plan from an assumed churn where the study says one, else from predictions; write plan.csv and plan.md."""
    if params.plan["churn"] is not None:
        rows, notes = plan_of_assumption(params)
    else:
        votes = load_votes(params)
        rows, notes = (plan_of_pairs if params.compares_files else plan_of_populations)(votes, params)
    table = pd.DataFrame(rows)
    save_table(output.table, table)
    text = page(params.study, table, notes)
    write_text(output.page, text)
    print(text)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.output, snakemake.params)  # noqa: F821
