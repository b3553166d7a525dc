"""What models predict with some of their layers compressed: a file a level and cohort, written by `blame_layers`.

Columns: example, label, seed, experiment, layer, top1. An experiment is one of EXPERIMENTS; a layer is what is compressed alone or left out,
and EVERY for the other experiments. The parquet metadata say what each layer of each model saves, key `lacuna`, JSON.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import replacing

UNCOMPRESSED, ALL, ALONE, LEFT_OUT = "uncompressed", "all", "alone", "left_out"
EXPERIMENTS = (UNCOMPRESSED, ALL, ALONE, LEFT_OUT)
EVERY = "all layers"
Experiment = tuple[str, str]  # experiment, layer
TEXTS = ("example", "experiment", "layer")


@dataclass(frozen=True)
class LayerVotes:
    """What the K models of a level predict for N images."""

    example: np.ndarray  # str[N]
    label: np.ndarray  # int64[N]
    seed: np.ndarray  # int64[K]
    votes: dict[Experiment, np.ndarray]  # int16[K, N] each
    sizes: dict[int, dict]  # seed -> `bytes` of the compressed network and `bytes_saved` by each of its layers
    description: dict  # `level`, `how`, `classes`, `layers`, and all of the `network`'s layers of their kind

    @property
    def layers(self) -> list[str]:
        """The layers that are exchanged, in the order of the network."""
        return self.description["layers"]

    @property
    def bytes(self) -> int:
        """Of the level's network, a mean over models."""
        return round(np.mean([of["bytes"] for of in self.sizes.values()]))

    @property
    def bytes_saved(self) -> dict[str, int]:
        """By each layer, a mean over models."""
        return {
            layer: round(np.mean([of["bytes_saved"][layer] for of in self.sizes.values()])) for layer in self.layers
        }

    @property
    def before(self) -> np.ndarray:
        """What the uncompressed models predict, int16[K, N]."""
        return self.votes[UNCOMPRESSED, EVERY]

    def flipped(self, experiment: str, layer: str = EVERY) -> np.ndarray:
        """Which predictions differ from the uncompressed model's, bool[K, N]."""
        return self.votes[experiment, layer] != self.before


def experiments_of(layers: Sequence[str]) -> dict[Experiment, list[str]]:
    """Each experiment but the uncompressed models, and the layers that it compresses."""
    return (
        {(ALL, EVERY): list(layers)}
        | {(ALONE, layer): [layer] for layer in layers}
        | {(LEFT_OUT, layer): [other for other in layers if other != layer] for layer in layers}
    )


def save_layer_votes(
    path: str | Path,
    example: np.ndarray,
    label: np.ndarray,
    votes: Mapping[tuple[int, Experiment], np.ndarray],
    sizes: Mapping[int, dict],
    description: dict,
) -> None:
    """Write a cohort's votes int16[N] by seed and experiment; sizes, description: as in `LayerVotes`."""
    n = len(example)
    parts = [
        pa.table(
            {
                "example": pa.array(example, pa.string()).dictionary_encode(),
                "label": pa.array(label, pa.int16()),
                "seed": pa.array(np.full(n, seed), pa.int16()),
                "experiment": pa.array([experiment] * n).dictionary_encode(),
                "layer": pa.array([layer] * n).dictionary_encode(),
                "top1": pa.array(top1, pa.int16()),
            }
        )
        for (seed, (experiment, layer)), top1 in votes.items()
    ]
    said = json.dumps(description | {"sizes": {str(seed): size for seed, size in sizes.items()}}, sort_keys=True)
    table = pa.concat_tables(parts, promote_options="default").unify_dictionaries()
    table = table.replace_schema_metadata({"lacuna": said})
    with replacing(path) as beside:
        pq.write_table(table, beside, compression="zstd")


def load_layer_votes(paths: Sequence[str | Path]) -> LayerVotes:
    """The votes of a level from the files of its cohorts; InputError for a damaged file or cohorts that do not belong together."""
    cohorts = [_load_cohort(path) for path in paths]
    first = cohorts[0]
    for path, other in zip(paths, cohorts, strict=True):
        same = np.array_equal(first.example, other.example) and first.description == other.description
        if not same:
            raise InputError(
                f"{path} and {paths[0]} are not of one study: delete both, and snakemake makes them again."
            )
    return LayerVotes(
        first.example,
        first.label,
        np.concatenate([each.seed for each in cohorts]),
        {name: np.concatenate([each.votes[name] for each in cohorts]) for name in first.votes},
        {seed: size for each in cohorts for seed, size in each.sizes.items()},
        first.description,
    )


def load_levels(paths: Sequence[str | Path]) -> list[LayerVotes]:
    """The votes of several levels, in the order in which their files are named; InputError as `load_layer_votes`."""
    files: dict[str, list[str | Path]] = {}
    for path in paths:
        files.setdefault(_load_cohort(path).description["level"], []).append(path)
    return [load_layer_votes(of) for of in files.values()]


def _load_cohort(path: str | Path) -> LayerVotes:
    try:
        table = pq.read_table(path)
        description = json.loads(table.schema.metadata[b"lacuna"])
        sizes = {int(seed): size for seed, size in description.pop("sizes").items()}
        top1, label = table["top1"].to_numpy(), table["label"].to_numpy()
        seeds = table["seed"].to_numpy()
        texts = {name: table[name].combine_chunks() for name in TEXTS}
    except (pa.ArrowException, KeyError, TypeError, ValueError, OSError) as error:
        raise InputError(f"{path} cannot be read ({error}): delete it, and snakemake makes it again.") from None
    names = [(UNCOMPRESSED, EVERY), *experiments_of(description["layers"])]
    models = len(np.unique(seeds))
    n = len(table) // (models * len(names))
    starts = np.arange(0, len(table), n)
    said = {name: texts[name].take(pa.array(starts)).to_pylist() for name in ("experiment", "layer")}
    written = list(zip(seeds[starts].tolist(), said["experiment"], said["layer"], strict=True))
    if written != [(seed, *name) for seed in dict.fromkeys(seeds[starts].tolist()) for name in names]:
        raise InputError(
            f"{path} lacks experiments, or has them in another order: delete it, and snakemake makes it again."
        )
    votes = top1.reshape(models, len(names), n)
    return LayerVotes(
        np.array(texts["example"][:n].to_pylist()),
        label[:n].astype(np.int64),
        seeds[:: n * len(names)].astype(np.int64),
        {name: votes[:, place] for place, name in enumerate(names)},
        sizes,
        description,
    )
