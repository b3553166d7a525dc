"""Annotations of the test images out of files of others, joined by example id."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pyarrow as pa

from scripts.lib.annotations import Column, column_of
from scripts.lib.data.sources import check_trackable, expanded
from scripts.lib.dataset import Examples
from scripts.lib.errors import InputError
from scripts.lib.joins.cifar10h import read_cifar10h
from scripts.lib.joins.imagenet_x import read_imagenet_x
from scripts.lib.joins.real import read_real
from scripts.lib.joins.rows import KEY
from scripts.lib.joins.table import read_table

READERS: dict[str, Callable[[Path, dict, dict[str, int], int], pa.Table]] = {
    "table": read_table,
    "cifar10h": read_cifar10h,
    "real": read_real,
    "imagenet_x": read_imagenet_x,
}
ID, FILE_NAME = "id", "file_name"
# Format -> what its rows are named by: an example's id, or the last part of it.
MATCH = {"table": ID, "cifar10h": ID, "real": FILE_NAME, "imagenet_x": FILE_NAME}
OF_TABLES = ("id", "columns", "categories")  # keys that only tables have


def joined_files(joins: list[dict]) -> list[str]:
    """The files that a study joins."""
    return [str(expanded(entry["file"])) for entry in joins]


def check_joins(joins: list[dict]) -> None:
    """Raise InputError for joins that share a name, name no file, or have keys that their format does not."""
    names = [entry["name"] for entry in joins]
    for entry, path in zip(joins, joined_files(joins), strict=True):
        here = f"config key `joins`, `{entry['name']}`"
        if names.count(entry["name"]) > 1:
            raise InputError(f"{here}: another join has this name: give it another.")
        if not Path(path).is_file():
            raise InputError(f"{here}: `file` is {entry['file']!r}, and there is no such file: correct the path.")
        check_trackable(here, [path])
        format_ = entry.get("format", "table")
        if format_ == "table" and "id" not in entry:
            raise InputError(f"{here}: `id` is missing: name the column that holds the examples' ids.")
        for key in OF_TABLES:
            if format_ != "table" and key in entry:
                raise InputError(f"{here}: the format {format_} takes no `{key}`: remove it.")


def join(entry: dict, examples: Examples, classes: int) -> list[Column]:
    """The columns of one entry of config key `joins` for these examples.

    Rows of no example are ignored and counted. Raises InputError if no row is of an example, an example has two rows, or, unless
    `missing` is `ignore`, has none or an unknown value in a column.
    """
    path = expanded(entry["file"])
    format_ = entry.get("format", "table")
    keys = _keys(entry, entry.get("match", MATCH[format_]), examples)
    table = READERS[format_](path, entry, dict(zip(keys, examples.label.tolist(), strict=True)), classes)
    given, position = table[KEY].to_pylist(), {}
    wanted = set(keys)
    for row, key in enumerate(given):
        if key in wanted and position.setdefault(key, row) != row:
            raise InputError(f"{path} has two rows for {key!r}: give every image one.")
    if not position:
        raise InputError(
            f"{path} has no row for any test image: its rows are named as {given[0]!r} and the images as {keys[0]!r}."
            if given
            else f"{path} has no rows."
        )
    table = table.take(pa.array([position.get(key) for key in keys], pa.int64()))
    columns = [
        column_of(name, table[name], str(path), True, name in entry.get("categories", []))
        for name in table.column_names
        if name != KEY
    ]
    _check_known(entry, path, columns, keys)
    print(
        f"{entry['name']}: {len(position)} of {len(keys)} test images have a row in {path}, {len(given) - len(position)} of its "
        f"{len(given)} rows are of no test image; columns: {', '.join(f'{column.name} ({column.scale})' for column in columns)}"
    )
    return columns


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
