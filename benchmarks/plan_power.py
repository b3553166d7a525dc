"""Whether plans say the power that studies then have: made studies with effects of several sizes, each planned from ten dense models.

    OMP_NUM_THREADS=1 python benchmarks/plan_power.py --rounds 40

A round draws a study of every size (made_studies.py: networks that err alike on similar images), its images, ten dense models to plan it from,
and then the study itself: dense models, a control, and levels of which a tenth of the images lose logits. Levels of the design `paired` are made
of the dense models; their plan is from ten pairs that no effect has touched, and ten control models. Predicted is the power of the
mean excess that all rounds found; realised is in how many of them the audit gave the level its verdict. Results are written after each round.

Writes benchmarks/results/plan_power.json: a row for each size and effect, with Wilson's interval of what was realised.
"""

import argparse
import json
import os
import sys
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from calibration import machine  # noqa: E402
from made_studies import DRIFT, draw_images, population  # noqa: E402

from scripts.lib.audit.error_parts import ErrorParts, of_paired, of_uncompressed  # noqa: E402
from scripts.lib.audit.excess import excesses, uncompressed  # noqa: E402
from scripts.lib.audit.intervals import rate  # noqa: E402
from scripts.lib.audit.modal import differ, modal_labels  # noqa: E402
from scripts.lib.audit.pies import dealt_pies  # noqa: E402
from scripts.lib.audit.planning import Plan  # noqa: E402
from scripts.lib.jobs.files import write_text  # noqa: E402
from scripts.lib.jobs.streams import generator  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "plan_power.json"
CORRELATION, PILOT, SIGNIFICANCE, DEALS, PERMUTATIONS = 0.8, 10, 0.05, 60, 499
# Design, images and models.
SIZES = (
    *(("independent", 3000, models) for models in (6, 10, 30)),
    *(("independent", 20_000, models) for models in (3, 6, 10)),
    *(("paired", 3000, models) for models in (10, 30)),
    ("paired", 20_000, 10),
)
EFFECTS = (0.8, 1.2, 1.6)  # times made_studies.LOST


def draw(design: str, examples: int, models: int, random: np.random.Generator) -> dict:
    """One study: the law that its pilot says, and of each effect the excess found and whether the level has its verdict."""
    images = draw_images(examples, CORRELATION, random)

    def others(many: int) -> list[np.ndarray]:
        return [images.error(1, random) for _ in range(many)]

    def voted(checkpoints: list[np.ndarray], effect: float = 0.0) -> np.ndarray:
        hit = replace(images, lost=images.lost * np.float32(effect))
        return population(hit, iter(checkpoints), random, DRIFT, hit=effect > 0)

    pilot, checkpoints = others(PILOT), others(models)
    if design == "paired":
        parts = of_paired(voted(pilot), voted(pilot), voted(others(PILOT)), random)
    else:
        parts = of_uncompressed(voted(pilot), random)
    dense, control = voted(checkpoints), voted(others(models))
    levels = [voted(checkpoints if design == "paired" else others(models), effect) for effect in EFFECTS]
    modes = [modal_labels(votes).label for votes in (dense, control, *levels)]
    if design == "paired":
        differences = [differ(modes[1], label).astype(float) - differ(modes[1], modes[0]) for label in modes[2:]]
    else:
        dealt, chance = dealt_pies(dense, control, np.stack(modes[2:]), DEALS, random)
        differences = dealt - chance
    reference = uncompressed(dense, control, {design: random}, "largest")
    everything, streams = np.ones((1, examples), dtype=bool), (random, random)
    found = [
        excesses(each, reference, votes, design, everything, PERMUTATIONS, streams, SIGNIFICANCE).of(0)
        for each, votes in zip(differences, levels, strict=True)
    ]
    excess, shown = [each.estimate.value for each in found], [each.p <= SIGNIFICANCE for each in found]
    return {"parts": parts, "excess": excess, "shown": shown}


def rows_of(design: str, examples: int, models: int, studies: list[dict]) -> list[dict]:
    """What was foreseen beside what came, a row for each effect."""

    def plan(parts: ErrorParts) -> Plan:
        return Plan(parts, design, PERMUTATIONS, SIGNIFICANCE)

    smallest = [plan(study["parts"]).smallest_excess(models, examples) for study in studies]
    rows = []
    for place, effect in enumerate(EFFECTS):
        excess = float(np.mean([study["excess"][place] for study in studies]))
        predicted = [plan(study["parts"]).power(excess, models, examples) for study in studies]
        realised = rate(sum(study["shown"][place] for study in studies), len(studies), SIGNIFICANCE)
        rows.append(
            {
                "design": design,
                "examples": examples,
                "models": models,
                "effect": effect,
                "excess": excess,
                "predicted": float(np.mean(predicted)),
                "predicted_10_90": np.quantile(predicted, [0.1, 0.9]).tolist(),
                "realised": realised.value,
                "realised_low": realised.low,
                "realised_high": realised.high,
                "studies": len(studies),
                "smallest_excess_10_50_90": np.quantile(smallest, [0.1, 0.5, 0.9]).tolist(),
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    if os.environ.get("OMP_NUM_THREADS") != "1":
        raise SystemExit("set OMP_NUM_THREADS=1: the sums of many small matrices are slower on more threads.")
    about = machine() | {"command": f"OMP_NUM_THREADS=1 python benchmarks/plan_power.py --rounds {options.rounds}"}
    about |= {"correlation": CORRELATION, "pilot_models": PILOT, "significance": SIGNIFICANCE}
    drawn: dict[tuple[str, int, int], list] = defaultdict(list)
    for turn in range(options.rounds):
        for size in SIZES:
            drawn[size].append(draw(*size, generator("plan power", *size, turn)))
        rows = [row for size, studies in drawn.items() for row in rows_of(*size, studies)]
        write_text(RESULTS, json.dumps(about | {"rows": rows}, indent=1) + "\n")
        print(f"round {turn + 1} of {options.rounds}, {time.process_time():.0f} s of CPU time", flush=True)


if __name__ == "__main__":
    main()
