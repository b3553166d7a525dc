"""The rows of corrupted_pies.csv: PIEs among the images of one corruption and severity."""

import math

import numpy as np
import pandas as pd

from scripts.lib.audit.excess import UNKNOWN
from scripts.lib.audit.intervals import fraction_mean, mcnemar, rate
from scripts.lib.audit.multiple import benjamini_hochberg
from scripts.lib.audit.verdicts import against_control
from scripts.lib.ledger.predictions import Votes
from scripts.lib.tables.pie_table import compared_counts, design_of, excess_columns, excesses_of, uncompressed_of
from scripts.lib.tables.table import with_interval

# Deals of the models for one p-value: as many as leave one finding among 95 variants a chance after adjustment.
PERMUTATIONS = 2000


def rows_of_variant(
    pies: pd.DataFrame,
    votes: dict[str, Votes],
    variant: tuple[str, int],
    deals: int,
    tie_rule: str,
    significance: float,
) -> list[dict]:
    """One row a level; pies: rows as of pies.csv of all levels for this variant, in which one level is the control; votes: those of
    the levels and of `dense`.

    All columns are what they are in pie_summary.csv. All variants deal and halve the models alike. deals: for the excess, PERMUTATIONS
    are for its p-value.
    """
    dense = votes["dense"]
    reference = uncompressed_of(dense, votes["control"], pies.design, tie_rule)
    everything = np.ones((1, len(dense.example)), dtype=bool)
    dense_right = dense.correct.mean(axis=0)
    control_pies = pies[pies.level == "control"].pie.to_numpy()
    rows = []
    for level, table in pies.groupby("level", sort=False):
        found = table.pie.to_numpy()
        n = len(found)
        if level == "control":
            excess, p_counts, verdict = UNKNOWN, math.nan, "is the control"
        else:
            both = excesses_of(level, table, reference, votes[level], everything, PERMUTATIONS, significance)
            excess, p_counts = both.of(0), mcnemar(*compared_counts(table, control_pies))
            verdict = against_control(excess.estimate, excess.p_permutation, both.least_p, significance)
        rows.append(
            {
                "level": level,
                "corruption": variant[0],
                "severity": variant[1],
                "design": design_of(table),
                "examples": n,
                "dense_models": len(dense.seed),
                "level_models": int(table.level_models.iloc[0]),
                "tie_rule": tie_rule,
                "significance": significance,
                "deals": deals,
                "permutations": PERMUTATIONS,
                "pies": int(found.sum()),
                **with_interval("pie_rate", rate(int(found.sum()), n, significance)),
                "control_pies": int(control_pies.sum()),
                **with_interval("control_rate", rate(int(control_pies.sum()), n, significance)),
                **excess_columns(excess),
                "p_these_models": p_counts,
                "verdict": verdict,
                "dense_ties": int(table.dense_tied.sum()),
                "level_ties": int(table.level_tied.sum()),
                **with_interval("dense_top1_pies", fraction_mean(dense_right[found], significance)),
                **with_interval("dense_top1_all", fraction_mean(dense_right, significance)),
            }
        )
    return rows


def with_adjusted(table: pd.DataFrame) -> pd.DataFrame:
    """The table with `q_excess`, p_excess adjusted for the corruptions and severities of the level (Benjamini-Hochberg)."""
    adjusted = table.groupby("level", sort=False).p_excess.transform(lambda p: benjamini_hochberg(p.to_numpy()))
    place = list(table.columns).index("p_excess") + 1
    table.insert(place, "q_excess", np.asarray(adjusted))
    return table
