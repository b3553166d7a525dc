"""pie_summary.csv: how many PIEs each level has beside the control and beside chance, and how hard they are."""

import math

import numpy as np
import pandas as pd

from scripts.lib.audit.intervals import UNDEFINED, fraction_mean, mcnemar, mean, rate
from scripts.lib.audit.modal import modal_labels
from scripts.lib.audit.pies import permutation_test
from scripts.lib.audit.verdicts import against_control
from scripts.lib.errors import InputError
from scripts.lib.job import logged
from scripts.lib.ledger import Votes, load_population, sparsity_of
from scripts.lib.streams import generator
from scripts.lib.tables import load_table, save_table, with_interval


def summarize_level(
    level: str,
    table: pd.DataFrame,
    control: np.ndarray,
    dense: Votes,
    compressed: Votes,
    significance: float,
    permutations: int,
) -> dict:
    """One row. table: the level's rows of pies.csv; control: bool[N], the control's PIEs in the same order."""
    pies = table.pie.to_numpy()
    n = len(pies)
    null = permutation_test(dense.votes, compressed.votes, permutations, generator("permutation test", level))
    excess = mean((table.dealt_pie - table.dealt_control).to_numpy(), significance)
    p = mcnemar(pies, control)
    verdict = against_control(excess, p, significance)
    if level == "control":
        excess, p, verdict = UNDEFINED, math.nan, "is the control"
    band = np.quantile(null.null, [significance / 2, 1 - significance / 2])
    row = {
        "level": level,
        "examples": n,
        "dense_models": len(dense.seed),
        "level_models": len(compressed.seed),
        "dense_ties": int(modal_labels(dense.votes).tied.sum()),
        "level_ties": int(modal_labels(compressed.votes).tied.sum()),
        "tie_rule": "largest label",
        "significance": significance,
        "pies": int(pies.sum()),
        **with_interval("pie_rate", rate(int(pies.sum()), n, significance)),
        "control_pies": int(control.sum()),
        **with_interval("control_rate", rate(int(control.sum()), n, significance)),
        **with_interval("excess_rate", excess),
        "p_control": p,
        "permutations": permutations,
        "null_mean": null.null.mean(),
        "null_low": band[0],
        "null_high": band[1],
        "p_permutation": null.p_value,
        "verdict": verdict,
    }
    for population, votes in (("dense", dense), ("level", compressed)):
        per_image = votes.correct.mean(axis=0)
        for group, chosen in (("pies", pies), ("others", ~pies), ("all", np.ones(n, dtype=bool))):
            top1 = fraction_mean(per_image[chosen], significance)
            row |= with_interval(f"{population}_top1_{group}", top1)
    return row


def main(input, output, params) -> None:
    """Read pies.csv and the clean suite of all levels, write pie_summary.csv."""
    table = load_table(input.pies)
    rows_of = dict(list(table.groupby("level")))
    control = rows_of["control"].pie.to_numpy()
    dense = load_population(input.ledger, "dense")["clean", 0]
    if not np.array_equal(rows_of["control"].example, dense.example):
        raise InputError(
            f"{input.pies} has other examples than the predictions, or another order: delete it, and snakemake makes it again."
        )
    rows = []
    for level in params.levels:
        compressed = load_population(input.ledger, level)["clean", 0]
        row = summarize_level(
            level, rows_of[level], control, dense, compressed, params.significance, params.permutations
        )
        row["sparsity"] = sparsity_of(input.ledger, level)
        print(f"{level}: {row['pies']} PIEs, control {row['control_pies']}: {row['verdict']}")
        rows.append(row)
    save_table(output.table, pd.DataFrame(rows))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
