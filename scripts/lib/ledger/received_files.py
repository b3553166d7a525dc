"""Files of predictions that somebody else made, read into what a level has received: one sentence for the first thing that is wrong."""

from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scripts.lib.data.class_values import numbers_of
from scripts.lib.data.columns import CLASS, NUMBER, TEXT, VECTOR, WHOLE, Batch, check_columns, first_false, read_batches
from scripts.lib.data.example_ids import match_ids
from scripts.lib.jobs.errors import InputError
from scripts.lib.ledger.prediction_arrays import open_array
from scripts.lib.ledger.prediction_checks import check_classes, check_probabilities
from scripts.lib.ledger.predictions import squared
from scripts.lib.ledger.ranked import KINDS as MATRICES
from scripts.lib.ledger.ranked import Ranked, ranked
from scripts.lib.ledger.received import PREDICTED, Received
from scripts.lib.ledger.schema import PROBABILITY, RANKS, TOP
from scripts.lib.study.sources import ARRAY

REQUIRED = ("example", "label")
KINDS = {
    **{"example": TEXT, "label": CLASS, "seed": WHOLE, "corruption": TEXT, "severity": WHOLE},
    **dict.fromkeys(TOP, CLASS),
    **dict.fromkeys([*PROBABILITY, "p_label"], NUMBER),
    **dict.fromkeys(MATRICES, VECTOR),
}
AT_A_TIME = 2**23  # numbers of an array that are in memory at a time


class Reader:
    """Reads files into a `Received`. Files that do not say which model is theirs hold one each, numbered from 0 in their order."""

    def __init__(self, received: Received, classes: list[str], known: tuple[str, ...], kind: str | None) -> None:
        """classes: names. known: all corruptions that there are. kind: what arrays hold, of `scripts.lib.ledger.ranked.KINDS`."""
        self.received, self.known, self.kind = received, known, kind
        self.classes = {name: number for number, name in enumerate(classes)}
        self.ids = pa.array(received.examples.example, pa.string())
        self.numbered: set[bool] = set()  # whether files say seeds
        self.next = 0

    def read(self, path: str) -> None:
        """Take all that a file holds; InputError for the first thing that is wrong."""
        if path.lower().endswith(ARRAY):
            self._read_array(path)
        else:
            self._read_rows(path)

    def _read_array(self, path: str) -> None:
        examples = self.received.examples
        array = open_array(path, len(examples), len(self.classes))
        self._number(path, False)
        self.received.begin(path, self._all_ranks())
        step = max(1, AT_A_TIME // array.shape[2])
        for model in array:
            seed, self.next = self.next, self.next + 1
            for first in range(0, len(examples), step):
                rows = np.arange(first, min(first + step, len(examples)))
                slot = self.received.slots(np.full(len(rows), seed), lambda _: path)
                given = ranked(model[rows], examples.label[rows], str(self.kind), path, first + 1)
                variant = np.full(len(rows), self.received.variants["clean", 0])
                self.received.put(variant, slot, rows, given, lambda _: path)

    def _all_ranks(self) -> set[str]:
        """The columns that are known where the probabilities of all classes are; of few classes there are few ranks."""
        return {*TOP[: len(self.classes)], *PROBABILITY[: len(self.classes)], "p_label"}

    def _number(self, path: str, numbered: bool) -> None:
        """InputError if only some files of a level say which models are theirs."""
        self.numbered.add(numbered)
        if len(self.numbered) == 2:
            has, lacks = (path, self.received.paths[-1]) if numbered else (self.received.paths[-1], path)
            raise InputError(
                f"{has} has a column seed and {lacks} has not: give it to all files of a level, or to none, where every file is one model."
            )

    def _read_rows(self, path: str) -> None:
        names = check_prediction_columns(path)
        beyond = {*PREDICTED} - self._all_ranks()
        kinds = {name: kind for name, kind in KINDS.items() if name in names and name not in beyond}
        if "top1" in kinds:
            kinds = {name: kind for name, kind in kinds.items() if name not in MATRICES}
            predicted = {name for name in kinds if name in PREDICTED}
        else:
            kinds = {name: kind for name, kind in kinds.items() if name not in PREDICTED}
            predicted = self._all_ranks()
        ignored = [name for name in names if name not in kinds and name not in beyond]
        if ignored:
            print(f"{path}: columns that are not read: {', '.join(ignored)}")
        self._number(path, "seed" in names)
        self.received.begin(path, predicted)
        for batch in read_batches(path, kinds):
            self._take(batch)
        self.next += 1

    def _take(self, batch: Batch) -> None:
        columns = batch.columns
        count = len(columns["example"])
        position, label = self._positions(batch)
        seed = columns.get("seed", np.full(count, self.next))
        where = partial(batch.where, "seed" if "seed" in columns else "example")
        slot = self.received.slots(seed, where)
        self.received.put(self._variants(batch), slot, position, self._ranked(batch, label), where)

    def _positions(self, batch: Batch) -> tuple[np.ndarray, np.ndarray]:
        """Where each row's example is in the example table, and its label, which the table must have too."""
        examples = self.received.examples
        encoded = batch.columns["example"].dictionary_encode()
        found = pc.index_in(encoded.dictionary, self.ids)
        place = found.fill_null(-1).to_numpy().copy()
        lacking = np.flatnonzero(place < 0)
        if len(lacking):
            place[lacking] = match_ids([encoded.dictionary[i].as_py() for i in lacking], examples.example.tolist())
        if (place < 0).any():
            unknown = encoded.dictionary[int(np.argmin(place))].as_py()
            wrong = pc.index(batch.columns["example"], unknown).as_py()
            raise InputError(
                f"{batch.where('example', wrong)}: {unknown!r} is not among the {len(self.ids)} examples of the study, which are called like "
                f"{str(self.ids[0])!r}: all levels need the same examples{_zeros(unknown, examples.example.tolist())}."
            )
        position = place[encoded.indices.to_numpy()]
        label, expected = numbers_of(batch, "label", self.classes), examples.label[position]
        wrong = first_false(label == expected)
        if wrong is not None:
            raise InputError(
                f"{batch.where('label', wrong)}: the example {str(examples.example[position[wrong]])!r} has the label {label[wrong]} here and "
                f"{expected[wrong]} among the study's examples: all levels and seeds need the same labels."
            )
        return position, label

    def _ranked(self, batch: Batch, label: np.ndarray) -> Ranked:
        columns = batch.columns
        for kind in MATRICES:
            if kind in columns:
                if columns[kind].shape[1] != len(self.classes):
                    raise InputError(
                        f"{batch.where(kind, 0)}: {columns[kind].shape[1]} numbers, and the study has {len(self.classes)} classes: give one number a class."
                    )
                return ranked(columns[kind], label, kind, f"{batch.path}, column {kind}", batch.first)
        tops = {name: numbers_of(batch, name, self.classes) for name in TOP if name in columns}
        check_classes(batch, tops, len(self.classes))
        check_probabilities(batch, tops, label, len(self.classes))
        top = np.full((len(label), RANKS), -1, dtype=np.int16)
        probability = np.full((len(label), RANKS), np.nan, dtype=np.float32)
        for rank in range(RANKS):
            if TOP[rank] in tops:
                top[:, rank] = tops[TOP[rank]]
            if PROBABILITY[rank] in columns:
                probability[:, rank] = columns[PROBABILITY[rank]]
        unknown = np.full(len(label), np.nan)
        p_label, count = columns.get("p_label", unknown), len(self.classes)
        if count > RANKS or not {*TOP[:count], *PROBABILITY[:count]} <= set(columns):
            return Ranked(top, probability, p_label, unknown)
        every_class = np.empty((len(label), count), dtype=np.float32)  # so few that the ranks are all of them
        np.put_along_axis(every_class, top[:, :count].astype(np.int64), probability[:, :count], axis=1)
        return Ranked(top, probability, p_label, squared(every_class), every_class)

    def _variants(self, batch: Batch) -> np.ndarray:
        """Which variant of the test data each row is about."""
        variants, severity = self.received.variants, batch.columns.get("severity")
        if "corruption" not in batch.columns:
            wrong = None if severity is None else first_false(severity == 0)
            if wrong is not None:
                raise InputError(
                    f"{batch.where('severity', wrong)}: {severity[wrong]}, and there is no column corruption to say of what: add it."
                )
            return np.full(len(batch.columns["example"]), variants["clean", 0])
        encoded = batch.columns["corruption"].dictionary_encode()
        names, code = encoded.dictionary.to_pylist(), encoded.indices.to_numpy()
        variant = np.empty(len(code), dtype=np.int64)
        for index, name in enumerate(names):
            found = np.flatnonzero(code == index)
            here = batch.where("corruption", found[0])
            if name != "clean" and name not in self.known:
                raise InputError(f"{here}: {name!r} is unknown: it may be clean, {', '.join(self.known)}.")
            if name not in {each for each, _ in variants}:
                raise InputError(f"{here}: {name}, which the study does not name: add it to `corruptions.names`.")
            if severity is None and name != "clean":
                raise InputError(f"{here}: {name}, and there is no column severity: add it.")
            for grade in [0] if severity is None else np.unique(severity[found]):
                chosen = found if severity is None else found[severity[found] == grade]
                if (name, int(grade)) not in variants:
                    allowed = [each for corruption, each in variants if corruption == name]
                    raise InputError(
                        f"{batch.where('severity', chosen[0])}: {grade} for {name}, where the study has {', '.join(map(str, allowed))}: set "
                        "`corruptions.severities`, or leave the row out."
                    )
                variant[chosen] = variants[name, int(grade)]
        return variant


def check_prediction_columns(path: str) -> list[str]:
    """The columns of a file of rows; InputError unless they say what is predicted for which example."""
    names = check_columns(path, REQUIRED)
    if not {"top1", *MATRICES} & set(names):
        raise InputError(
            f"{path} has no column top1: it needs example, label and top1, or {' or '.join(MATRICES)} of all classes instead, and has {', '.join(names)}."
        )
    return names


def _zeros(unknown: str, ids: list[str]) -> str:
    """What to say of an id that has lost its leading zeros, as numbers do."""
    if not unknown.isdecimal():
        return ""
    meant = next((name for name in ids if name.isdecimal() and int(name) == int(unknown)), None)
    return (
        ""
        if meant is None
        else f"; {meant!r} may have lost or gained zeros when it was read as a number, so write ids as texts"
    )
