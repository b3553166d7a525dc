"""pair_summary.csv: what two networks say of the same images, network by network; flips.csv: every image on which they say something else."""

import numpy as np
import pandas as pd

from scripts.lib.audit.divergence import jensen_shannon, kullback_leibler
from scripts.lib.audit.flips import flips
from scripts.lib.audit.intervals import UNDEFINED, mcnemar, mean, rate
from scripts.lib.audit.multiple import holm
from scripts.lib.audit.paired_proportions import change
from scripts.lib.data.dataset import load_manifest
from scripts.lib.jobs.job import logged
from scripts.lib.ledger.predictions import Votes, has_top5, load_population, sparsity_of
from scripts.lib.ledger.probabilities import Sureness, each_probabilities, keeps_probabilities, load_sureness
from scripts.lib.tables.pair_table import Pair, change_columns, changed, pairs_of, verdict
from scripts.lib.tables.table import save_table, with_interval

ONE_EACH = "one network each, so what other trainings of it would give is unknown"
CONTROL = "control"
FIVE = "the ledger keeps five probabilities an image, so there are no divergences"
UNKNOWN = with_interval("kullback_leibler", UNDEFINED) | with_interval("jensen_shannon", UNDEFINED)


def summarize(pair: Pair, beside: Votes | None, top5: bool, significance: float) -> dict:
    """One row; beside: of the same images, what a network says whose flips are harmless by what it is, or None where the study has none.

    Intervals and tests are about other images and these two networks: no number here is about other trainings.
    """
    found, n = pair.flips, len(pair.dense.label)
    top1 = changed(pair.dense.correct[0], pair.own.correct[0], significance)
    row = {
        **pair.about,
        "examples": n,
        "significance": significance,
        "flips": int(found.any.sum()),
        **with_interval("flip_rate", rate(int(found.any.sum()), n, significance)),
        "agreement": 1 - found.any.mean(),
        "lost": int(found.lost.sum()),
        "gained": int(found.gained.sum()),
        "moved": int(found.moved.sum()),
        **with_interval("dense_top1", rate(int(pair.dense.correct.sum()), n, significance)),
        **with_interval("level_top1", rate(int(pair.own.correct.sum()), n, significance)),
        **change_columns("top1", top1),
    }
    if top5:
        hits = pair.dense.correct_top5[0], pair.own.correct_top5[0]
        shares = [rate(int(each.sum()), n, significance) for each in hits]
        five = change_columns("top5", changed(*hits, significance))
    else:
        shares = [UNDEFINED] * 2
        five = {**with_interval("top5_change", UNDEFINED), "p_top5": np.nan, "smallest_top5_change": np.nan}
    row |= with_interval("dense_top5", shares[0]) | with_interval("level_top5", shares[1]) | five
    beyond, p_beyond, count = UNDEFINED, np.nan, np.nan
    if beside is not None:
        harmless = flips(pair.dense.votes[0], beside.votes[0], pair.dense.label).any
        more, fewer = int((found.any & ~harmless).sum()), int((harmless & ~found.any).sum())
        beyond, p_beyond = change(more, fewer, n, significance), mcnemar(found.any, harmless)
        count = int(harmless.sum())
    return row | {"beside_flips": count, **with_interval("flips_beyond", beyond), "p_flips_beyond": p_beyond}


def drift(before: Sureness, after: Sureness, place: int, significance: float) -> dict[str, float]:
    """How much more certain a network became, of the label and of the class that it says; undefined where the predictions came without it."""
    columns = {}
    for name, of in (("p_label_change", "p_label"), ("confidence_change", "p1")):
        old, new = (getattr(each, of)[place].astype(np.float64) for each in (before, after))
        columns |= with_interval(name, mean(new - old, significance))
    return columns


def divergences(paths: list[str], levels: list[str], significance: float) -> dict[str, list[dict[str, float]]]:
    """How far the probabilities of all classes are from the dense network's, of each level network after network; levels of which the ledger keeps five
    are not there. The files are read once, one network of each level at a time."""
    kept = [level for level in levels if keeps_probabilities(paths, level)]
    found: dict[str, list[dict[str, float]]] = {level: [] for level in kept}
    if not kept or not keeps_probabilities(paths, "dense"):
        return {}
    everybody = (each_probabilities(paths, level) for level in ("dense", *kept))
    for (_, before), *others in zip(*everybody, strict=True):
        for level, (_, after) in zip(kept, others, strict=True):
            found[level].append(
                {
                    **with_interval("kullback_leibler", mean(kullback_leibler(before, after), significance, 0, 1)),
                    **with_interval("jensen_shannon", mean(jensen_shannon(before, after), significance, 0, 1)),
                }
            )
    return found


def flipped(pair: Pair, classes: list[str], before: Sureness, after: Sureness, place: int) -> pd.DataFrame:
    """The rows of flips.csv: a row for each image that flipped, what it was and became, with the probabilities of both sides."""
    found = pair.flips
    chosen = np.flatnonzero(found.any)
    names = np.array(classes, dtype=object)
    said = [
        np.where(votes >= 0, names[votes], "none of the classes") for votes in (pair.dense.votes[0], pair.own.votes[0])
    ]
    return pd.DataFrame(
        {
            "level": pair.level,
            "seed": pair.seed,
            "example": pair.dense.example[chosen],
            "flip": found.kind[chosen],
            "label_name": names[pair.dense.label[chosen]],
            "dense_says": said[0][chosen],
            "level_says": said[1][chosen],
            "dense_confidence": before.p1[place, chosen],
            "level_confidence": after.p1[place, chosen],
            "dense_p_label": before.p_label[place, chosen],
            "level_p_label": after.p_label[place, chosen],
        }
    )


def completed(table: pd.DataFrame, significance: float) -> pd.DataFrame:
    """With p of the change of top-1 adjusted for all networks but the control's (Holm), and what it says."""
    tested = (table.level != CONTROL).to_numpy()
    table["p_top1_holm"] = np.nan
    table.loc[tested, "p_top1_holm"] = holm(table.p_top1.to_numpy()[tested])
    table["verdict"] = [
        verdict(row.top1_change, row.p_top1_holm, significance) if row.level != CONTROL else "is the control"
        for row in table.itertuples()
    ]
    return table


def main(input, output, params) -> None:
    """Read the clean suite of all levels, write both tables."""
    classes = load_manifest(input.data)["classes"]
    top5, dense = has_top5(input.ledger), load_sureness(input.ledger, "dense")
    beside = load_population(input.ledger, params.beside)["clean", 0] if params.beside else None
    apart = divergences(input.ledger, params.levels, params.significance)
    rows, images = [], []
    for level in params.levels:
        own = load_sureness(input.ledger, level)
        about = {"beside": params.beside or "none", "sparsity": sparsity_of(input.ledger, level)}
        about["reason"] = ONE_EACH if level in apart else f"{ONE_EACH}; {FIVE}"
        for place, pair in enumerate(pairs_of(level, params.designs[level], dense.votes, own.votes)):
            harmless = None if beside is None or level == params.beside else beside.of_model(place)
            row = summarize(pair, harmless, top5, params.significance)
            row |= drift(dense, own, place, params.significance)
            row |= apart[level][place] if level in apart else UNKNOWN
            rows.append(row | about)
            images.append(flipped(pair, classes, dense, own, place))
    table = completed(pd.DataFrame(rows), params.significance)
    for row in table.itertuples():
        print(
            f"{row.level}, seed {row.seed}: {row.flips} of {row.examples} images flip, {row.lost} right to wrong and {row.gained} wrong to right: {row.verdict}"
        )
    save_table(output.table, table)
    save_table(output.flips, pd.concat(images))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
