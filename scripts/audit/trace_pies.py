"""pie_curve.csv: the PIE count of every level over the number of models, beside the control's and beside chance."""

import numpy as np
import pandas as pd

from scripts.lib.audit.curve import Counts, count_at, sizes
from scripts.lib.jobs.job import logged
from scripts.lib.jobs.streams import generator
from scripts.lib.ledger.predictions import Votes, load_population, same_examples, same_seeds
from scripts.lib.tables.table import save_table


def curve_of(
    level: str, dense: Votes, compressed: Votes, design: str, subsets: int, tie_rule: str
) -> dict[int, Counts]:
    """The counts of a level by the number of models of each population; InputError for other examples, or other seeds of pairs."""
    same_examples(dense, compressed, level)
    if design == "paired":
        same_seeds(dense, compressed, level)
    votes = dense.votes, compressed.votes
    return {
        size: count_at(size, *votes, subsets, generator("pie curve", level, size), design, tie_rule)
        for size in sizes(min(map(len, votes)))
    }


def rows_of(curve: dict[int, Counts], control: dict[int, Counts], significance: float) -> list[dict]:
    """One row for each number of models; NaN where the control has fewer models than that."""
    return [
        {
            "models": size,
            **_mean_and_band("pies", counts.pies, significance),
            **_mean_and_band("null", counts.null, significance),
            **_mean_and_band("control", control[size].pies if size in control else np.array([np.nan]), significance),
            "tied_mean": counts.tied.mean(),
            "pies_untied_mean": counts.pies_untied.mean(),
        }
        for size, counts in curve.items()
    ]


def _mean_and_band(name: str, counts: np.ndarray, significance: float) -> dict[str, float]:
    low, high = np.quantile(counts, [significance / 2, 1 - significance / 2])
    return {f"{name}_mean": counts.mean(), f"{name}_low": low, f"{name}_high": high}


def main(input, output, params) -> None:
    """Read the clean suite of all levels, write pie_curve.csv."""
    dense = load_population(input.ledger, "dense")["clean", 0]
    control: dict[int, Counts] = {}
    parts = {}
    for level in sorted(params.levels, key=lambda level: level != "control"):  # the others stand beside it
        compressed = load_population(input.ledger, level)["clean", 0]
        design = params.designs[level]
        curve = curve_of(level, dense, compressed, design, params.subsets, params.tie_rule)
        control = control or curve
        about = {
            "level": level,
            "design": design,
            "examples": len(dense.example),
            "dense_models": len(dense.seed),
            "level_models": len(compressed.seed),
            "subsets": params.subsets,
            "tie_rule": params.tie_rule,
            "significance": params.significance,
        }
        parts[level] = [about | row for row in rows_of(curve, control, params.significance)]
        least, most = parts[level][0], parts[level][-1]
        print(f"{level}: {least['pies_mean']:.0f} PIEs with one model, {most['pies_mean']:.0f} with {most['models']}")
    save_table(output.table, pd.DataFrame([row for level in params.levels for row in parts[level]]))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
