"""real.csv: top-1 of every level by all labels that raters found to fit (ReaL, 2006.07159), beside that by the original labels of the same images."""

from pathlib import Path

import numpy as np
import pandas as pd

from scripts.lib.annotations.joins.real import CLASSES, fitting_labels, name_of
from scripts.lib.audit.subgroups import Measure, accuracy, share
from scripts.lib.data.example_ids import match_ids
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.job import logged
from scripts.lib.ledger.predictions import Votes, load_population, same_examples, same_seeds
from scripts.lib.tables.table import save_table, with_interval

REAL, ORIGINAL = "ReaL labels", "original labels"


def fitting_of(example: np.ndarray, fitting: list[list[int]]) -> np.ndarray:
    """Which classes fit each example, bool[N, 1000]; none where the raters found none, or did not see the image.

    example: str[N]; fitting: of each image of ImageNet's validation set, in its order.
    """
    place = match_ids([name_of(number) for number in range(1, len(fitting) + 1)], example.tolist())
    fits = np.zeros((len(example), CLASSES), dtype=bool)
    for row, labels in zip(place.tolist(), fitting, strict=True):
        if row >= 0:
            fits[row, labels] = True
    return fits


def measures_of(population: str, votes: Votes, fits: np.ndarray) -> dict[str, Measure]:
    """Mean top-1 of a population's models by both kinds of labels, on the images of which a class fits; fits: bool[N, 1000]."""
    members = fits.any(axis=1)
    right = np.take_along_axis(fits, votes.votes.T.astype(np.int64), axis=1).T
    return {
        REAL: accuracy(population, right.astype(np.int64), np.ones(len(members), dtype=np.int64), members),
        ORIGINAL: accuracy(population, votes.votes, votes.label, members),
    }


def rows_of(
    level: str, design: str, dense: dict, control: dict, own: dict, about: dict, significance: float
) -> list[dict]:
    """The rows of a level, one a kind of labels; dense, control, own: as from `measures_of`; about: further columns."""
    rows = []
    for labels in (REAL, ORIGINAL):
        change = own[labels] - dense[labels]
        rows.append(
            {
                "level": level,
                "design": design,
                "scored_on": labels,
                **about,
                "significance": significance,
                **with_interval("top1", share(own[labels], significance)),
                **with_interval("top1_change", change.estimate(significance)),
                **with_interval("control_change", (control[labels] - dense[labels]).estimate(significance)),
                **with_interval("beyond_original", (change - (own[ORIGINAL] - dense[ORIGINAL])).estimate(significance)),
            }
        )
    return rows


def main(input, output, params) -> None:
    """Read the clean suite of all levels and ReaL's labels, write real.csv."""
    dense = load_population(input.ledger, "dense")["clean", 0]
    fits = fitting_of(dense.example, fitting_labels(Path(input.labels[0])))
    counted = int(fits.any(axis=1).sum())
    if not counted:
        raise InputError(f"{input.labels[0]} has no fitting label for any test image: name images as ImageNet does.")
    before = measures_of("dense", dense, fits)
    beside = measures_of("control", load_population(input.ledger, "control")["clean", 0], fits)
    rows = []
    for level, design in params.designs.items():
        votes = load_population(input.ledger, level)["clean", 0]
        same_examples(dense, votes, level)
        if design == "paired":
            same_seeds(dense, votes, level)
        # Models that are the dense ones stand beside them, so that what both owe to a model cancels.
        own = measures_of("dense" if design == "paired" or level == "dense" else level, votes, fits)
        about = {
            "examples": counted,
            "left_out": len(fits) - counted,
            "dense_models": len(dense.seed),
            "level_models": len(votes.seed),
        }
        rows += rows_of(level, design, before, beside, own, about, params.significance)
        print(f"{level}: {own[REAL].value:.1%} by ReaL's labels, {own[ORIGINAL].value:.1%} by the original ones")
    save_table(output.table, pd.DataFrame(rows))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
