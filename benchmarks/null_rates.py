"""How often the tables call something different where nothing differs, and how often they find a class that pays.

    python benchmarks/null_rates.py [draws]

Dense, control and level are drawn in the worlds of made_worlds.py, for independent levels and for levels made of the dense checkpoints,
with two to ten models. `uniform harm`: 1,000 classes of 50 images of which every prediction is lost with probability 4 %, whatever its
class; `a tenth of the classes pays`: those lose 12 %. Where half of the classes pay, a tenth of their images lose 1.5 logits. All statistics are asked at a significance of 5 %.
"""

import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import scipy

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from made_worlds import made_world  # noqa: E402

from scripts.lib.audit.classes import class_impact, recall  # noqa: E402
from scripts.lib.audit.crossed import share_of  # noqa: E402
from scripts.lib.audit.disparity import frequency_slope, recall_intensification  # noqa: E402
from scripts.lib.audit.effects import hedges_g_interval  # noqa: E402
from scripts.lib.audit.intervals import Estimate, mean, rate  # noqa: E402
from scripts.lib.audit.multiple import benjamini_hochberg  # noqa: E402
from scripts.lib.audit.own_mean import own_mean_impact  # noqa: E402
from scripts.lib.audit.scores import score_measures  # noqa: E402
from scripts.lib.audit.subgroups import accuracy, false_negative_rate, false_positive_rate  # noqa: E402
from scripts.lib.jobs.streams import generator  # noqa: E402
from scripts.lib.tables.table import save_table  # noqa: E402

SIGNIFICANCE = 0.05
CASES = [  # images, classes, models
    *((400, 10, models) for models in (3, 8)),
    *((4000, 10, models) for models in (2, 3, 8)),
    *((4000, 100, models) for models in (2, 3, 8)),
]
PAYING_IN = (4000, 10)  # images and classes of the cases in which half of the classes pay, too
HARMED_CLASSES, IMAGES_OF_A_CLASS, LOST, PAYING = 1000, 50, 0.04, 0.12

Found = Iterator[tuple[str, float, int]]  # a statistic, how many of its tests found something, and how many there were


def excludes_0(estimate: Estimate) -> bool:
    return estimate.low > 0 or estimate.high < 0


def of_classes(before: np.ndarray, after: np.ndarray, label: np.ndarray, classes: int, paired: bool) -> Found:
    """The tests of every class; bool[K, N] each."""
    tested = own_mean_impact(before, after, label, classes, SIGNIFICANCE, paired)
    recalls = [recall(np.where(right, label, -1), label, classes) for right in (before, after)]
    shown = ~np.isnan(tested.p)
    low, high = hedges_g_interval(tested.change, tested.error, *recalls, SIGNIFICANCE)
    paper = class_impact(*recalls, before.mean(), after.mean(), SIGNIFICANCE).p
    for name, p in (("own mean", tested.p), ("the paper's Welch test", paper)):
        adjusted = benjamini_hochberg(p)
        yield f"classes: {name}", int((p <= SIGNIFICANCE).sum()), int((~np.isnan(p)).sum())
        yield f"classes: {name}, any class after BH", int((adjusted <= SIGNIFICANCE).any()), 1
    yield "classes: Hedges' g", int(((low > 0) | (high < 0)).sum()), int(shown.sum())
    change = recalls[1].mean(axis=0) - recalls[0].mean(axis=0)
    frequency = np.geomspace(20, 2000, classes)
    slope = frequency_slope(change, frequency, SIGNIFICANCE)
    yield "slope on frequency", int(excludes_0(slope)), 1
    intensification = recall_intensification(*recalls, SIGNIFICANCE, paired)
    yield "recall intensification", int(excludes_0(intensification)), 1


def of_populations(
    dense: np.ndarray, control: np.ndarray, level: np.ndarray, label: np.ndarray, classes: int, paired: bool
) -> Found:
    """Robustness, groups and scores; votes int[K, N] each."""
    name, everything = "dense" if paired else "level", np.ones(len(label), dtype=bool)
    right = [votes == label for votes in (dense, level)]
    top1 = share_of(name, right[1], everything) - share_of("dense", right[0], everything)
    yield "robustness: change of top-1", int(excludes_0(top1.estimate(SIGNIFICANCE))), 1
    over_images = mean(right[1].mean(axis=0) - right[0].mean(axis=0), SIGNIFICANCE)
    yield "(images only) change of top-1", int(excludes_0(over_images)), 1
    members = label < classes / 2
    for metric, of in (
        ("top-1", accuracy),
        ("false negatives", false_negative_rate),
        ("false positives", lambda *given: false_positive_rate(*given, classes)),
    ):
        inside, outside = (
            of(name, level, label, side) - of("dense", dense, label, side) for side in (members, ~members)
        )
        yield f"groups: {metric} beyond the others", int((inside - outside).p_value() <= SIGNIFICANCE), 1
    if not paired:
        own, other = score_measures(dense, level, "level"), score_measures(dense, control, "control")
        for score in own:
            yield f"scores: excess of {score}", int((own[score] - other[score]).p_value() <= SIGNIFICANCE), 1


def in_worlds(draws: int) -> Iterator[tuple[dict, Found]]:
    """What was drawn and what was found, draw by draw."""
    for world in ("independent", "features"):
        for images, classes, models in CASES:
            for draw in range(draws if images * models < 30_000 else draws // 2):
                random = generator("null rates", world, images, classes, models, draw)
                made = made_world(world, images, classes, random)
                checkpoints = made.models(models, random)
                control = made.votes(made.models(models, random))
                for design in ("independent", "paired"):
                    paired = design == "paired"
                    # Both of a pair are compressed, so that neither is worse than the other.
                    before = made.compressed(checkpoints, random) if paired else checkpoints
                    after = made.compressed(checkpoints, random) if paired else made.models(models, random)
                    about = {"world": world, "design": design, "images": images, "classes": classes, "models": models}
                    dense, level = made.votes(before), made.votes(after)
                    right = [votes == made.label for votes in (dense, level)]
                    yield about, of_classes(*right, made.label, classes, paired)
                    yield about, of_populations(dense, control, level, made.label, classes, paired)
                    if (images, classes) == PAYING_IN:
                        harmed = made.votes(made.harmed(after, np.arange(classes // 2), random))
                        yield (
                            about | {"world": f"{world}, half of the classes pay"},
                            of_populations(dense, control, harmed, made.label, classes, paired),
                        )


def in_uniform_harm(draws: int) -> Iterator[tuple[dict, Found]]:
    """Every prediction is lost with the same probability, or with three times that in a tenth of the classes."""
    label = np.repeat(np.arange(HARMED_CLASSES), IMAGES_OF_A_CLASS)
    for models in (2, 3, 5, 10):
        for draw in range(draws):
            random = generator("uniform harm", models, draw)
            ease = np.clip(random.beta(3, 1, len(label)) * 1.02, 0, 1)
            before, others = random.random((2, models, len(label))) < ease
            pays = label < HARMED_CLASSES // 10
            for world, lost in (("uniform harm", LOST), ("a tenth of the classes pays", np.where(pays, PAYING, LOST))):
                kept = random.random(before.shape) >= lost
                for design in ("independent", "paired"):
                    paired = design == "paired"
                    about = {"world": world, "design": design, "images": len(label), "classes": HARMED_CLASSES}
                    after = (before if paired else others) & kept
                    yield about | {"models": models}, _of_harm(before, after, label, paired, world != "uniform harm")


def _of_harm(before: np.ndarray, after: np.ndarray, label: np.ndarray, paired: bool, some_pay: bool) -> Found:
    p = own_mean_impact(before, after, label, HARMED_CLASSES, SIGNIFICANCE, paired).p
    q = benjamini_hochberg(p)
    payers = HARMED_CLASSES // 10 if some_pay else 0
    for name, found in (("", p), (", after BH", q)):
        flagged = found <= SIGNIFICANCE
        if payers:
            yield f"classes that pay: own mean{name}", int(flagged[:payers].sum()), payers
        yield f"classes: own mean{name}", int(flagged[payers:].sum()), HARMED_CLASSES - payers


def main(draws: int) -> None:
    """Print the share of findings of each statistic and write it beside the other results."""
    counts: dict[tuple, list[int]] = {}
    for cases in (in_worlds(draws), in_uniform_harm(max(1, draws // 50))):
        for about, found in cases:
            for statistic, positive, tests in found:
                entry = counts.setdefault((*about.values(), statistic), [0, 0, 0])
                entry[0] += positive
                entry[1] += tests
                entry[2] += 1
    rows = []
    for key, (positive, tests, drawn) in counts.items():
        about = dict(zip(("world", "design", "images", "classes", "models", "statistic"), key, strict=True))
        share = rate(positive, tests, SIGNIFICANCE)
        rows.append(
            {**about, "draws": drawn, "tests": tests, "share": share.value, "low": share.low, "high": share.high}
        )
    versions = {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__}
    machine = f"{platform.machine()}, {os.cpu_count()} cores, 1 thread"
    command = f"python benchmarks/null_rates.py {draws}"
    table = pd.DataFrame(rows).assign(nominal=SIGNIFICANCE, machine=machine, command=command, **versions)
    print(table.drop(columns=["machine", "command", *versions]).to_string(index=False))
    save_table(ROOT / "benchmarks" / "results" / "null_rates.csv", table)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
