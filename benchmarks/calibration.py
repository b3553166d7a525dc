"""How often the verdict of PIEs sees an effect where there is none, how often it finds one that is, and how often its interval is right.

    OMP_NUM_THREADS=1 python benchmarks/calibration.py --rounds 30
    OMP_NUM_THREADS=1 python benchmarks/calibration.py --rounds 30 --networks results/demo

Made studies (made_studies.py): a dense population, a control and six levels, whose networks err on each image by itself or alike on
similar images. Each study is audited as the workflow does it. A round draws a few studies of every size; results are written after
each, so a run that is stopped leaves what it has, with the number of studies in every row.

With --networks the dense and the control models of a finished study are dealt into three populations, a dense one, a control and a "level"
that nothing distinguishes. Draws share models, so the shares are estimates of their own.

Writes benchmarks/results/calibration.csv: one row for each size, level and thing that is counted, with Wilson intervals.
"""

import argparse
import math
import os
import platform
import sys
import time
from collections import defaultdict
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from made_studies import LEVELS, draw_study  # noqa: E402

from scripts.lib.audit.excess import Excess, excesses, uncompressed  # noqa: E402
from scripts.lib.audit.intervals import mcnemar, mean, rate  # noqa: E402
from scripts.lib.audit.modal import differ, modal_labels  # noqa: E402
from scripts.lib.audit.multiple import holm  # noqa: E402
from scripts.lib.audit.pies import dealt_pies  # noqa: E402
from scripts.lib.jobs.streams import generator  # noqa: E402
from scripts.lib.ledger.predictions import load_population  # noqa: E402
from scripts.lib.tables.table import save_table  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "calibration.csv"
SIGNIFICANCE, DEALS, PERMUTATIONS = 0.05, 60, 499
FEW, MANY = (2, 3, 6, 10, 30), (3, 6, 10)
# World, correlation, images and models, and how many studies a round draws of them.
SIZES = [
    *(("features", 0.8, 400, models, 10) for models in FEW),
    *(("features", 0.8, 3000, models, 5) for models in FEW),
    *(("features", 0.8, 20_000, models, 4) for models in FEW[:4]),
    *(("features", 0.8, 50_000, models, 3) for models in MANY),
    ("features", 0.8, 20_000, 30, 1),
    ("features", 0.8, 50_000, 30, 1),
    ("features", 0.5, 20_000, 6, 3),
    *(("independent", 0.0, images, 6, 3) for images in (400, 3000, 20_000)),
]


def audit(
    dense: np.ndarray, control: np.ndarray, levels: dict[str, np.ndarray], random: np.random.Generator
) -> dict[str, dict[str, float]]:
    """What the audit says of each level of a study, from votes int[K, N]."""
    modes = {level: modal_labels(votes).label for level, votes in levels.items()}
    before, other = modal_labels(dense).label, modal_labels(control).label
    designs = {LEVELS[level].design: random for level in levels}
    reference = uncompressed(dense, control, designs, "largest")
    dealt, chance = dealt_pies(dense, control, np.stack(list(modes.values())), DEALS, random)
    some = np.arange(dense.shape[1]) % 5 == 0
    groups = np.stack([np.ones(len(some), dtype=bool), some, ~some])
    said = {}
    for place, (level, votes) in enumerate(levels.items()):
        design = LEVELS[level].design
        counts = differ(before, modes[level]), differ(before, other)
        differences = dealt[place] - chance
        if design == "paired":
            counts = differ(other, modes[level]), differ(other, before)
            differences = counts[0].astype(np.float64) - counts[1]
        found = excesses(differences, reference, votes, design, groups, PERMUTATIONS, (random, random), SIGNIFICANCE)
        said[level] = row_of(found.of(0), mean(differences, SIGNIFICANCE), mcnemar(*counts))
        beyond = found.beyond(1, 2)
        said[level]["difference of two groups' excesses: interval excludes 0"] = beyond.low > 0 or beyond.high < 0
    adjusted = holm(np.array([row["p"] for row in said.values()]))
    for row, p in zip(said.values(), adjusted, strict=True):
        row["verdict of the study (Holm)"] = p <= SIGNIFICANCE
    return said


def row_of(excess: Excess, images_only, p_counts: float) -> dict[str, float]:
    low, high = images_only.low, images_only.high
    of_these = low > 0 or high < 0
    return {
        "excess": excess.estimate.value,
        "low": excess.estimate.low,
        "high": excess.estimate.high,
        "images_low": low,
        "images_high": high,
        "se_images": excess.se_images,
        "se_models": excess.se_models,
        "p": excess.p,
        "verdict": excess.p <= SIGNIFICANCE,
        "interval excludes 0": excess.p_interval <= SIGNIFICANCE,
        "votes differ (permutation test)": excess.p_permutation <= SIGNIFICANCE,
        "interval over images alone excludes 0": of_these,
        "McNemar test of the counts": p_counts <= SIGNIFICANCE,
        "interval over images alone and McNemar test": of_these and p_counts <= SIGNIFICANCE,
    }


COUNTED = [
    "verdict",
    "verdict of the study (Holm)",
    "interval excludes 0",
    "votes differ (permutation test)",
    "difference of two groups' excesses: interval excludes 0",
    "interval over images alone excludes 0",
    "McNemar test of the counts",
    "interval over images alone and McNemar test",
]


def rows_of_size(about: dict, studies: list[dict[str, dict[str, float]]]) -> list[dict]:
    """Shares over the studies drawn of one size; levels of which nothing differs in the same way count together."""
    rows = []

    def count(level: str, what: str, outcomes: list[bool], drawn: int) -> None:
        share = rate(sum(outcomes), len(outcomes), SIGNIFICANCE)
        rows.append(
            {
                **about,
                "level": level,
                "counted": what,
                "share": share.value,
                "low": share.low,
                "high": share.high,
                "of": len(outcomes),
                "studies": drawn,
            }
        )

    kinds: dict[str, list[str]] = defaultdict(list)
    for level in studies[0]:
        kinds["same" if level == "same again" else level].append(level)
    for kind, levels in kinds.items():
        drawn = pd.DataFrame([study[level] for study in studies for level in levels])
        # Of two models there is no interval: what hangs on it is counted nowhere.
        known = drawn[drawn.low.notna()]
        for what in COUNTED:
            count(
                kind, what, (known if "interval excludes" in what else drawn)[what].astype(bool).tolist(), len(studies)
            )
        # Where nothing differs the expected excess is 0; else the mean over all draws stands for it.
        truth = 0.0 if kind == "same" or LEVELS[kind].null else drawn.excess.mean()
        count(
            kind,
            "interval covers the expected excess",
            ((known.low <= truth) & (truth <= known.high)).tolist(),
            len(studies),
        )
        covers = (drawn.images_low <= truth) & (truth <= drawn.images_high)
        count(kind, "interval over images alone covers the expected excess", covers.tolist(), len(studies))
        errors = {
            "expected": truth,
            "sd": drawn.excess.std(),
            "se_images": math.sqrt((drawn.se_images**2).mean()),
            "se_models": math.sqrt((drawn.se_models**2).mean()),
        }
        for row in rows[-len(COUNTED) - 2 :]:
            row.update(errors)
    nulls = [level for level in studies[0] if LEVELS[level].null]
    for what in ("verdict", "verdict of the study (Holm)") if len(nulls) > 1 else ():
        outcomes = [any(study[level][what] for level in nulls) for study in studies]
        count(f"any of the {len(nulls)} that change nothing", what, outcomes, len(studies))
    return rows


def of_networks(votes: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three populations dealt from votes int[K, N] of uncompressed networks."""
    order, models = random.permutation(len(votes)), len(votes) // 3
    dense, control, level = (votes[order[i * models : (i + 1) * models]] for i in range(3))
    return dense, control, level


def machine() -> dict[str, str]:
    """What the numbers were made with."""
    cpu = [
        line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    ]
    versions = {package: version(package) for package in ("numpy", "scipy")}
    command = "OMP_NUM_THREADS=1 python benchmarks/calibration.py " + " ".join(sys.argv[1:])
    return {
        "processor": cpu[0] if cpu else platform.processor(),
        "python": platform.python_version(),
        **versions,
        "command": command.strip(),
    }


def draw_made(turn: int, drawn: dict[tuple, list]) -> None:
    """Add a round of made studies of every size."""
    for *size, studies in SIZES:
        world, correlation, images, models = size
        for draw in range(turn * studies, (turn + 1) * studies):
            random = generator("calibration", world, str(correlation), images, models, draw)
            drawn[tuple(size)].append(audit(*draw_study(images, models, correlation, random), random))


def draw_networks(turn: int, drawn: dict[tuple, list], votes: np.ndarray) -> None:
    """Add a round of studies dealt from votes int[K, N] of uncompressed networks."""
    for draw in range(20 * turn, 20 * (turn + 1)):
        random = generator("calibration", "networks", draw)
        dense, control, level = of_networks(votes, random)
        size = "networks", math.nan, votes.shape[1], len(dense)
        drawn[size].append(audit(dense, control, {"same": level}, random))


def save(drawn: dict[tuple, list]) -> None:
    """Write the shares of what was drawn; rows of other worlds stay as they are."""
    rows = []
    for size, studies in drawn.items():
        rows += rows_of_size(dict(zip(("world", "correlation", "examples", "models"), size, strict=True)), studies)
    table = pd.DataFrame(rows).assign(nominal=SIGNIFICANCE, deals=DEALS, permutations=PERMUTATIONS, **machine())
    if RESULTS.exists():
        before = pd.read_csv(RESULTS)
        table = pd.concat([table, before[~before.world.isin(table.world)]])
    save_table(RESULTS, table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--networks", type=Path, help="results/demo or of another finished study: its networks in place of made ones"
    )
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    if os.environ.get("OMP_NUM_THREADS") != "1":
        raise SystemExit("set OMP_NUM_THREADS=1: the sums of many small matrices are slower on more threads.")
    draw = draw_made
    if options.networks:
        paths = sorted(options.networks.glob("predictions/*/*/clean.parquet"))
        votes = [load_population(paths, level)["clean", 0].votes for level in ("dense", "control")]
        draw = partial(draw_networks, votes=np.concatenate(votes))
    drawn: dict[tuple, list] = defaultdict(list)
    for turn in range(options.rounds):
        draw(turn, drawn)
        save(drawn)
        print(f"round {turn + 1} of {options.rounds}, {time.process_time():.0f} s of CPU time", flush=True)


if __name__ == "__main__":
    main()
