"""pair_robustness.csv: what two networks make of the images under every corruption and severity, network by network;
robustness_summary.csv: what the corruptions come to, as mean corruption errors and excess errors.
"""

import numpy as np
import pandas as pd

from scripts.lib.audit.intervals import rate
from scripts.lib.audit.multiple import benjamini_hochberg
from scripts.lib.data.dataset import load_manifest
from scripts.lib.jobs.job import logged
from scripts.lib.ledger.predictions import describe
from scripts.lib.tables.corruption_summary import ALEXNET, check_alexnet, summary_of
from scripts.lib.tables.pair_table import Pair, change_columns, changed, pairs_of
from scripts.lib.tables.table import save_table, with_interval
from scripts.lib.tables.variants import DENSE, Variant, in_order, severities_of, variants_of


def measure(pair: Pair, variant: Variant, significance: float) -> dict:
    """One row: a network under one corruption and severity, beside the dense one on the same images."""
    n, found = len(pair.dense.label), pair.flips
    flips = int(found.any.sum())
    return {
        **pair.about,
        "corruption": variant[0],
        "severity": variant[1],
        "examples": n,
        "significance": significance,
        **with_interval("dense_top1", rate(int(pair.dense.correct.sum()), n, significance)),
        **with_interval("level_top1", rate(int(pair.own.correct.sum()), n, significance)),
        "flips": flips,
        **with_interval("flip_rate", rate(flips, n, significance)),
        "lost": int(found.lost.sum()),
        "gained": int(found.gained.sum()),
        **change_columns("top1", changed(pair.dense.correct[0], pair.own.correct[0], significance)),
    }


def main(input, output, params) -> None:
    """Read all suites of all levels one after the other, write both tables."""
    if params.reference == ALEXNET:
        check_alexnet(len(describe(input.ledger[0])["classes"]), load_manifest(input.data).get("image_size"))
    rows: dict[Variant, list[dict]] = {}
    clean: list[dict] = []
    wrong: dict[str, dict[str, np.ndarray]] = {level: {} for level in params.levels}
    for variant, votes in variants_of(input.ledger, params.levels):
        dense = votes[DENSE]
        rows[variant] = []
        for level, own in votes.items():
            if level != DENSE:
                pairs = pairs_of(level, params.designs[level], dense, own)
                rows[variant] += [measure(pair, variant, params.significance) for pair in pairs]
            if variant == ("clean", 0):
                models = {"dense_models": len(dense.seed), "level_models": len(own.seed)}
                clean.append({"examples": len(dense.example), **models, "significance": params.significance})
            errs = (~own.correct).astype(np.uint8)
            wrong[level][variant[0]] = wrong[level].get(variant[0], 0) + errs
        print(f"{variant[0]} {variant[1]}: top-1 of dense {100 * dense.correct.mean():.1f} %")
    variants = in_order(rows, params.corruptions)
    table = pd.DataFrame([row for variant in variants for row in rows[variant]])
    table = table.sort_values(["level", "seed"], key=_in_study_order(params.levels), kind="stable", ignore_index=True)
    corrupted = table.corruption != "clean"
    table["q_top1"] = np.nan
    for _, part in table[corrupted].groupby(["level", "seed"]):
        table.loc[part.index, "q_top1"] = benjamini_hochberg(part.p_top1.to_numpy())
    save_table(output.table, table)
    summary = summary_of(wrong, severities_of(variants), clean, params.designs, params.reference, params.resamples)
    save_table(output.summary, summary)


def _in_study_order(levels: list[str]):
    """A key for sorting rows: levels as the study has them, other columns as they are."""
    return lambda column: column.map(levels.index) if column.name == "level" else column


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
