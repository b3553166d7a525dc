"""gate.csv, gate.json, gate.md and gate.xml: every promise of the study, and whether each compressed level keeps it."""

import json
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd

from scripts.lib.annotations.column import load_columns
from scripts.lib.annotations.groups import groupings_of
from scripts.lib.audit.intervals import UNDEFINED
from scripts.lib.audit.multiple import holm
from scripts.lib.audit.noninferiority import ACCEPTED, INCONCLUSIVE, REJECTED, UNTESTED, verdict
from scripts.lib.data.dataset import load_manifest
from scripts.lib.jobs.files import write_text
from scripts.lib.jobs.job import logged
from scripts.lib.ledger.predictions import Votes, has_top5, load_population, same_examples
from scripts.lib.pages.gate import junit, markdown
from scripts.lib.tables import promises
from scripts.lib.tables.promises import Found
from scripts.lib.tables.table import load_table, save_table, with_interval

EXACT = ("bytes",)


def of_votes(promise: dict, dense: Votes, own: Votes, paired: bool, given: SimpleNamespace) -> Found:
    """A promise about what is predicted of the clean images."""
    metric, margin, significance = promise["metric"], promise["margin"], given.significance
    if metric in ("flips", "lost"):
        return promises.flipped(dense, own, "any" if metric == "flips" else "lost", margin, significance)
    if metric in ("worst_class", "worst_group"):
        groups, smallest = (given.classes, 1) if metric == "worst_class" else (given.groups, given.smallest_group)
        return promises.worst(dense, own, groups, smallest, margin, significance, paired)
    if metric == "top5_loss" and not given.top5:
        return Found(UNDEFINED, UNTESTED, len(dense.label), len(own.seed), reason="no top-5 of these predictions")
    right = "correct" if metric == "top1_loss" else "correct_top5"
    everything = np.ones(len(dense.label), dtype=bool)
    return promises.loss(dense, own, right, everything, margin, significance, paired)


def of_tables(promise: dict, level: str, given: SimpleNamespace) -> Found:
    """A promise about what stands in a table: cost.csv, robustness_summary.csv or pie_summary.csv."""
    metric, margin, significance = promise["metric"], promise["margin"], given.significance
    if metric == "bytes":
        weights = given.cost.groupby("level").weight_bytes.first()
        return promises.known(float(weights[level] / weights["dense"]))
    if metric == "latency":
        return promises.latency(given.cost[given.cost.level == level], promise["batch_size"], margin, significance)
    if metric == "excess_pies":
        return promises.excess_pies(given.pies[given.pies.level == level], margin, significance)
    of_level = given.robustness[given.robustness.level == level]
    return (promises.mce if metric == "mce" else promises.corrupted)(of_level, margin, significance)


OF_VOTES = ("top1_loss", "top5_loss", "flips", "lost", "worst_class", "worst_group")


def judged(table: pd.DataFrame, significance: float) -> pd.DataFrame:
    """The table with p-values adjusted for all promises and levels (Holm), each way by itself, and the verdicts that hang on them.

    What is known exactly is no test and has no p-value. The probability that even one broken promise is called accepted is at most
    `significance`, and so is the probability that even one kept promise is called rejected.
    """
    for side in ("p", "p_worse"):
        table[f"{side}_holm"] = holm(table[side].to_numpy())
    known = table.metric.isin(EXACT) & (table.estimate <= table.margin)
    table["verdict"] = [
        (ACCEPTED if kept else REJECTED) if metric in EXACT else verdict(better, worse, significance)
        for metric, kept, better, worse in zip(table.metric, known, table.p_holm, table.p_worse_holm, strict=True)
    ]
    table.loc[table.verdict != INCONCLUSIVE, "images_to_decide"] = np.nan
    return table


def row_of(promise: dict, level: str, found: Found, significance: float) -> dict:
    """A row of gate.csv, before its verdict."""
    return {
        "level": level,
        "metric": promise["metric"],
        "batch_size": promise["batch_size"] if promise["metric"] == "latency" else math.nan,
        "margin": promise["margin"],
        **with_interval("estimate", found.estimate),
        "about": found.about or "none",
        "examples": found.images,
        "models": found.models,
        "significance": significance,
        "p": found.test.better,
        "p_worse": found.test.worse,
        "images_to_decide": found.needed,
        "reason": found.reason,
    }


def main(input, output, params) -> None:
    """Read what the promises are about, write the verdicts in four forms."""
    given = SimpleNamespace(significance=params.significance, smallest_group=params.smallest_group)
    given.cost, given.robustness, given.pies = (
        load_table(path) if path else None for path in (input.cost, input.robustness, input.pies)
    )
    dense = load_population(input.ledger, "dense")["clean", 0]
    classes = load_manifest(input.data)["classes"]
    given.classes = dict(zip(classes, np.arange(len(classes))[:, None] == dense.label, strict=True))
    given.groups = {}
    if any(promise["metric"] == "worst_group" for promise in params.promises):
        columns = load_columns(input.annotations, dense.example)
        given.groups = {
            f"{grouping.name}: {group}": grouping.members(group)
            for grouping in groupings_of(columns, params.subgroups)
            for group in grouping.groups
        }
    given.top5, votes, rows = has_top5(input.ledger), {}, []
    for promise in params.promises:
        for level in promise["levels"]:
            if promise["metric"] in OF_VOTES:
                if level not in votes:
                    votes[level] = load_population(input.ledger, level)["clean", 0]
                    same_examples(dense, votes[level], level)
                found = of_votes(promise, dense, votes[level], params.designs[level] == "paired", given)
            else:
                found = of_tables(promise, level, given)
            rows.append(row_of(promise, level, found, params.significance))
    table = judged(pd.DataFrame(rows), params.significance)
    for row in table.itertuples():
        print(f"{row.level}, {row.metric} within {row.margin:g}: {row.verdict}")
    save_table(output.table, table)
    table = load_table(output.table)
    write_text(output.json, json.dumps(described(table, params), indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    write_text(output.markdown, markdown(table, params.study, params.inconclusive))
    write_text(output.junit, junit(table, params.study, params.inconclusive))


def described(table: pd.DataFrame, params) -> dict:
    """gate.json: what a program may read; NaN is null."""
    rows = [
        {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in row.items()}
        for row in table.to_dict("records")
    ]
    broken = [row for row in rows if row["verdict"] == "rejected"]
    unsure = [row for row in rows if row["verdict"] == "inconclusive"]
    passes = not broken and (params.inconclusive == "passes" or not unsure)
    return {"study": params.study, "passes": passes, "inconclusive": params.inconclusive, "promises": rows}


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
