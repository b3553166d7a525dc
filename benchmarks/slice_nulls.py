"""How often slices are called different where nothing is compressed, and how often one is found in which more is lost.

    OMP_NUM_THREADS=1 python benchmarks/slice_nulls.py STUDY [draws]

The dense and the control models of a finished study that has slices, results/STUDY, are dealt into three populations, a dense one, a control
and a "level" that nothing distinguishes, and the images into two halves; then slices are found and tested as the audit does. `harm`: on so
large a share of the images of a cluster drawn at random all of the level's models predict another class. Draws share
models and images, so they are not independent, and the shares are those of these networks.

Writes benchmarks/results/slice_nulls.csv, a row for each study and harm.
"""

import os
import platform
import sys
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT)]

from scripts.lib.annotations.column import load_columns  # noqa: E402
from scripts.lib.audit.excess import excesses, uncompressed  # noqa: E402
from scripts.lib.audit.intervals import rate  # noqa: E402
from scripts.lib.audit.modal import modal_labels  # noqa: E402
from scripts.lib.audit.multiple import benjamini_hochberg  # noqa: E402
from scripts.lib.audit.pies import dealt_pies  # noqa: E402
from scripts.lib.audit.slice_candidates import cluster_slices, kept_slices, statistic_slices  # noqa: E402
from scripts.lib.audit.slices import beside_control  # noqa: E402
from scripts.lib.data.feature_file import load_features  # noqa: E402
from scripts.lib.jobs.streams import generator  # noqa: E402
from scripts.lib.ledger.predictions import load_population  # noqa: E402
from scripts.lib.tables.table import save_table  # noqa: E402

SIGNIFICANCE, DEALS, MOST, SMALLEST = 0.05, 200, 10, 50
IMAGES, CLUSTERS = 300, 20  # of a cluster, and clusters at most
HARMS = (0.0, 0.1, 0.2)


def draw(votes: np.ndarray, features: np.ndarray, statistics: dict, harm: float, random: np.random.Generator) -> dict:
    """What is found in one draw; votes: int[K, N] of all uncompressed models."""
    models, n = votes.shape
    dense, control, level = np.split(votes[random.permutation(models)[: models // 3 * 3]], 3)
    discovery = np.flatnonzero(random.random(n) < 0.5)
    testing = np.ones(n, dtype=bool)
    testing[discovery] = False
    clusters = cluster_slices(features, discovery, min(CLUSTERS, n // IMAGES), random)
    inside = np.stack([*clusters.values(), *statistic_slices(statistics, discovery).values()])
    large = [place for place in range(len(clusters)) if inside[place][discovery].sum() >= SMALLEST]
    harmed = inside[random.choice(large)]
    lost = harmed & (random.random(n) < harm)
    level = np.where(lost, (level + 1) % (votes.max() + 1), level)
    labels = modal_labels(level).label[None]
    level_differs, dense_differs = dealt_pies(dense, control, labels, DEALS, random)
    scores = level_differs[0] - dense_differs
    kept = kept_slices(inside[:, ~testing], scores[~testing], MOST, SMALLEST)
    found = {"kept": len(kept), "p": np.zeros(0), "images": int(harmed.sum()), "planted": False}
    if kept:
        groups = np.concatenate([inside[kept] & testing, ~inside[kept] & testing])
        reference = uncompressed(dense, control, {"independent": random}, "largest")
        tests = excesses(scores, reference, level, "independent", groups, DEALS, (random, random), SIGNIFICANCE)
        found["p"] = np.array([beside_control(tests, place, len(kept) + place).p for place in range(len(kept))])
        q = benjamini_hochberg(found["p"])
        which = [place for place, each in enumerate(kept) if (inside[each] == harmed).all()]
        found["planted"] = bool(which) and bool(q[which[0]] <= SIGNIFICANCE)
    return found


def main(study: str, draws: int) -> None:
    """Draw, print and write."""
    folder = ROOT / "results" / study
    ledger = sorted((folder / "predictions").glob("*/*/clean.parquet"))
    populations = [load_population(ledger, level)["clean", 0] for level in ("dense", "control")]
    votes, example = np.concatenate([each.votes for each in populations]), populations[0].example
    features = load_features(folder / "data" / "features.parquet", example).values
    columns = load_columns([folder / "data" / "image_statistics.parquet"], example)
    statistics = {name: column.values for name, column in columns.items()}
    rows = []
    for harm in HARMS:
        found = [
            draw(votes, features, statistics, harm, generator("slice nulls", study, harm, turn))
            for turn in range(draws)
        ]
        p = np.concatenate([each["p"] for each in found])
        any_ = sum(bool((benjamini_hochberg(each["p"]) <= SIGNIFICANCE).any()) for each in found)
        counts = {
            "tests_found": (int((p <= SIGNIFICANCE).sum()), len(p)),
            "studies_found": (any_, draws),
            "planted_found": (sum(each["planted"] for each in found), draws) if harm else (0, 0),  # nothing to find
        }
        row = {"study": study, "images": len(example), "models": len(votes) // 3, "harm": harm, "draws": draws}
        row |= {
            "kept": np.mean([each["kept"] for each in found]),
            "images_harmed": np.mean([each["images"] for each in found]),
        }
        for name, (positive, of) in counts.items():
            share = rate(positive, of, SIGNIFICANCE)
            row |= {name: share.value, f"{name}_low": share.low, f"{name}_high": share.high}
        rows.append(
            row | {"machine": f"{platform.machine()}, {os.cpu_count()} cores", "python": platform.python_version()}
        )
        print(row, flush=True)
    path = ROOT / "benchmarks" / "results" / "slice_nulls.csv"
    before = [pd.read_csv(path).query("study != @study")] if path.exists() else []
    save_table(path, pd.concat([*before, pd.DataFrame(rows)]))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 200)
