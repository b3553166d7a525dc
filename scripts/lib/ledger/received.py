"""Predictions that somebody else made: rows and arrays in any order become blocks of the ledger, one for each model and variant."""

import hashlib
import math
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from scripts.lib.data.dataset import Examples
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import reserve, room_for
from scripts.lib.ledger.predictions import rows
from scripts.lib.ledger.ranked import Ranked
from scripts.lib.ledger.schema import PROBABILITY, RANKS, TOP

PREDICTED = [*TOP, *PROBABILITY, "p_label"]
LARGEST_SEED = 2**15 - 1  # the ledger's seeds have 16 bits
# What is predicted for one example, as the ledger holds it.
RECORD = np.dtype(
    [("top", np.int16, RANKS), ("probability", np.float32, RANKS), ("p_label", np.float32), ("p_squared", np.float32)]
)


class Received:
    """All predictions of one level, K models of V variants of N examples, in a nameless file that vanishes with the process."""

    def __init__(
        self,
        level: str,
        examples: Examples,
        variants: list[tuple[str, int]],
        models: int,
        scratch: Path,
        keep: bool = False,
    ) -> None:
        """variants: the (corruption, severity) that the study names. models: in the level's files. scratch: a folder.

        keep: whether to keep the probabilities of all classes for clean examples, where they are given.
        """
        self.level, self.examples, self.models = level, examples, models
        self.scratch, self.keep = scratch, keep
        self.probabilities: np.ndarray | None = None  # float32[K, N, C], from the first that is given
        self.variants = {variant: index for index, variant in enumerate(variants)}
        self.seeds: dict[int, int] = {}  # seed -> slot, in the order in which they come
        self.columns: set[str] | None = None  # of PREDICTED, in all files
        shape = (len(variants), models, len(examples))
        self.filled = np.zeros(shape, dtype=bool)
        self.source = np.full(shape[:2], -1)  # the first file that has something of a model and variant
        self.paths: list[str] = []
        self.records = self._on_disk(RECORD, shape)

    def _on_disk(self, dtype: np.dtype, shape: tuple[int, ...]) -> np.memmap:
        """An array in a nameless file, which lives as long as the array."""
        with tempfile.TemporaryFile(dir=self.scratch) as file:
            with room_for(self.scratch):
                reserve(file, math.prod(shape) * np.dtype(dtype).itemsize)
            return np.memmap(file, dtype=dtype, mode="w+", shape=shape)

    def begin(self, path: str, columns: set[str]) -> None:
        """A file follows that has these of PREDICTED; InputError if the files before it have others."""
        if self.columns is not None and columns != self.columns:
            only = min(columns ^ self.columns)
            has, lacks = (path, self.paths[0]) if only in columns else (self.paths[0], path)
            raise InputError(
                f"{has} has a column {only} and {lacks} has not: give all files of a level the same columns."
            )
        self.columns = columns
        self.paths.append(path)

    def slots(self, seed: np.ndarray, where: Callable[[int], str]) -> np.ndarray:
        """Where the models of these seeds, int64[n], have their places, int64[n]; where: how an error begins that is about row i."""
        for number in np.unique(seed):
            if number in self.seeds:
                continue
            here = where(int(np.argmax(seed == number)))
            if not 0 <= number <= LARGEST_SEED:
                raise InputError(f"{here}: {number}: seeds must be from 0 to {LARGEST_SEED}, so number the models.")
            if len(self.seeds) == self.models:
                raise InputError(
                    f"{here}: {number} is one model more than the {self.models} that level {self.level} is to have: set `population.models`, or "
                    "`models` of the level to the number in its files, of which the first are audited."
                )
            self.seeds[int(number)] = len(self.seeds)
        order = np.array(sorted(self.seeds))
        return np.array([self.seeds[int(number)] for number in order])[np.searchsorted(order, seed)]

    def put(
        self, variant: np.ndarray, slot: np.ndarray, position: np.ndarray, given: Ranked, where: Callable[[int], str]
    ) -> None:
        """Take predictions of n rows, int64[n] three times; InputError if one is here already. where: as in `slots`."""
        place = (variant, slot, position)
        flat = np.ravel_multi_index(place, self.filled.shape)
        first = np.zeros(len(flat), dtype=bool)
        first[np.unique(flat, return_index=True)[1]] = True
        again = np.flatnonzero(~first | self.filled[place])
        if len(again):
            row = int(again[0])
            self._twice(where(row), variant[row], slot[row], position[row])
        self.filled[place] = True
        touched = np.unique(variant * self.models + slot)
        source = self.source.reshape(-1)
        source[touched[source[touched] < 0]] = len(self.paths) - 1
        record = np.empty(len(flat), dtype=RECORD)
        record["top"], record["probability"], record["p_label"], record["p_squared"] = given[:4]
        self.records.reshape(-1)[flat] = record
        if self.keep and given.probabilities is not None:
            if self.probabilities is None:
                self.probabilities = self._on_disk(np.float32, (*self.filled.shape[1:], given.probabilities.shape[1]))
            clean = variant == self.variants["clean", 0]
            self.probabilities[slot[clean], position[clean]] = given.probabilities[clean]

    def _twice(self, here: str, variant: int, slot: int, position: int) -> None:
        name, severity = list(self.variants)[variant]
        seed = list(self.seeds)[slot]
        before = self.source[variant, slot]
        other = self.paths[before] if before >= 0 else self.paths[-1]
        where = "twice" if other == self.paths[-1] else f"in {other} already"
        raise InputError(
            f"{here}: the model {seed} predicts {str(self.examples.example[position])!r}, {name} {severity}, {where}: give every model of a level a seed of "
            "its own, and leave repeated rows out."
        )

    def check_complete(self) -> None:
        """Raise InputError unless K models were found and all predict the same examples in all of the study's variants."""
        if len(self.seeds) != self.models:
            raise InputError(
                f"level {self.level}: its files hold {len(self.seeds)} models ({', '.join(map(str, sorted(self.seeds)))}) and the study says "
                f"{self.models}: set `population.models`, or `models` of the level to the number in its files."
            )
        seed_of = list(self.seeds)
        for (name, severity), index in self.variants.items():
            there = self.filled[index].any(axis=0)  # of corrupted images there may be fewer than of clean ones
            wanted = np.ones_like(there) if name == "clean" else there
            if not there.any():
                raise InputError(
                    f"level {self.level}: its files have no prediction for {name} {severity}: add them, or leave it out of the study's "
                    "`corruptions.names` and `severities`."
                )
            for slot in range(self.models):
                lacking = np.flatnonzero(wanted & ~self.filled[index, slot])
                if len(lacking):
                    raise InputError(
                        f"level {self.level}: the model {seed_of[slot]} lacks {len(lacking)} of {wanted.sum()} examples for {name} {severity}, such as "
                        f"{str(self.examples.example[lacking[0]])!r}: all models need the same examples."
                    )
        corrupted = {variant: self.filled[index].any(axis=0) for variant, index in self.variants.items() if variant[1]}
        for variant, there in corrupted.items():
            first = next(iter(corrupted))
            if not np.array_equal(there, corrupted[first]):
                raise InputError(
                    f"level {self.level}: {variant[0]} {variant[1]} and {first[0]} {first[1]} are of different examples: corrupt the same ones."
                )

    @property
    def undefined(self) -> list[str]:
        """The ledger's columns that no file has."""
        return [name for name in PREDICTED if name not in (self.columns or ())]

    def kept(self, models: int) -> list[int]:
        """The smallest seeds, as many as are audited."""
        return sorted(self.seeds)[:models]

    def files(self, models: int) -> dict[int, str]:
        """The file in which each model was met first, by seed."""
        clean = self.source[self.variants["clean", 0]]
        return {seed: self.paths[clean[self.seeds[seed]]] for seed in self.kept(models)}

    def digests(self, models: int) -> dict[int, str]:
        """SHA-256 of each model's clean predictions by seed; none without p1, as classes alone may agree by chance."""
        if "p1" not in (self.columns or ()):
            return {}
        clean = self.records[self.variants["clean", 0]]
        return {seed: hashlib.sha256(clean[self.seeds[seed]].tobytes()).hexdigest() for seed in self.kept(models)}

    def accuracy(self, models: int) -> tuple[float, float]:
        """The share of right predictions of the clean images, and what it would be if the predictions were of shuffled images."""
        clean = self.records[self.variants["clean", 0]]
        votes = clean["top"][[self.seeds[seed] for seed in self.kept(models)], :, 0]
        label = self.examples.label
        said, own = (np.bincount(each.ravel(), minlength=2**15) / each.size for each in (votes, label))
        return float(np.mean(votes == label)), float(said @ own)

    def blocks(self, variants: list[tuple[str, int]], models: int) -> Iterator[pa.Table]:
        """The ledger's rows, variant after variant and seed after seed."""
        for variant in variants:
            index = self.variants[variant]
            chosen = np.flatnonzero(self.filled[index].any(axis=0))
            for seed in self.kept(models):
                records = self.records[index, self.seeds[seed], chosen]
                kept = self.probabilities is not None and variant == ("clean", 0)
                yield rows(
                    self.examples.example[chosen],
                    self.examples.label[chosen],
                    seed,
                    *variant,
                    records["top"],
                    records["probability"],
                    records["p_label"],
                    records["p_squared"],
                    self.probabilities[self.seeds[seed], chosen] if kept else None,
                )
