"""What the audit of a large study takes: from the ledger to all tables, by the workflow itself on two cores.

    python benchmarks/audit_scale.py [--folder FOLDER] [--grid "models levels examples" ...] [--only-make]

Writes a ledger of made predictions, one file a level, model and suite, as the workflow has for ImageNet-C with one model a cohort, and
lets `snakemake tables` do the rest; everything before the ledger is empty files, and the costs of the networks are made up.
Predictions: every image has a probability of being recognized that falls with the severity and a little with compression; models
that err agree on an image's few likely errors. The largest grid needs some 17 GB in FOLDER, which are deleted in the end.

Writes benchmarks/results/audit_scale.json: seconds and peak memory (GB, resident) of every rule, with up to two jobs at once.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa
import yaml

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "scripts")]

from made_costs import cost_of  # noqa: E402

from scripts.lib.corruptions import FAMILIES, IMAGENET_C  # noqa: E402
from scripts.lib.data.dataset import save_examples, save_manifest  # noqa: E402
from scripts.lib.jobs.streams import generator  # noqa: E402
from scripts.lib.ledger.predictions import save_ledger  # noqa: E402
from scripts.lib.ledger.schema import SCHEMA  # noqa: E402
from scripts.lib.study.cohorts import cohorts  # noqa: E402
from scripts.lib.tables.table import save_table  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "audit_scale.json"
CORES = 2
CLASSES, TRAIN = 1000, 25  # training images for each test image, as in ImageNet
SUITES = {"clean": [("clean", 0)]} | {
    family: [(corruption, severity) for corruption in FAMILIES[family] for severity in range(1, 6)]
    for family in IMAGENET_C
}
# models, levels (dense and control among them), test images: how time grows with each, and ImageNet-C.
GRIDS = [(30, 4, 2500), (30, 7, 2500), (15, 7, 2500), (30, 7, 10_000), (30, 7, 50_000)]
LIKELY = 12  # errors that an image invites
POLL = 0.1  # seconds


def level_names(count: int) -> list[str]:
    """dense, control, and levels of rising sparsity."""
    return ["dense", "control", *(f"magnitude-{0.5 + 0.49 * place / (count - 2):.2f}" for place in range(count - 2))]


def study_of(models: int, levels: list[str]) -> dict:
    """The study whose ledger is made; what its networks and data are does not matter."""
    return {
        "study": "scale",
        "population": {"models": models, "cohort": 1},
        "levels": [
            {"name": name, "method": "none"}
            if name in ("dense", "control")
            else {"name": name, "method": "magnitude", "sparsity": float(name.split("-")[1])}
            for name in levels
        ],
        "corruptions": {"subset": "all"},
    }


def write_file(path: Path, level: str, place: int, seed: int, suite: str, examples: int, classes: int) -> None:
    """One ledger file; place: of the level in the study, the higher the more images are lost."""
    shared = generator("images")
    labels = (np.arange(examples) * classes // examples).astype(np.int16)
    ease = shared.normal(1.6, 2.2, examples)
    first, lost = shared.integers(0, classes - 1, examples), shared.exponential(0.25, examples)
    hit = generator("hit", level).random(examples) < 0.03  # what this level in particular forgets
    random = generator("votes", level, seed, suite)
    variants = SUITES[suite]
    columns: dict[str, list[np.ndarray]] = {name: [] for name in SCHEMA.names}
    compressed = max(0, place - 1)
    for number, (_, severity) in enumerate(variants):
        logit = ease - 0.9 * severity - 0.12 * compressed * lost - 2.5 * (hit & (compressed > 0))
        right = random.random(examples, dtype=np.float32) < 1 / (1 + np.exp(-1.5 * logit)).astype(np.float32)
        error = np.minimum(random.geometric(0.4, examples), LIKELY) - 1
        ranks = [(labels + 1 + (first + 13 * ((error + rank) % LIKELY)) % (classes - 1)) % classes for rank in range(5)]
        top = [np.where(right, labels, ranks[0])]
        top.append(np.where(right, ranks[0], np.where(error > 5, ranks[1], labels)))
        top += [np.where(error > 5, *pair) for pair in zip(ranks[2:], ranks[1:4], strict=True)]
        p1 = 0.2 + 0.8 * random.random(examples, dtype=np.float32)
        p2 = np.round(0.6 * (1 - p1), 3)
        for name, values in zip([f"top{rank}" for rank in range(1, 6)], top, strict=True):
            columns[name].append(values.astype(np.int16))
        for name, values in zip(["p1", "p2", "p3", "p4", "p5"], [p1, p2, p2 / 2, p2 / 4, p2 / 8], strict=True):
            columns[name].append(values)
        columns["p_label"].append(np.where(right, p1, p2))
        columns["p_squared"].append(p1**2 + p2**2)
        columns["severity"].append(np.full(examples, severity, dtype=np.int8))
        columns["corruption"].append(np.full(examples, number, dtype=np.int32))
    n = len(variants)
    columns["label"] = [labels] * n
    columns["seed"] = [np.full(examples * n, seed, dtype=np.int16)]
    joined = {name: pa.array(np.concatenate(parts)) for name, parts in columns.items() if name != "example"}
    names = pa.array(ids(examples))
    joined["example"] = pa.DictionaryArray.from_arrays(np.tile(np.arange(examples, dtype=np.int32), n), names)
    joined["corruption"] = pa.DictionaryArray.from_arrays(
        joined["corruption"], pa.array([name for name, _ in variants])
    )
    table = pa.Table.from_arrays([joined[name] for name in SCHEMA.names], schema=SCHEMA)
    described = {"level": level, "suite": suite, "classes": [f"n{code:08d}" for code in range(classes)]}
    save_ledger(path, [table], described | {"training": {"sparsity": {str(seed): {"all": 0.1 * place}}}})


def ids(examples: int) -> list[str]:
    """Names as ImageNet's are."""
    return [f"n{index // 50:08d}/ILSVRC2012_val_{index:08d}.JPEG" for index in range(examples)]


def make_study(folder: Path, models: int, levels: list[str], examples: int) -> None:
    """The ledger, the example table, and empty files in place of all else that comes before the tables."""
    results = folder / "results" / "scale"
    classes = min(CLASSES, examples // 10)
    before = [f"data/{name}" for name in ("train.npy", "test.npy")] + ["corrupted/examples.csv"]
    for names in FAMILIES.values():
        before += [f"corrupted/{name}.{ending}" for name in names for ending in ("npy", "json")]
    before += [f"models/{level}/{cohort}.safetensors" for level in levels for cohort in cohorts(models, 1)]
    for name in before:
        (results / name).parent.mkdir(parents=True, exist_ok=True)
        (results / name).touch()
    labels = {"test": np.arange(examples) * classes // examples, "train": np.arange(TRAIN * examples) % classes}
    both = np.concatenate(list(labels.values()))
    columns = {
        "example": np.array(ids(examples) + [f"train/{index}" for index in range(TRAIN * examples)]),
        "split": np.repeat(list(labels), [len(each) for each in labels.values()]),
        "label": both,
        "shown": both,
        "kind": np.full(len(both), "typical"),
        "class_frequency": np.full(len(both), TRAIN * examples // classes),
        "pixels": np.full(len(both), ""),
    }
    save_examples(results / "data" / "examples.parquet", columns)
    save_manifest(
        results / "data" / "manifest.json",
        {"classes": [f"n{code:08d}" for code in range(classes)], "image_size": [224, 224]},
    )
    for path in results.rglob("*.*"):
        os.utime(path, (0, 0))
    save_table(results / "tables" / "cost.csv", cost_of(levels))
    (folder / "study.yaml").write_text(yaml.safe_dump(study_of(models, levels)))
    with ProcessPoolExecutor(CORES) as pool:
        jobs = [
            pool.submit(
                write_file,
                results / f"predictions/{level}/{cohort}/{suite}.parquet",
                level,
                place,
                seed,
                suite,
                examples,
                classes,
            )
            for place, level in enumerate(levels)
            for seed, cohort in enumerate(cohorts(models, 1))
            for suite in SUITES
        ]
        for job in jobs:
            job.result()


class Watch(threading.Thread):
    """Looks at all processes of a run, until told to stop."""

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self.root, self.stopped, self.peak_gb = root, threading.Event(), 0.0
        self.jobs: dict[int, dict] = {}  # process id -> rule, when it was first and last seen, GB at its peak

    def run(self) -> None:
        while not self.stopped.wait(POLL):
            together = 0.0
            for process in self.family():
                try:
                    status = dict(
                        line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines()
                    )
                    command = Path(f"/proc/{process}/cmdline").read_text()
                except OSError:  # it has just ended
                    continue
                if "VmRSS" not in status:
                    continue
                together += int(status["VmRSS"].split()[0]) / 1e6
                script = next((part for part in command.split("\0") if "/.snakemake/scripts/tmp" in part), None)
                if script and "python" in command.split("\0")[0]:
                    job = self.jobs.setdefault(process, {"rule": script.split(".")[-2], "first": time.monotonic()})
                    job |= {"last": time.monotonic(), "gb": int(status["VmHWM"].split()[0]) / 1e6}
            self.peak_gb = max(self.peak_gb, together)

    def family(self) -> list[int]:
        """The process that was started and all that it has started since."""
        found = [self.root]
        for process in found:
            for children in Path(f"/proc/{process}/task").glob("*/children"):
                try:
                    found += map(int, children.read_text().split())
                except OSError:
                    continue
        return found


def run_tables(folder: Path) -> dict:
    """`snakemake tables`, with what each rule took."""
    command = [str(Path(sys.executable).with_name("snakemake")), f"--cores={CORES}", f"--directory={folder}"]
    command += [
        f"--snakefile={ROOT / 'Snakefile'}",
        "--rerun-triggers=mtime",
        "--configfile",
        str(folder / "study.yaml"),
    ]
    start = time.monotonic()
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([*command, "--", "tables"], stdout=log, stderr=subprocess.STDOUT, cwd=ROOT)
        watch = Watch(process.pid)
        watch.start()
        if process.wait():
            raise SystemExit((folder / "log").read_text()[-3000:])
    wall = time.monotonic() - start
    watch.stopped.set()
    watch.join()
    rules: dict[str, dict] = {}
    for job in watch.jobs.values():
        rule = rules.setdefault(job["rule"], {"jobs": 0, "s": 0.0, "gb": 0.0})
        rule["jobs"] += 1
        rule["s"] = round(rule["s"] + job["last"] - job["first"], 1)
        rule["gb"] = round(max(rule["gb"], job["gb"]), 2)
    if "predict" in rules:
        raise SystemExit("the ledger was made anew: an empty file is missing in `make_study`.")
    return {"wall_s": round(wall, 1), "peak_gb": round(watch.peak_gb, 2), "rules": rules}


def measure(folder: Path, models: int, levels: int, examples: int, only_make: bool = False) -> dict:
    """One grid, made unless it is there."""
    made = folder / "made"  # how long it took
    if not made.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        start = time.monotonic()
        make_study(folder, models, level_names(levels), examples)
        made.write_text(f"{time.monotonic() - start:.1f}")
    files = list(folder.glob("results/scale/predictions/*/*/*.parquet"))
    variants = sum(map(len, SUITES.values()))
    about = {
        "models": models,
        "levels": levels,
        "examples": examples,
        "variants": variants,
        "rows": models * levels * examples * variants,
        "ledger_files": len(files),
        "ledger_gb": round(sum(path.stat().st_size for path in files) / 1e9, 2),
        "ledger_made_s": float(made.read_text()),
    }
    return about if only_make else about | run_tables(folder)


def processor() -> str:
    """What the machine computes with."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return models[0].split(":")[1].strip() if models else platform.machine()


def main() -> None:
    """Measure all grids, smallest first, and keep what was measured of others."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--grid", action="append", default=None, metavar="'MODELS LEVELS EXAMPLES'")
    parser.add_argument("--only-make", action="store_true", help="make the ledger and keep it for a run that measures")
    given = parser.parse_args()
    grids = [tuple(map(int, grid.split())) for grid in given.grid] if given.grid else GRIDS
    known = json.loads(RESULTS.read_text())["runs"] if RESULTS.exists() else []
    home = given.folder or Path(tempfile.gettempdir()) / "audit_scale"
    for grid in grids:
        folder = home / "-".join(map(str, grid))
        try:
            run = measure(folder, *grid, only_make=given.only_make)
            print(json.dumps(run), flush=True)
            if given.only_make:
                continue
            known = [old for old in known if (old["models"], old["levels"], old["examples"]) != grid] + [run]
            packages = ("numpy", "scipy", "pandas", "pyarrow", "snakemake")
            about = {
                "processor": processor(),
                "cores": CORES,
                "python": platform.python_version(),
                **{package: version(package) for package in packages},
            }
            runs = sorted(known, key=lambda old: (old["rows"], old["models"]))
            RESULTS.write_text(json.dumps({"machine": about, "runs": runs}, indent=1) + "\n")
        finally:
            if not given.only_make:
                shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
