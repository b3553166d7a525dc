"""robustness.csv: top-1 and top-5 of every level under every corruption and severity, and relative to dense."""

import numpy as np
import pandas as pd

from scripts.lib.audit.intervals import UNDEFINED, fraction_mean, mean
from scripts.lib.job import logged
from scripts.lib.ledger import Votes, has_top5, load_population, same_examples
from scripts.lib.tables import save_table, with_interval


def measure(
    level: str, corruption: str, severity: int, dense: Votes, compressed: Votes, top5: bool, significance: float
) -> dict:
    """One row. Intervals are over images, the models taken as they are; a difference is that of the same images.

    top5: whether top-5 accuracy means something, as `has_top5` says.
    """
    same_examples(dense, compressed, f"{level}, {corruption} {severity}")
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
        per_image, dense_per_image = after.mean(axis=0), before.mean(axis=0)
        value, change = (
            fraction_mean(per_image, significance),
            mean((per_image - dense_per_image).round(12) + 0.0, significance),
        )
        relative = per_image.mean() / dense_per_image.mean() if dense_per_image.any() else np.nan
        if name == "top5" and not top5:
            value = change = UNDEFINED
            relative = np.nan
        row |= with_interval(name, value) | with_interval(f"{name}_change", change) | {f"{name}_relative": relative}
    return row


def main(input, output, params) -> None:
    """Read all suites of all levels, write robustness.csv. The clean row has the examples that are corrupted, if any are."""
    dense = load_population(input.ledger, "dense")
    top5 = has_top5(input.ledger)
    order = ["clean", *params.corruptions]
    variants = sorted(dense, key=lambda variant: (order.index(variant[0]), variant[1]))
    corrupted = next((dense[variant].example for variant in variants if variant[0] != "clean"), None)
    rows = []
    for level in params.levels:
        compressed = load_population(input.ledger, level)
        for variant in variants:
            before, after = dense[variant], compressed[variant]
            if variant[0] == "clean" and corrupted is not None:
                before, after = before.restricted_to(corrupted), after.restricted_to(corrupted)
            rows.append(measure(level, *variant, before, after, top5, params.significance))
        print(f"{level}: {len(variants)} variants")
    save_table(output.table, pd.DataFrame(rows))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
