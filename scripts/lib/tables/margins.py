"""Logit margins and the probabilities behind them out of the ledger, for the clean test images of one level."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scripts.lib.audit.margins import logit_margins
from scripts.lib.ledger.predictions import describe

COLUMNS = ["seed", "corruption", "label", "top1", "p1", "p2", "p_label"]


def load_margins(paths: list[str | Path], level: str) -> np.ndarray:
    """Logit margins of all models of a level, float64[K, N], in the order of `load_population`, which vouches for the files."""
    return logit_margins(*load_probabilities(paths, level))


def load_probabilities(paths: list[str | Path], level: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities of the label and of the two most probable classes, float32[K, N] each, and whether the first is the label, bool[K, N].

    paths: prediction files of several levels; those of the level are told by their metadata. In the order of `load_population`.
    """
    of_seed = {}
    for path in paths:
        if describe(path)["level"] != level:
            continue
        table = pq.read_table(path, columns=COLUMNS)
        table = table.filter(pc.equal(table["corruption"].cast(pa.string()), "clean"))
        columns = {name: table[name].to_numpy() for name in COLUMNS if name != "corruption"}
        for seed in np.unique(columns["seed"]):
            label, top1, p1, p2, p_label = (columns[name][columns["seed"] == seed] for name in COLUMNS[2:])
            of_seed[int(seed)] = p_label, p1, p2, label == top1
    p_label, p1, p2, correct = (
        np.stack(each) for each in zip(*(of_seed[seed] for seed in sorted(of_seed)), strict=True)
    )
    return p_label, p1, p2, correct
