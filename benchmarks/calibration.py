"""How often the audit sees an effect where there is none, and how often it finds one that is.

    python benchmarks/calibration.py [results/demo] [draws]

Networks: the dense and the control models of a finished study are dealt into three populations, a dense one, a control and a "level"
that nothing distinguishes, and the study's own tests are applied to them. Draws share models, so the shares are estimates of their own.

Made votes: populations drawn anew each time, of independent models or of the same checkpoints before and after a compression that
changes one vote in twenty at random. With an effect planted, the level's models vote otherwise, each vote with probability 0.4, on one
image in twenty.
"""

import platform
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from made_votes import Images  # noqa: E402

from scripts.lib.audit.curve import count_at  # noqa: E402
from scripts.lib.audit.intervals import mcnemar, mean, rate  # noqa: E402
from scripts.lib.audit.modal import differ, modal_labels  # noqa: E402
from scripts.lib.audit.pies import dealt_pies, permutation_test  # noqa: E402
from scripts.lib.audit.verdicts import against_control  # noqa: E402
from scripts.lib.ledger import load_population  # noqa: E402
from scripts.lib.streams import generator  # noqa: E402
from scripts.lib.tables import save_table  # noqa: E402

SIGNIFICANCE, DEALS, SUBSETS = 0.05, 199, 200
MODELS, EXAMPLES, CLASSES = 10, 1000, 100
CHANGED, PLANTED_IMAGES, PLANTED_VOTES = 0.05, 0.05, 0.4

Populations = tuple[np.ndarray, np.ndarray, np.ndarray]  # votes int[K, N] of dense, control and level


def found_in(populations: Populations, design: str, random: np.random.Generator) -> dict[str, bool]:
    """What each test of the study says of three populations."""
    dense, control, level = populations
    modes = [modal_labels(votes).label for votes in populations]
    if design == "paired":
        level_differs, dense_differs = differ(modes[1], modes[2]), differ(modes[1], modes[0])
        p = mcnemar(level_differs, dense_differs)
    else:
        p = mcnemar(differ(modes[0], modes[2]), differ(modes[0], modes[1]))
        (level_differs,), dense_differs = dealt_pies(dense, control, modes[2][None], DEALS, random)
    excess = mean(level_differs.astype(np.float64) - dense_differs, SIGNIFICANCE)
    curve = count_at(max(1, len(dense) // 2), dense, level, SUBSETS, random, design)
    low, high = np.quantile(curve.null, [SIGNIFICANCE / 2, 1 - SIGNIFICANCE / 2])
    return {
        "McNemar test against the control": p <= SIGNIFICANCE,
        "interval of the excess excludes 0": excess.low > 0 or excess.high < 0,
        "permutation test": permutation_test(dense, level, DEALS, random, design).p_value <= SIGNIFICANCE,
        "verdict": against_control(excess, p, SIGNIFICANCE) != "cannot be told from the control",
        "curve at K / 2: one subset outside the band of chance": not low <= curve.pies[0] <= high,
    }


def of_networks(votes: np.ndarray, random: np.random.Generator) -> Populations:
    """Three populations dealt from votes int[K, N] of uncompressed networks."""
    order, models = random.permutation(len(votes)), len(votes) // 3
    dense, control, level = (votes[order[i * models : (i + 1) * models]] for i in range(3))
    return dense, control, level


def made(draw: int, design: str, planted: bool) -> Populations:
    """Three populations of made votes."""
    images = Images(EXAMPLES, CLASSES, draw)
    dense, control, level = (images.votes(MODELS, 3 * draw + i) for i in range(3))
    if design == "paired":
        checkpoints = dense
        dense, level = (images.drift(checkpoints, CHANGED, 10**6 + 4 * draw + 2 * i) for i in range(2))
    if planted:
        random = generator("planted", design, draw)
        hit = (random.random(EXAMPLES) < PLANTED_IMAGES) & (random.random(level.shape) < PLANTED_VOTES)
        level = np.where(hit, (images.label[0] + 1) % CLASSES, level)
    return dense, control, level


def cases(results: Path, draws: int) -> Iterator[tuple[dict, list[dict[str, bool]]]]:
    """What was drawn, and what was found in each draw."""
    paths = sorted(results.glob("predictions/*/*/clean.parquet"))
    if paths:
        votes = np.concatenate([load_population(paths, level)["clean", 0].votes for level in ("dense", "control")])
        streams = [generator("calibration", draw) for draw in range(draws)]
        about = {"votes": "networks", "design": "independent", "planted": False}
        sizes = {"models": len(votes) // 3, "examples": votes.shape[1]}
        yield about | sizes, [found_in(of_networks(votes, random), "independent", random) for random in streams]
    for design in ("independent", "paired"):
        for planted in (False, True):
            about = {"votes": "made", "design": design, "planted": planted, "models": MODELS, "examples": EXAMPLES}
            yield (
                about,
                [
                    found_in(made(draw, design, planted), design, generator("calibration", design, draw))
                    for draw in range(draws)
                ],
            )


def main(results: Path, draws: int) -> None:
    """Print the share of findings of each test and write it beside the other results."""
    rows = []
    for about, draws_found in cases(results, draws):
        found = pd.DataFrame(draws_found)
        for test in found:
            share = rate(int(found[test].sum()), draws, SIGNIFICANCE)
            rows.append({**about, "test": test, "share": share.value, "low": share.low, "high": share.high})
    table = pd.DataFrame(rows).assign(nominal=SIGNIFICANCE, draws=draws, python=platform.python_version())
    print(table.to_string(index=False))
    save_table(ROOT / "benchmarks" / "results" / "calibration.csv", table)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "results/demo"), int(sys.argv[2]) if len(sys.argv) > 2 else 400)
