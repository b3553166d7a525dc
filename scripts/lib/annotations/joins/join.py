"""Annotations of the test images out of files of others, joined by example id."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import numpy as np
import pyarrow as pa

from scripts.lib.annotations.column import Column, column_of
from scripts.lib.annotations.joins.agreement import check_agreement
from scripts.lib.annotations.joins.cifar10h import read_cifar10h
from scripts.lib.annotations.joins.imagenet_x import read_imagenet_x
from scripts.lib.annotations.joins.real import read_real
from scripts.lib.annotations.joins.rows import KEY, LABEL
from scripts.lib.annotations.joins.table import read_table
from scripts.lib.data.dataset import Examples
from scripts.lib.data.example_ids import match_ids
from scripts.lib.jobs.errors import InputError
from scripts.lib.study.sources import expanded

# What a reader is given: the file, its entry, what finds the labels of the examples that some names are of, and how many classes there are.
READERS: dict[str, Callable[[Path, dict, Callable[[list[str]], list[int | None]], int], pa.Table]] = {
    "table": read_table,
    "cifar10h": read_cifar10h,
    "real": read_real,
    "imagenet_x": read_imagenet_x,
}
ID, FILE_NAME = "id", "file_name"
# Format -> what its rows are named by: an example's id, or the last part of it.
MATCH = {"table": ID, "cifar10h": ID, "real": FILE_NAME, "imagenet_x": FILE_NAME}
# What to do where the classes that a file says are not the labels of the images.
REMEDIES = {
    "table": "correct its ids, or rename the column if it does not hold the images' classes",
    "cifar10h": "ids must be positions in CIFAR-10's own test set, and classes in its order",
    "real": "images must have their own file names, and classes the order of ImageNet's folders",
    "imagenet_x": "images must have their own file names, and classes the order of ImageNet's folders",
}


def join(entry: dict, examples: Examples, classes: list[str]) -> list[Column]:
    """The columns of one entry of config key `joins` for these examples; classes: names.

    Rows of no example are ignored and counted. Raises InputError if no row is of an example, an example has two rows, or, unless
    `missing` is `ignore`, has none or an unknown value in a column, and if the file says other classes than the examples have.
    """
    path = expanded(entry["file"])
    format_ = entry.get("format", "table")
    keys = _keys(entry, entry.get("match", MATCH[format_]), examples)

    def positions_of(names: list[str]) -> np.ndarray:
        """int64[n]: where the example of each name is; -1 where there is none."""
        if format_ == "cifar10h":  # positions in a test set, which may be written with zeros before them
            return match_ids(names, [str(int(key)) if key.isdecimal() else key for key in keys])
        return match_ids(names, keys)

    def labels_of(names: list[str]) -> list[int | None]:
        return [None if place < 0 else int(examples.label[place]) for place in positions_of(names)]

    table = READERS[format_](path, entry, labels_of, len(classes))
    given = table[KEY].to_pylist()
    row_of = _rows_of(path, given, positions_of(given), keys)
    table = table.take(pa.array([row_of.get(place) for place in range(len(keys))], pa.int64()))
    if LABEL in table.column_names:
        check_agreement(path, table[LABEL], examples.label, classes, format_ == "table", REMEDIES[format_])
    columns = [
        column_of(name, table[name], str(path), True, name in entry.get("categories", []))
        for name in table.column_names
        if name not in (KEY, LABEL)
    ]
    _check_known(entry, path, columns, keys)
    print(
        f"{entry['name']}: {len(row_of)} of {len(keys)} test images have a row in {path}, {len(given) - len(row_of)} of its "
        f"{len(given)} rows are of no test image; columns: {', '.join(f'{column.name} ({column.scale})' for column in columns)}"
    )
    return columns


def _rows_of(path: Path, given: list[str], positions: np.ndarray, keys: list[str]) -> dict[int, int]:
    """The row of each example that has one, by the example's place; positions: int64[rows]."""
    row_of: dict[int, int] = {}
    for row, place in enumerate(positions.tolist()):
        if place >= 0 and row_of.setdefault(place, row) != row:
            raise InputError(f"{path} has two rows for {keys[place]!r}: give every image one.")
    left = {int(key): key for place, key in enumerate(keys) if place not in row_of and key.isdecimal()}
    lost = next(
        (
            name
            for name, place in zip(given, positions, strict=True)
            if place < 0 and name.isdecimal() and int(name) in left
        ),
        None,
    )
    if lost is not None:
        raise InputError(
            f"{path} has a row for {lost!r}, and there is a test image {left[int(lost)]!r}: zeros got lost when ids were read as numbers, so write both as texts."
        )
    if not row_of:
        raise InputError(
            f"{path} has no row for any test image: its rows are named as {given[0]!r} and the images as {keys[0]!r}."
            if given
            else f"{path} has no rows."
        )
    return row_of


def _keys(entry: dict, match: str, examples: Examples) -> list[str]:
    """What names each example in the file."""
    if match == ID:
        return examples.example.tolist()
    keys = [PurePosixPath(example).name for example in examples.example]
    repeated = [key for key, count in Counter(keys).items() if count > 1]
    if repeated:
        raise InputError(
            f"config key `joins`, `{entry['name']}`: {len(repeated)} file names, as {repeated[0]!r}, are of more than one test image, so they "
            "cannot be matched by it: write `match: id`, and whole ids into the file."
        )
    return keys


def _check_known(entry: dict, path: Path, columns: list[Column], keys: list[str]) -> None:
    for column in columns:
        unknown = [key for key, known in zip(keys, column.known, strict=True) if not known]
        if not unknown:
            continue
        if entry.get("missing", "error") == "error":
            raise InputError(
                f"{path} says nothing in `{column.name}` of {len(unknown)} of {len(keys)} test images, as {unknown[0]!r}: add it, or write "
                f"`missing: ignore` at config key `joins`, `{entry['name']}`."
            )
        print(f"{entry['name']}: `{column.name}` is unknown of {len(unknown)} of {len(keys)} test images")
