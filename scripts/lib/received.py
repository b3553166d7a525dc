"""Predictions that somebody else made: rows in any order become blocks of the ledger, one for each model and variant."""

import hashlib
import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scripts.lib.columns import NUMBER, TEXT, WHOLE, Batch, check_columns, first_false, read_batches
from scripts.lib.dataset import Examples
from scripts.lib.errors import InputError
from scripts.lib.files import reserve, room_for
from scripts.lib.ledger import PROBABILITY, RANKS, TOP, rows

REQUIRED = ("example", "label", "seed", "top1")
KINDS = {
    **{"example": TEXT, "label": WHOLE, "seed": WHOLE, "corruption": TEXT, "severity": WHOLE},
    **dict.fromkeys(TOP, WHOLE),
    **dict.fromkeys([*PROBABILITY, "p_label"], NUMBER),
}
PREDICTED = [*TOP, *PROBABILITY, "p_label"]
LARGEST_SEED = 2**15 - 1  # the ledger's seeds have 16 bits
TOLERANCE = 1e-3  # of probabilities that were rounded
# What is predicted for one example, as the ledger holds it.
RECORD = np.dtype([("top", np.int16, RANKS), ("probability", np.float32, RANKS), ("p_label", np.float32)])


class Received:
    """All predictions of one level, K models of V variants of N examples, in a nameless file that vanishes with the process."""

    def __init__(
        self,
        level: str,
        examples: Examples,
        classes: int,
        variants: list[tuple[str, int]],
        models: int,
        known: tuple[str, ...],
        scratch: Path,
    ) -> None:
        """variants: the (corruption, severity) that the study names. known: all corruptions that there are. scratch: a folder."""
        self.level, self.examples, self.classes, self.models, self.known = level, examples, classes, models, known
        self.variants = {variant: index for index, variant in enumerate(variants)}
        self.ids = pa.array(examples.example, pa.string())
        self.seeds: dict[int, int] = {}  # seed -> slot, in the order in which they come
        self.columns: set[str] | None = None  # of PREDICTED, in all files
        shape = (len(variants), models, len(examples))
        self.filled = np.zeros(shape, dtype=bool)
        self.source = np.full(shape[:2], -1)  # the first file that has something of a model and variant
        self.paths: list[str] = []
        size = int(np.prod(shape)) * RECORD.itemsize
        self.file = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115 (lives as long as this object)
        with room_for(scratch):
            reserve(self.file, size)
        self.records = np.memmap(self.file, dtype=RECORD, mode="w+", shape=shape)

    def read(self, path: str) -> None:
        """Take all rows of a file; InputError for the first that is wrong."""
        names = check_columns(path, REQUIRED)
        ranks = min(RANKS, self.classes)
        beyond = {*TOP[ranks:], *PROBABILITY[ranks:]}  # ranks that do not exist with so few classes
        kinds = {name: kind for name, kind in KINDS.items() if name in names and name not in beyond}
        predicted = {name for name in kinds if name in PREDICTED}
        if self.columns is not None and predicted != self.columns:
            only = min(predicted ^ self.columns)
            has, lacks = (path, self.paths[0]) if only in predicted else (self.paths[0], path)
            raise InputError(
                f"{has} has a column {only} and {lacks} has not: give all files of a level the same columns."
            )
        self.columns = predicted
        self.paths.append(path)
        for batch in read_batches(path, kinds):
            self._take(batch)

    def _take(self, batch: Batch) -> None:
        columns = batch.columns
        position = self._positions(batch)
        slot = self._slots(batch)
        variant = self._variants(batch)
        self._check_predictions(batch)
        place = (variant, slot, position)
        flat = np.ravel_multi_index(place, self.filled.shape)
        first = np.zeros(len(flat), dtype=bool)
        first[np.unique(flat, return_index=True)[1]] = True
        wrong = first_false(first & ~self.filled[place])
        if wrong is not None:
            self._twice(batch, wrong, variant[wrong], slot[wrong])
        self.filled[place] = True
        touched = np.unique(variant * self.models + slot)
        source = self.source.reshape(-1)
        source[touched[source[touched] < 0]] = len(self.paths) - 1
        top = np.full((len(flat), RANKS), -1, dtype=np.int16)
        probability = np.full((len(flat), RANKS), np.nan, dtype=np.float32)
        for rank in range(RANKS):
            if TOP[rank] in columns:
                top[:, rank] = columns[TOP[rank]]
            if PROBABILITY[rank] in columns:
                probability[:, rank] = columns[PROBABILITY[rank]]
        record = np.empty(len(flat), dtype=RECORD)
        record["top"], record["probability"], record["p_label"] = top, probability, columns.get("p_label", np.nan)
        self.records.reshape(-1)[flat] = record

    def _positions(self, batch: Batch) -> np.ndarray:
        """Where each row's example is in the example table, which also knows its label."""
        encoded = batch.columns["example"].dictionary_encode()
        found = pc.index_in(encoded.dictionary, self.ids)
        if found.null_count:
            unknown = encoded.dictionary[found.is_null().to_numpy(zero_copy_only=False).argmax()].as_py()
            wrong = pc.index(batch.columns["example"], unknown).as_py()
            raise InputError(
                f"{batch.where('example', wrong)}: {unknown!r} is not among the {len(self.ids)} examples of the study, which are called like "
                f"{str(self.ids[0])!r}: all levels need the same examples."
            )
        position = found.to_numpy()[encoded.indices.to_numpy()]
        label, expected = batch.columns["label"], self.examples.label[position]
        wrong = first_false(label == expected)
        if wrong is not None:
            raise InputError(
                f"{batch.where('label', wrong)}: the example {self.examples.example[position[wrong]]!r} has the label {label[wrong]} here and "
                f"{expected[wrong]} among the study's examples: all levels and seeds need the same labels."
            )
        return position

    def _slots(self, batch: Batch) -> np.ndarray:
        seed = batch.columns["seed"]
        for number in np.unique(seed):
            if number in self.seeds:
                continue
            here = batch.where("seed", np.argmax(seed == number))
            if not 0 <= number <= LARGEST_SEED:
                raise InputError(f"{here}: {number}: seeds must be from 0 to {LARGEST_SEED}, so number the models.")
            if len(self.seeds) == self.models:
                raise InputError(
                    f"{here}: {number} is one model more than the {self.models} that level {self.level} is to have: set `population.models`, or "
                    "`models` of the level."
                )
            self.seeds[int(number)] = len(self.seeds)
        order = np.array(sorted(self.seeds))
        return np.array([self.seeds[int(number)] for number in order])[np.searchsorted(order, seed)]

    def _variants(self, batch: Batch) -> np.ndarray:
        severity = batch.columns.get("severity")
        if "corruption" not in batch.columns:
            wrong = None if severity is None else first_false(severity == 0)
            if wrong is not None:
                raise InputError(
                    f"{batch.where('severity', wrong)}: {severity[wrong]}, and there is no column corruption to say of what: add it."
                )
            return np.full(len(batch.columns["seed"]), self.variants["clean", 0])
        encoded = batch.columns["corruption"].dictionary_encode()
        names, code = encoded.dictionary.to_pylist(), encoded.indices.to_numpy()
        variant = np.empty(len(code), dtype=np.int64)
        for index, name in enumerate(names):
            found = np.flatnonzero(code == index)
            here = batch.where("corruption", found[0])
            study = {each for each, _ in self.variants}
            if name != "clean" and name not in self.known:
                raise InputError(f"{here}: {name!r} is unknown: it may be clean, {', '.join(self.known)}.")
            if name not in study:
                raise InputError(f"{here}: {name}, which the study does not name: add it to `corruptions.names`.")
            if severity is None and name != "clean":
                raise InputError(f"{here}: {name}, and there is no column severity: add it.")
            for grade in [0] if severity is None else np.unique(severity[found]):
                chosen = found if severity is None else found[severity[found] == grade]
                if (name, int(grade)) not in self.variants:
                    allowed = [each for corruption, each in self.variants if corruption == name]
                    raise InputError(
                        f"{batch.where('severity', chosen[0])}: {grade} for {name}, where the study has {', '.join(map(str, allowed))}: set "
                        "`corruptions.severities`, or leave the row out."
                    )
                variant[chosen] = self.variants[name, int(grade)]
        return variant

    def _check_predictions(self, batch: Batch) -> None:
        columns = batch.columns
        tops = [name for name in TOP if name in columns]
        for name in tops:
            wrong = first_false((columns[name] >= 0) & (columns[name] < self.classes))
            if wrong is not None:
                raise InputError(
                    f"{batch.where(name, wrong)}: {columns[name][wrong]}, and the classes go from 0 to {self.classes - 1}: name all of them in "
                    "`data`, key `classes`, or correct the file."
                )
        for rank, name in enumerate(tops):
            for earlier in tops[:rank]:
                wrong = first_false(columns[name] != columns[earlier])
                if wrong is not None:
                    raise InputError(
                        f"{batch.where(name, wrong)}: {columns[name][wrong]} as in {earlier}: a class has one rank only."
                    )
        given = [name for name in (*PROBABILITY, "p_label") if name in columns]
        for name in given:
            wrong = first_false((columns[name] >= 0) & (columns[name] <= 1 + TOLERANCE))
            if wrong is not None:
                raise InputError(
                    f"{batch.where(name, wrong)}: {columns[name][wrong]:g} is no probability: give softmax outputs, from 0 to 1."
                )
        ranked = [name for name in given if name != "p_label"]
        for before, after in itertools.pairwise(ranked):
            wrong = first_false(columns[after] <= columns[before] + TOLERANCE)
            if wrong is not None:
                raise InputError(
                    f"{batch.where(after, wrong)}: {columns[after][wrong]:g} is more than {before}: the most probable class comes first."
                )
        if {"p1", "p_label"} <= set(given):
            apart = np.abs(columns["p1"] - columns["p_label"]) > TOLERANCE
            wrong = first_false(~(apart & (columns["top1"] == columns["label"])))
            if wrong is not None:
                raise InputError(
                    f"{batch.where('p_label', wrong)}: {columns['p_label'][wrong]:g}, and p1 is {columns['p1'][wrong]:g} though top1 is the label: "
                    "p_label is the probability of the label."
                )

    def _twice(self, batch: Batch, row: int, variant: int, slot: int) -> None:
        name, severity = list(self.variants)[variant]
        example, seed = batch.columns["example"][row].as_py(), batch.columns["seed"][row]
        before = self.source[variant, slot]
        other = self.paths[before] if before >= 0 else batch.path
        where = "twice" if other == batch.path else f"in {other} already"
        raise InputError(
            f"{batch.where('seed', row)}: the model {seed} predicts {example!r}, {name} {severity}, {where}: give every model of a level a seed of its "
            "own, and leave repeated rows out."
        )

    def check_complete(self) -> None:
        """Raise InputError unless K models were found and all predict the same examples in all of the study's variants."""
        if len(self.seeds) != self.models:
            raise InputError(
                f"level {self.level}: its files hold {len(self.seeds)} models ({', '.join(map(str, sorted(self.seeds)))}) and the study says "
                f"{self.models}: set `population.models`, or `models` of the level."
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
                        f"{str(self.ids[int(lacking[0])])!r}: all models need the same examples."
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

    def digests(self) -> dict[int, str]:
        """SHA-256 of each model's clean predictions by seed; none without p1, as classes alone may agree by chance."""
        if "p1" not in (self.columns or ()):
            return {}
        clean = self.records[self.variants["clean", 0]]
        return {seed: hashlib.sha256(clean[slot].tobytes()).hexdigest() for seed, slot in sorted(self.seeds.items())}

    def blocks(self, variants: list[tuple[str, int]]) -> Iterator[pa.Table]:
        """The ledger's rows, variant after variant and seed after seed."""
        for variant in variants:
            index = self.variants[variant]
            chosen = np.flatnonzero(self.filled[index].any(axis=0))
            for seed in sorted(self.seeds):
                records = self.records[index, self.seeds[seed], chosen]
                yield rows(
                    self.examples.example[chosen],
                    self.examples.label[chosen],
                    seed,
                    *variant,
                    records["top"],
                    records["probability"],
                    records["p_label"],
                )
