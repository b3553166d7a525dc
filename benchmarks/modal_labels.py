"""How fast modal labels and the table of PIEs are made, beside one data-frame filter per image, the way of the released code.

    OMP_NUM_THREADS=1 python benchmarks/modal_labels.py [--rounds 5] [--filtered 200]

The votes are made from a seed: 50,000 images, 1,000 classes, 7 levels of 30 models. Filtering searches the whole frame for every
image, so its time is taken on some images, spread over the frame, and multiplied up to all; at the smallest size it is taken in full
too, to show what multiplying up is worth. All times are wall seconds of one thread, the median of rounds, or as said.

Writes benchmarks/results/modal_labels.json.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from made_votes import Images  # noqa: E402

from scripts.audit import find_pies, summarize_pies, trace_pies  # noqa: E402
from scripts.lib.audit.modal import modal_labels  # noqa: E402
from scripts.lib.audit.pies import pies_by_chance  # noqa: E402
from scripts.lib.ledger.predictions import load_population, save_ledger  # noqa: E402
from scripts.lib.ledger.schema import PROBABILITY, SCHEMA, TOP  # noqa: E402
from scripts.lib.tables.table import save_table  # noqa: E402

EXAMPLES, CLASSES, MODELS, DEALS, SUBSETS = 50_000, 1000, 30, 2000, 100
LEVELS = ["dense", "control", *(f"level-{level}" for level in range(1, 6))]
SMALLEST = 1000


def seconds(work: Callable[[], object], rounds: int) -> float:
    """The median time of some rounds."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def frame_of(votes: np.ndarray) -> pd.DataFrame:
    """One row for each model and image."""
    models, examples = votes.shape
    return pd.DataFrame({"image": np.tile(np.arange(examples), models), "prediction": votes.ravel()})


def filtered(frame: pd.DataFrame, image: int) -> int:
    """The modal label of one image; of equally frequent ones the largest."""
    return int(frame[frame.image == image].prediction.mode().max())


def beside_filtering(votes: np.ndarray, images: int, rounds: int) -> dict:
    """Both ways on the same votes, and that they say the same of the images that were filtered."""
    models, examples = votes.shape
    frame = frame_of(votes)
    some = np.linspace(0, examples - 1, min(images, examples)).astype(int)
    filtered(frame, 0)  # the first call of pandas takes longer
    start = time.perf_counter()
    labels = [filtered(frame, image) for image in some]
    each = (time.perf_counter() - start) / len(some)
    if labels != modal_labels(votes).label[some].tolist():
        raise SystemExit("the two ways differ: nothing is reported.")
    ours = seconds(lambda: modal_labels(votes), rounds)
    return {
        "models": models,
        "examples": examples,
        "votes": str(votes.dtype),
        "seconds": ours,
        "filtered_images": len(some),
        "filtering_seconds": each * examples,
        "filtering_is": "measured" if len(some) == examples else "multiplied up",
        "times_faster": each * examples / ours,
    }


def write_ledger(path: Path, level: str, votes: np.ndarray, label: np.ndarray) -> None:
    """A ledger of clean predictions; the ranks after the first and all probabilities say nothing."""
    examples = pa.array([f"val/{i:08d}" for i in range(votes.shape[1])]).dictionary_encode()
    clean = pa.array(["clean"] * votes.shape[1]).dictionary_encode()
    rest = {name: pa.array(np.full(votes.shape[1], 0.5, np.float32)) for name in (*PROBABILITY, "p_label", "p_squared")}
    blocks = []
    for seed, predictions in enumerate(votes):
        columns = {
            "example": examples,
            "label": pa.array(label, SCHEMA.field("label").type),
            "seed": pa.array(np.full(len(label), seed), SCHEMA.field("seed").type),
            "corruption": clean,
            "severity": pa.array(np.zeros(len(label)), SCHEMA.field("severity").type),
            **{
                name: pa.array((predictions + rank) % CLASSES, SCHEMA.field(name).type) for rank, name in enumerate(TOP)
            },
            **rest,
        }
        blocks.append(
            pa.Table.from_arrays([columns[name].cast(SCHEMA.field(name).type) for name in SCHEMA.names], schema=SCHEMA)
        )
    save_ledger(path, blocks, {"level": level, "classes": [str(c) for c in range(CLASSES)], "training": {}})


def tables(images: Images, rounds: int) -> dict:
    """The table of PIEs of all levels from ledger files, reading them apart, and the two tables after it."""
    designs = dict.fromkeys(LEVELS, "independent") | {LEVELS[-1]: "paired"}
    settings = {"designs": designs, "deals": DEALS, "permutations": DEALS, "subsets": SUBSETS}
    params = SimpleNamespace(levels=LEVELS[1:], tie_rule="largest", significance=0.05, **settings)
    with tempfile.TemporaryDirectory() as folder:
        paths = {level: Path(folder) / f"{level}.parquet" for level in LEVELS}
        dense = images.votes(MODELS, 0)
        for seed, level in enumerate(LEVELS):
            votes = images.drift(dense, 0.03, 100) if designs[level] == "paired" else images.votes(MODELS, seed)
            write_ledger(paths[level], level, votes, images.label[0])
        given = SimpleNamespace(ledger=list(paths.values()), pies=Path(folder) / "pies.csv")
        populations = {level: load_population([path], level)["clean", 0] for level, path in paths.items()}

        def table_of(levels: list[str]) -> None:
            others = {level: populations[level] for level in levels}
            made = find_pies.pies_of(populations["dense"], others, designs, DEALS, params.tie_rule)
            save_table(given.pies, made)

        unread = {
            len(levels): seconds(lambda levels=levels: table_of(levels), rounds)
            for levels in (LEVELS[1:2], LEVELS[1:4], LEVELS[1:])
        }
        reading = seconds(lambda: [load_population(given.ledger, level) for level in LEVELS], rounds)
        whole = {
            script.__name__.split(".")[-1]: seconds(lambda main=script.main, out=out: main(given, out, params), rounds)
            for script, out in (
                (find_pies, SimpleNamespace(table=given.pies)),
                (summarize_pies, SimpleNamespace(table=Path(folder) / "summary.csv")),
                (trace_pies, SimpleNamespace(table=Path(folder) / "curve.csv")),
            )
        }
    return {
        "levels": len(LEVELS),
        "models": len(LEVELS) * MODELS,
        "examples": EXAMPLES,
        "classes": CLASSES,
        "deals": DEALS,
        "subsets": SUBSETS,
        "reading_seconds": reading,
        "seconds_with_reading": whole,
        "find_pies_without_reading_seconds_by_levels_beside_dense": unread,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--filtered", type=int, default=200, help="images on which filtering is timed")
    options = parser.parse_args()
    if os.environ.get("OMP_NUM_THREADS") != "1":
        raise SystemExit("set OMP_NUM_THREADS=1: the times are of one thread.")
    images = Images(EXAMPLES, CLASSES, 0)
    votes = images.votes(100, 0)
    first, second = votes[:MODELS], votes[MODELS : 2 * MODELS]
    grown = [votes[:k, :n] for k, n in [(30, SMALLEST), (30, 5000), (10, EXAMPLES), (30, EXAMPLES), (100, EXAMPLES)]]
    print("modal labels")
    beside = [beside_filtering(some, options.filtered, options.rounds) for some in grown]
    beside.append(beside_filtering(grown[0], SMALLEST, options.rounds))
    beside.append(beside_filtering(first.astype(np.int64), options.filtered, options.rounds))
    print("PIEs by chance")
    tests = {
        design: seconds(
            lambda design=design: pies_by_chance(first, second, DEALS, np.random.default_rng(0), design),
            options.rounds,
        )
        for design in ("independent", "paired")
    }
    print("tables")
    found = {
        "machine": {
            "processor": next(
                (
                    line.split(":")[1].strip()
                    for line in Path("/proc/cpuinfo").read_text().splitlines()
                    if "model name" in line
                ),
                platform.processor(),
            ),
            "python": platform.python_version(),
            **{package: version(package) for package in ("numpy", "pandas", "pyarrow")},
        },
        "threads": 1,
        "rounds": options.rounds,
        "made_votes": {
            "pairwise_disagreement": float((first[0] != first[1]).mean()),
            "unanimous_of_60": float((votes[:60] == votes[0]).all(axis=0).mean()),
        },
        "modal_labels": beside,
        "pies_by_chance_seconds": {"models": 2 * MODELS, "examples": EXAMPLES, "deals": DEALS, **tests},
        "tables": tables(images, max(1, options.rounds // 2)),
    }
    (ROOT / "benchmarks" / "results" / "modal_labels.json").write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
