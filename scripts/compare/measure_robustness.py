"""robustness.csv: top-1 and top-5 of every level under every corruption and severity, and relative to dense;
robustness_summary.csv: what the corruptions come to, as mean corruption errors and excess errors;
corrupted_pies.csv: PIEs among corrupted images.
"""

import numpy as np

from scripts.lib.audit.crossed import share_of
from scripts.lib.audit.intervals import UNDEFINED
from scripts.lib.audit.subgroups import share
from scripts.lib.data.dataset import load_manifest
from scripts.lib.jobs.job import logged
from scripts.lib.ledger.predictions import Votes, describe, has_top5, same_examples
from scripts.lib.tables.corrupted_pies import rows_of_variant, with_adjusted
from scripts.lib.tables.corruption_summary import ALEXNET, DENSE, check_alexnet, summary_of
from scripts.lib.tables.pies import pies_of
from scripts.lib.tables.table import save_table, with_interval
from scripts.lib.tables.variants import Variant, in_order, level_by_level, severities_of, variants_of

# Deals of the dense and control models for the excess of PIEs under one corruption and severity. What luck of the deals remains
# is a 200th of that of one deal; there are up to 95 variants to deal for.
DEALS = 200


def measure(
    level: str,
    corruption: str,
    severity: int,
    dense: Votes,
    compressed: Votes,
    top5: bool,
    significance: float,
    paired: bool = False,
) -> dict:
    """One row of robustness.csv. Intervals are over images and models; a difference is that of the same images.

    top5: whether top-5 accuracy means something, as `has_top5` says; paired: whether the level's models are the dense ones, compressed.
    """
    same_examples(dense, compressed, f"{level}, {corruption} {severity}")
    everything = np.ones(len(dense.example), dtype=bool)
    row: dict = {
        "level": level,
        "corruption": corruption,
        "severity": severity,
        "examples": len(dense.example),
        "dense_models": len(dense.seed),
        "level_models": len(compressed.seed),
        "significance": significance,
    }
    for name, before, after in (
        ("top1", dense.correct, compressed.correct),
        ("top5", dense.correct_top5, compressed.correct_top5),
    ):
        own, reference = (
            share_of(population, right, everything)
            for population, right in ((DENSE if paired else level, after), (DENSE, before))
        )
        value, change = share(own, significance), (own - reference).estimate(significance)
        relative = own.value / reference.value if reference.value else np.nan
        if name == "top5" and not top5:
            value = change = UNDEFINED
            relative = np.nan
        row |= with_interval(name, value) | with_interval(f"{name}_change", change) | {f"{name}_relative": relative}
    return row


def main(input, output, params) -> None:
    """Read all suites of all levels one after the other, write the three tables."""
    top5 = has_top5(input.ledger)
    if params.reference == ALEXNET:
        check_alexnet(len(describe(input.ledger[0])["classes"]), load_manifest(input.data).get("image_size"))
    rows: dict[Variant, list[dict]] = {}
    found: dict[Variant, list[dict]] = {}
    wrong: dict[str, dict[str, np.ndarray]] = {level: {} for level in params.levels}
    for variant, votes in variants_of(input.ledger, params.levels):
        corruption, severity = variant
        here = rows[variant] = []
        for level, compressed in votes.items():
            paired = level == DENSE or params.designs[level] == "paired"
            here.append(
                measure(level, corruption, severity, votes[DENSE], compressed, top5, params.significance, paired)
            )
            errs = (~compressed.correct).astype(np.uint8)
            wrong[level][corruption] = wrong[level].get(corruption, 0) + errs
        compressed = {level: each for level, each in votes.items() if level != DENSE}
        pies = pies_of(votes[DENSE], compressed, params.designs, DEALS, params.tie_rule)
        found[variant] = rows_of_variant(pies, votes, variant, DEALS, params.tie_rule, params.significance)
        accuracies = ", ".join(f"{row['level']} {100 * row['top1']:.1f} %" for row in here)
        print(f"{corruption} {severity}: top-1 {accuracies}")
    variants = in_order(rows, params.corruptions)
    save_table(output.table, level_by_level(rows, variants))
    save_table(output.pies, with_adjusted(level_by_level(found, variants)))
    summary = summary_of(
        wrong,
        severities_of(variants),
        rows["clean", 0],
        params.designs,
        params.reference,
        params.resamples,
    )
    save_table(output.summary, summary)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
