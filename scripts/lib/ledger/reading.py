"""The ledger's files, read block by block: what one model predicts for all examples of one variant."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scripts.lib.jobs.errors import InputError
from scripts.lib.ledger.schema import PROBABILITIES, TOP, check_schema, describe, unreadable

# What votes are read from; the probabilities, most of a file, stay on disk.
COLUMNS = ["example", "label", "seed", "corruption", "severity", *TOP, "p1"]


@dataclass(frozen=True)
class Block:
    """What one model predicts for N examples of one variant, in as few bytes as it takes."""

    example: np.ndarray  # str[N]: of equal columns one array
    label: np.ndarray  # int16[N]
    votes: np.ndarray  # int16[N]
    correct_top5: np.ndarray  # bool[N]


class ExampleColumns:
    """The columns of examples that were met, each kept once: nearly all blocks show the same examples in the same order.

    Whether two are equal is asked of their dictionaries and indices, which takes a hundredth of the time that comparing texts takes.
    """

    def __init__(self) -> None:
        self._met: list[tuple[pa.Array, np.ndarray, np.ndarray, bool]] = []

    def column(self, dictionary: pa.Array, indices: np.ndarray) -> np.ndarray:
        """dictionary[indices], str[N]; the same array for the same examples in the same order."""
        for known, places, column, _ in self._met:
            if np.array_equal(places, indices) and known.equals(dictionary):
                return column
        column = dictionary.to_numpy(zero_copy_only=False)[indices]
        self._met.append((dictionary, indices.copy(), column, len(set(column)) < len(column)))
        return column

    def repeats(self, column: np.ndarray) -> bool:
        """Whether an example is twice in a column that came from here."""
        return next(repeats for _, _, known, repeats in self._met if known is column)


def blocks_of(path: Path, level: str, examples: ExampleColumns) -> Iterator[tuple[tuple[str, int], int, Block]]:
    """(corruption, severity), seed and predictions of every model and variant in a file."""
    described = describe(path)
    try:
        with pq.ParquetFile(path) as file:
            check_schema(path, file.schema_arrow)
            table = file.read(columns=COLUMNS)
            missing = any(table[name].null_count for name in COLUMNS) or _has_nulls(file)
    except (pa.ArrowException, OSError) as error:
        raise unreadable(path, error) from None
    if described["level"] != level:
        raise InputError(f"{path} holds the level {described['level']} where {level} is expected: predict it anew.")
    undefined = "p1" not in described.get("undefined", []) and np.isnan(table["p1"].to_numpy()).any()
    if missing or undefined:
        raise InputError(f"{path} has a missing or undefined prediction: predict it anew.")
    seed = table["seed"].to_numpy()
    severity = table["severity"].to_numpy()
    corruption = table["corruption"].combine_chunks()
    names = corruption.dictionary.to_pylist()
    code = corruption.indices.to_numpy()
    edges = np.flatnonzero((seed[1:] != seed[:-1]) | (severity[1:] != severity[:-1]) | (code[1:] != code[:-1])) + 1
    example = table["example"].combine_chunks()
    indices = example.indices.to_numpy()
    label = table["label"].to_numpy()
    top = [table[name].to_numpy() for name in TOP]
    correct_top5 = np.logical_or.reduce([rank == label for rank in top])
    for start, end in zip([0, *edges], [*edges, table.num_rows], strict=True):
        block = Block(
            examples.column(example.dictionary, indices[start:end]),
            label[start:end],
            top[0][start:end],
            correct_top5[start:end],
        )
        yield (names[code[start]], int(severity[start])), int(seed[start]), block


def _has_nulls(file: pq.ParquetFile) -> bool:
    """Whether a value is missing in columns that are not read otherwise; the file's own statistics say so where it has them."""
    groups = [file.metadata.row_group(index) for index in range(file.metadata.num_row_groups)]
    for group in groups:
        for chunk in map(group.column, range(group.num_columns)):
            name = chunk.path_in_schema
            if name in COLUMNS or name.startswith(PROBABILITIES):  # those are looked at by who reads them
                continue
            counted = chunk.statistics is not None and chunk.statistics.has_null_count
            if chunk.statistics.null_count if counted else file.read(columns=[name]).column(0).null_count:
                return True
    return False
