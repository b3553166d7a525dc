"""How sure models are of the clean examples: the probabilities in the ledger, those of all classes one model at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scripts.lib.jobs.errors import InputError
from scripts.lib.ledger.predictions import Votes, load_population
from scripts.lib.ledger.schema import PROBABILITIES, classes_kept, describe, unreadable

CLEAN = ("clean", 0)
WHERE = ["seed", "corruption"]
SURE = ["p1", "p_label", "p_squared"]


@dataclass(frozen=True)
class Sureness:
    """What K models say of N clean examples, and how sure they are; NaN where predictions came without it."""

    votes: Votes
    p1: np.ndarray  # float32[K, N]: of the class that is said
    p_label: np.ndarray  # float32[K, N]
    p_squared: np.ndarray  # float32[K, N]: the sum of the squares of all classes'; NaN in files of version 1


def load_sureness(paths: list[str | Path], level: str) -> Sureness:
    """The probabilities of one number each, from the files of several levels; InputError as `load_population`."""
    votes = load_population(paths, level)[CLEAN]
    found = {name: np.full(votes.votes.shape, np.nan, dtype=np.float32) for name in SURE}
    for path in _files(paths, level):
        table = _read(path, lambda file: file.read(columns=[*WHERE, *(set(SURE) & set(file.schema_arrow.names))]))
        table = table.filter(pc.equal(table["corruption"].cast(pa.string()), CLEAN[0]))
        seeds = table["seed"].to_numpy()
        for name in set(SURE) & set(table.column_names):
            values = table[name].to_numpy()
            for seed in np.unique(seeds):
                found[name][np.searchsorted(votes.seed, seed)] = values[seeds == seed]
    return Sureness(votes, **found)


def keeps_probabilities(paths: list[str | Path], level: str) -> bool:
    """Whether all files of a level keep the probabilities of all classes."""
    return all(_read(path, lambda file: classes_kept(file.schema_arrow)) > 0 for path in _files(paths, level))


def each_probabilities(paths: list[str | Path], level: str) -> Iterator[tuple[int, np.ndarray]]:
    """(seed, float32[N, C]) of a level's models in the order of `load_population`; one of them is in memory at a time.

    paths: prediction files of several levels. Raises InputError as `load_population`, for files that keep the five first classes only, and
    for what is no probability.
    """
    votes = load_population(paths, level)[CLEAN]
    place = {seed: path for path in _files(paths, level) for seed in _clean_seeds(path)}
    for seed in votes.seed.tolist():
        path = place[seed]
        if not _read(path, lambda file: classes_kept(file.schema_arrow)):
            raise InputError(
                f"{path} keeps the probabilities of the five first classes only: set `audit.probabilities` to all, or bring arrays of all classes."
            )
        found = _read(path, lambda file, seed=seed: _of_seed(file, seed))
        if not ((found >= 0) & (found <= 1)).all():  # NaN is neither
            raise InputError(f"{path} has a missing or undefined probability of seed {seed}: predict it anew.")
        yield seed, found


def _files(paths: list[str | Path], level: str) -> list[str | Path]:
    return [path for path in paths if describe(path)["level"] == level]


def _read(path: str | Path, what):
    """What a function makes of an open file; InputError if it is damaged."""
    try:
        with pq.ParquetFile(path) as file:
            return what(file)
    except (pa.ArrowException, OSError) as error:
        raise unreadable(path, error) from None


def _clean_seeds(path: str | Path) -> list[int]:
    table = _read(path, lambda file: file.read(columns=WHERE))
    clean = pc.equal(table["corruption"].cast(pa.string()), CLEAN[0]).to_numpy()
    return np.unique(table["seed"].to_numpy()[clean]).tolist()


def _of_seed(file: pq.ParquetFile, seed: int) -> np.ndarray:
    """The clean rows of one model, float32[n, C], from the groups of rows that it is in; missing ones are NaN."""
    classes, parts = classes_kept(file.schema_arrow), []
    for group in range(file.num_row_groups):
        where = file.read_row_group(group, columns=WHERE)
        mine = (where["seed"].to_numpy() == seed) & (where["corruption"].cast(pa.string()).to_numpy() == CLEAN[0])
        if mine.any():
            kept = file.read_row_group(group, columns=[PROBABILITIES])[PROBABILITIES].combine_chunks()
            if kept.null_count:  # a missing list would shift all after it
                return np.full((1, classes), np.nan, dtype=np.float32)
            values = kept.flatten().to_numpy(zero_copy_only=False)
            parts.append(values.reshape(-1, classes)[mine].astype(np.float32, copy=False))
    return np.concatenate(parts)
