"""label_quality.parquet: how probable the dense models find each test image's label, two scores of confident learning.

The models were not trained on test images, as such scores need it. They are the means over models of the scores that cleanlab calls
self-confidence and normalized margin (Kuan & Mueller 2022), which the ledger's probabilities give exactly. Low: probably mislabelled.
"""

import numpy as np

from scripts.lib.annotations.column import NUMBER, Column, save_columns
from scripts.lib.audit.margins import normalized_margins
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.job import logged
from scripts.lib.ledger.predictions import load_population
from scripts.lib.study.extras import NORMALIZED_MARGIN, SELF_CONFIDENCE
from scripts.lib.tables.margins import load_probabilities


def label_scores(p_label: np.ndarray, p1: np.ndarray, p2: np.ndarray, correct: np.ndarray) -> dict[str, np.ndarray]:
    """Each score, float64[N], from probabilities float[K, N] of the label and the two most probable classes; correct: bool[K, N]."""
    return {
        SELF_CONFIDENCE: np.asarray(p_label, dtype=np.float64).mean(axis=0),
        NORMALIZED_MARGIN: normalized_margins(p_label, p1, p2, correct).mean(axis=0),
    }


def main(input, output) -> None:
    """Read the dense level's clean suite, write label_quality.parquet."""
    example = load_population(input.ledger, "dense")["clean", 0].example
    scores = label_scores(*load_probabilities(input.ledger, "dense"))
    if any(np.isnan(each).any() for each in scores.values()):
        raise InputError(
            "config key `extras.label_quality` is true and not every prediction of the dense level has its probabilities: write false."
        )
    save_columns(output.annotations, example, [Column(name, NUMBER, each, True) for name, each in scores.items()])


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output)  # noqa: F821
