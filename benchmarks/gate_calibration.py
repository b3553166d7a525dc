"""How often the gate errs where a level is exactly at the margin, by simulation.

    python benchmarks/gate_calibration.py [--worlds 4000]

Of one network each: images are lost, gained and kept with fixed probabilities, so that the true loss is the margin. Of ten networks: how probable it is that an
image is lost differs between images and between networks (gamma-distributed factors of mean 1), so that both are a part of the error, and the true loss
over all images and networks is the margin again. At the margin a promise is neither kept nor broken: it may be accepted or rejected, either by error,
with a probability of 5 % at most. Results: results/gate_calibration.json, each rate with its own 95 % interval (Wilson).
"""

import argparse
import json
import platform
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.audit_scale import processor  # noqa: E402
from scripts.lib.audit.intervals import rate  # noqa: E402
from scripts.lib.audit.multiple import holm  # noqa: E402
from scripts.lib.audit.noninferiority import ACCEPTED, REJECTED, loss_of_pairs, share, verdict  # noqa: E402
from scripts.lib.tables.promises import loss, worst  # noqa: E402

RESULT = ROOT / "benchmarks/results/gate_calibration.json"
SIGNIFICANCE = 0.05


def votes(correct: np.ndarray) -> SimpleNamespace:
    """As much of `Votes` as a loss asks for."""
    return SimpleNamespace(correct=correct, correct_top5=correct, seed=np.arange(len(correct)))


def world(
    random: np.random.Generator, models: int, n: int, margin: float, gained: float
) -> tuple[np.ndarray, np.ndarray]:
    """What dense networks and those made of them get right, bool[K, N]: the true loss is the margin."""
    images, networks = np.ones(n), np.ones((models, 1))
    if models > 1:
        images = random.gamma(0.5, 2, n)
        networks = random.gamma(25, 1 / 25, (models, 1))
    right = random.random((models, n)) < 0.75
    # Of the images that are right (three of four) and wrong, so that both come to shares of all images.
    lost = right & (random.random((models, n)) < np.minimum(1, (margin + gained) / 0.75 * images * networks))
    found = ~right & (random.random((models, n)) < np.minimum(1, gained / 0.25 * images * networks))
    return right, (right & ~lost) | found


def rates(worlds: int, models: int, n: int, margin: float, gained: float) -> dict:
    """How often a loss at the margin is accepted and rejected."""
    outcomes = []
    for number in range(worlds):
        dense, own = map(votes, world(np.random.default_rng([models, n, number]), models, n, margin, gained))
        found = loss(dense, own, "correct", np.ones(n, dtype=bool), margin, SIGNIFICANCE, True)
        outcomes.append(verdict(*found.test, SIGNIFICANCE))
    row = {"metric": "top1_loss", "models": models, "images": n, "margin": margin, "gained": gained, "worlds": worlds}
    return row | said(outcomes)


def shares(worlds: int, n: int, margin: float) -> dict:
    """The same of a share of images that flip, by the exact test."""
    counts = np.random.default_rng([n]).binomial(n, margin, worlds)
    outcomes = [verdict(*share(int(count), n, margin), SIGNIFICANCE) for count in counts]
    return {"metric": "flips", "models": 1, "images": n, "margin": margin, "worlds": worlds} | said(outcomes)


def of_classes(worlds: int, models: int, n: int, classes: int, margin: float) -> dict:
    """The same of the worst of some classes: one class is at the margin, the others lose nothing."""
    outcomes = []
    for number in range(worlds):
        random = np.random.default_rng([classes, models, number])
        label = np.arange(n) % classes
        dense, own = (each.copy() for each in world(random, models, n, margin, 0.01))
        others = label > 0
        quiet = world(random, models, n, 0.0, 0.002)
        dense[:, others], own[:, others] = quiet[0][:, others], quiet[1][:, others]
        groups = {str(name): label == name for name in range(classes)}
        befores, afters = votes(dense), votes(own)
        befores.label = label
        found = worst(befores, afters, groups, 1, margin, SIGNIFICANCE, True)
        outcomes.append(verdict(*found.test, SIGNIFICANCE))
    row = {"metric": f"worst_class of {classes}", "models": models, "images": n, "margin": margin, "gained": 0.01}
    return row | {"worlds": worlds} | said(outcomes)


def of_gate(worlds: int, n: int, margin: float, promises: int) -> dict:
    """A whole gate of one network: of so many independent promises one is at the margin, the others are kept by far; how often any error is made (Holm)."""
    random = np.random.default_rng([n, promises])
    at, far = (random.multinomial(n, [0.01, loss + 0.01, 0.98 - loss], (worlds, promises)) for loss in (margin, 0.0))
    counts = np.where(np.arange(promises)[:, None] == 0, at, far)
    better, worse = loss_of_pairs(counts[..., 0], counts[..., 1], np.full(counts.shape[:2], n), margin)
    accepted = [holm(row)[0] <= SIGNIFICANCE for row in better]
    rejected = [(holm(row) <= SIGNIFICANCE).any() for row in worse]
    row = {"metric": f"gate of {promises} promises", "models": 1, "images": n, "margin": margin, "gained": 0.01}
    rates_of = {
        name: rate(int(np.sum(each)), worlds, 0.05) for name, each in (("accepted", accepted), ("rejected", rejected))
    }
    return row | {"worlds": worlds} | {name: [round(float(end), 4) for end in each] for name, each in rates_of.items()}


def said(outcomes: list[str]) -> dict:
    """Rates of both errors, with their intervals."""
    return {
        name: [round(float(each), 4) for each in rate(outcomes.count(wrong), len(outcomes), 0.05)]
        for name, wrong in (("accepted", ACCEPTED), ("rejected", REJECTED))
    }


def main() -> None:
    """Simulate all, write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=4000)
    worlds = parser.parse_args().worlds
    rows = [
        *(
            rates(worlds, 1, n, margin, gained)
            for n, margin, gained in (
                (2000, 0.01, 0.01),
                (2000, 0.01, 0.0),
                (10000, 0.005, 0.02),
                (300, 0.02, 0.01),
                (300, 0.02, 0.0),
            )
        ),
        *(
            rates(worlds, 10, n, margin, gained)
            for n, margin, gained in ((2000, 0.01, 0.01), (10000, 0.01, 0.02), (500, 0.02, 0.01))
        ),
        *(shares(worlds, n, margin) for n, margin in ((2000, 0.02), (300, 0.05))),
        *(of_classes(worlds // 4, models, 1000, 10, 0.05) for models in (1, 10)),
        of_gate(worlds, 2000, 0.01, 4),
    ]
    for row in rows:
        print(row)
    machine = {"processor": processor(), "python": platform.python_version(), "numpy": np.__version__}
    RESULT.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
