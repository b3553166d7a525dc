"""How often the audit sees an effect where there is none: populations dealt from uncompressed networks only.

    python benchmarks/calibration.py [results/demo] [draws]

The dense and the control models of a finished study are dealt into three populations, a dense one, a control and a "level" that
nothing distinguishes, and the study's own tests are applied to them. Draws share models, so the shares are estimates of their own.
"""

import platform
import sys
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from scripts.lib.audit.intervals import mcnemar, mean, rate  # noqa: E402
from scripts.lib.audit.modal import modal_labels  # noqa: E402
from scripts.lib.audit.pies import dealt_pies, identified_exemplars, permutation_test  # noqa: E402
from scripts.lib.audit.verdicts import against_control  # noqa: E402
from scripts.lib.ledger import load_population  # noqa: E402
from scripts.lib.streams import generator  # noqa: E402
from scripts.lib.tables import save_table  # noqa: E402

SIGNIFICANCE, DEALS = 0.05, 200


def one_draw(votes: np.ndarray, models: int, random: np.random.Generator) -> dict[str, bool]:
    """What each test says of three populations of `models` models, dealt from votes int[K, N] of uncompressed ones."""
    order = random.permutation(len(votes))
    dense, control, level = (votes[order[i * models : (i + 1) * models]] for i in range(3))
    modes = [modal_labels(population) for population in (dense, control, level)]
    p = mcnemar(identified_exemplars(modes[0], modes[2]), identified_exemplars(modes[0], modes[1]))
    pie, chance = dealt_pies(dense, control, level, DEALS, random)
    excess = mean(pie - chance, SIGNIFICANCE)
    return {
        "McNemar test against the control": p <= SIGNIFICANCE,
        "interval of the excess excludes 0": excess.low > 0 or excess.high < 0,
        "permutation test": permutation_test(dense, level, DEALS, random).p_value <= SIGNIFICANCE,
        "verdict": against_control(excess, p, SIGNIFICANCE) != "cannot be told from the control",
    }


def main(results: Path, draws: int) -> None:
    """Print the share of false positives of each test and write it beside the other results."""
    paths = sorted(results.glob("predictions/*/*/clean.parquet"))
    votes = np.concatenate([load_population(paths, level)["clean", 0].votes for level in ("dense", "control")])
    models = len(votes) // 3
    found = pd.DataFrame([one_draw(votes, models, generator("calibration", draw)) for draw in range(draws)])
    rows = []
    for test in found:
        share = rate(int(found[test].sum()), draws, SIGNIFICANCE)
        rows.append({"test": test, "share": share.value, "low": share.low, "high": share.high})
    table = pd.DataFrame(rows).assign(
        nominal=SIGNIFICANCE, draws=draws, models=models, examples=votes.shape[1], python=platform.python_version()
    )
    print(table.to_string(index=False))
    save_table(ROOT / "benchmarks" / "results" / "calibration.csv", table)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "results/demo"), int(sys.argv[2]) if len(sys.argv) > 2 else 400)
