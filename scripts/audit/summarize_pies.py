"""pie_summary.csv: how many PIEs each level has beside the control and beside chance, and how hard they are."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd

from scripts.lib.audit.churn_test import churn_test
from scripts.lib.audit.excess import UNKNOWN, Uncompressed
from scripts.lib.audit.intervals import fraction_mean, mcnemar, mean, rate
from scripts.lib.audit.modal import TIE_RULES
from scripts.lib.audit.multiple import holm
from scripts.lib.audit.pies import pies_by_chance
from scripts.lib.audit.verdicts import against_control, of_study
from scripts.lib.jobs.job import logged
from scripts.lib.jobs.streams import generator
from scripts.lib.ledger.predictions import Votes, load_population, same_seeds, sparsity_of
from scripts.lib.tables.pie_table import (
    compared_counts,
    design_of,
    excess_columns,
    excesses_of,
    pies_by,
    same_order,
    tied,
    uncompressed_of,
)
from scripts.lib.tables.table import load_table, save_table, with_interval


def summarize_level(
    level: str,
    table: pd.DataFrame,
    control: pd.DataFrame,
    dense: Votes,
    compressed: Votes,
    reference: Uncompressed,
    significance: float,
    permutations: int,
    tie_rule: str,
) -> dict:
    """One row. table, control: the rows of pies.csv of the level and of the control, in the same order; reference: the
    dense and the control models, halved.

    `excess_rate` is over the control in both designs (find_pies.py says how), with an interval over images and models; `se_images`
    and `se_models` are the standard errors that it is made of. `p_excess` is the larger of `p_interval`, the interval's own
    p-value, and `p_permutation`, that the votes differ only by chance (audit/churn_test.py): the verdict needs both. The control's
    votes are held against those of the dense models.
    `p_these_models` is the exact McNemar test of the two counts, which is about other images but these models only.
    `excess_over_null` is the count less the mean of the design's own null, as a share of the images; what compression moved stays
    among the votes that are dealt or swapped, so that null is too high where there is an effect, and this excess too low. All
    intervals but that of `excess_rate` are over images, the models taken as they are.
    """
    design = design_of(table)
    if design == "paired":
        same_seeds(dense, compressed, level)
    pies, control_pies = table.pie.to_numpy(), control.pie.to_numpy()
    n = len(pies)
    chance = pies_by_chance(
        dense.votes, compressed.votes, permutations, generator("permutation test", level), design, tie_rule
    )
    over_null = mean(pies - chance.share, significance)
    if level == "control":
        (p,) = churn_test(dense.votes, compressed.votes, permutations, generator("votes", level))
        excess, p_counts, verdict = replace(UNKNOWN, p_permutation=float(p)), math.nan, "is the control"
    else:
        everything = np.ones((1, n), dtype=bool)
        found = excesses_of(level, table, reference, compressed, everything, permutations, significance)
        excess, p_counts = found.of(0), mcnemar(*compared_counts(table, control_pies))
        verdict = against_control(excess.estimate, excess.p_permutation, found.least_p, significance)
    band = np.quantile(chance.null, [significance / 2, 1 - significance / 2])
    row = {
        "level": level,
        "design": design,
        "examples": n,
        "dense_models": len(dense.seed),
        "level_models": len(compressed.seed),
        "tie_rule": tie_rule,
        "significance": significance,
        "pies": int(pies.sum()),
        **with_interval("pie_rate", rate(int(pies.sum()), n, significance)),
        "control_pies": int(control_pies.sum()),
        **with_interval("control_rate", rate(int(control_pies.sum()), n, significance)),
        **excess_columns(excess),
        "p_these_models": p_counts,
        "permutations": permutations,
        "null_mean": chance.null.mean(),
        "null_low": band[0],
        "null_high": band[1],
        **with_interval("excess_over_null", over_null),
        "verdict": verdict,
        "dense_ties": int(table.dense_tied.sum()),
        "level_ties": int(table.level_tied.sum()),
        "tied": int(tied(table).sum()),
        "control_tied": int(tied(control).sum()),
    }
    for rule in TIE_RULES:
        row |= {
            f"pies_{rule}": int(pies_by(rule, table).sum()),
            f"control_pies_{rule}": int(pies_by(rule, control).sum()),
        }
    for population, votes in (("dense", dense), ("level", compressed)):
        per_image = votes.correct.mean(axis=0)
        for group, chosen in (("pies", pies), ("others", ~pies), ("all", np.ones(n, dtype=bool))):
            top1 = fraction_mean(per_image[chosen], significance)
            row |= with_interval(f"{population}_top1_{group}", top1)
    return row


def with_study_verdicts(table: pd.DataFrame) -> pd.DataFrame:
    """The table with `p_holm`, p_excess adjusted for all levels of the study (Holm), and the verdict that hangs on it.

    The probability that any level of which compression changes nothing gets such a verdict is at most `significance`.
    """
    place = list(table.columns).index("verdict") + 1
    adjusted = holm(table.p_excess.to_numpy())
    verdicts = map(of_study, table.verdict, adjusted, table.significance)
    table.insert(place, "p_holm", adjusted)
    table.insert(place + 1, "verdict_study", list(verdicts))
    return table


def main(input, output, params) -> None:
    """Read pies.csv and the clean suite of all levels, write pie_summary.csv."""
    table = load_table(input.pies)
    rows_of = dict(list(table.groupby("level")))
    dense, control = (load_population(input.ledger, level)["clean", 0] for level in ("dense", "control"))
    same_order(input.pies, rows_of["control"], dense)
    reference = uncompressed_of(dense, control, table.design, params.tie_rule)
    rows = []
    for level in params.levels:
        row = summarize_level(
            level,
            rows_of[level],
            rows_of["control"],
            dense,
            load_population(input.ledger, level)["clean", 0],
            reference,
            params.significance,
            params.permutations,
            params.tie_rule,
        )
        row["sparsity"] = sparsity_of(input.ledger, level)
        print(f"{level}: {row['pies']} PIEs, control {row['control_pies']}: {row['verdict']}")
        rows.append(row)
    save_table(output.table, with_study_verdicts(pd.DataFrame(rows)))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
