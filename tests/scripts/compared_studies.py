"""Finished studies whose costs are known, below a folder, and their comparison."""

from types import SimpleNamespace as Names

import numpy as np
import pandas as pd

from scripts.across import compare_studies
from scripts.lib.data.dataset import save_manifest
from scripts.lib.tables.table import save_table


def costs(levels, forgotten, column, speedups):
    """A table of cost with these levels at two batch sizes, at the larger one without gain; column: what is forgotten."""
    parts = []
    for batch_size, speedup in ((1, np.array(speedups)), (256, np.minimum(speedups, 0.9))):
        table = pd.DataFrame({"level": levels, "batch_size": batch_size, "examples": 100, "significance": 0.05})
        for end, shift in (("", 0.0), ("_low", -0.01), ("_high", 0.01)):
            table[f"speedup{end}"] = speedup + shift
            table[f"{column}{end}"] = np.array(forgotten) + shift / 10
        parts.append(table.assign(weights_relative=0.5, top1_change=-0.01, verdict="<b>exceeds</b>"))
    return pd.concat(parts)


def make_studies(folder):
    """Two studies of populations, a and b, and one of files, c, all of the same images."""
    of_populations = {"a": (["control", "x"], [0.0, 0.05], [1.0, 2.0]), "b": (["y", "z"], [0.02, 0.09], [2.5, 1.5])}
    for study, (levels, forgotten, speedups) in of_populations.items():
        table = costs(levels, forgotten, "excess_rate", speedups).assign(models=5)
        (folder / f"results/{study}/tables").mkdir(parents=True)
        save_table(folder / f"results/{study}/tables/cost_and_forgetting.csv", table)
    (folder / "results/c/tables").mkdir(parents=True)
    save_table(folder / "results/c/tables/pair_cost.csv", costs(["w"], [0.5], "flip_rate", [np.nan]))
    same = {"classes": ["k"], "image_size": [8, 8], "sha256": {"test": "1"}}
    for study in "abc":
        (folder / f"results/{study}/data").mkdir()
        save_manifest(folder / f"results/{study}/data/manifest.json", same)


def compare(names) -> Names:
    """The comparison of studies of the current folder, one letter each."""
    endings = {"table": "csv", "markdown": "md", "page": "html"}
    output = Names(**{name: f"results/{'+'.join(names)}.{ending}" for name, ending in endings.items()})
    compare_studies.main(None, output, Names(studies=list(names)))
    return output
