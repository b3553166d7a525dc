"""What networks have in common in how they vary: the constants that plans take where only the churn is known.

    OMP_NUM_THREADS=1 python benchmarks/plan_laws.py results/demo results/cifar10-small

Of the dense and control networks of finished studies, and of made ones (made_studies.py): the variance of an image's excess times the square root
of K, as a share of the churn, and the part of models as a share of its square (scripts/lib/audit/error_parts.py).

Writes benchmarks/results/plan_laws.json.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from calibration import machine  # noqa: E402
from made_studies import draw_images, population  # noqa: E402

from scripts.lib.audit.churn_test import disagreement  # noqa: E402
from scripts.lib.audit.error_parts import of_uncompressed  # noqa: E402
from scripts.lib.jobs.files import write_text  # noqa: E402
from scripts.lib.jobs.streams import generator  # noqa: E402
from scripts.lib.ledger.predictions import load_population  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "plan_laws.json"
MADE, EXAMPLES, CORRELATION = 60, 20_000, 0.8
DRAWS = 20  # of the subsets, deals and splits that the law is measured with


def law(name: str, votes: np.ndarray) -> dict:
    """How networks vary that nothing distinguishes, votes int[M, N]."""
    apart = disagreement(votes[:1], votes[1:], np.ones((1, votes.shape[1]), dtype=bool))[0]
    churn = float(apart[np.triu_indices(len(votes), 1)].mean())
    found = [of_uncompressed(votes, generator("plan laws", name, draw)) for draw in range(DRAWS)]
    images = np.mean([each.images for each in found], axis=0) * np.sqrt(found[0].sizes) / churn
    return {
        "networks_of": name,
        "networks": len(votes),
        "examples": votes.shape[1],
        "churn": churn,
        "models": found[0].sizes.tolist(),
        "images_of_churn": images.tolist(),
        "models_of_churn": float(np.mean([each.models for each in found])) / churn**2,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("studies", type=Path, nargs="*", help="results/STUDY of finished studies with a control")
    options = parser.parse_args()
    random = generator("plan laws", "made")
    images = draw_images(EXAMPLES, CORRELATION, random)
    rows = [law("made networks", population(images, (images.error(1, random) for _ in range(MADE)), random))]
    for folder in options.studies:
        paths = sorted(folder.glob("predictions/*/*/clean.parquet"))
        levels = [load_population(paths, level)["clean", 0].votes for level in ("dense", "control")]
        rows.append(law(folder.name, np.concatenate(levels)))
    command = " ".join(
        ["OMP_NUM_THREADS=1 python benchmarks/plan_laws.py", *(f"results/{each.name}" for each in options.studies)]
    )
    write_text(RESULTS, json.dumps(machine() | {"command": command, "rows": rows}, indent=1) + "\n")
    for row in rows:
        print(row)


if __name__ == "__main__":
    main()
