"""Lists that say what each picture shows: CSV, TSV or text, as they come with flat folders of pictures.

ImageNet's `val.txt` (name, space, label), Tiny-ImageNet's `val_annotations.txt` (name, tab, label, a box), `LOC_val_solution.csv`
(a header; name without its ending, label and boxes in one cell), and what people export from tables.
"""

import csv
import re
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np

from scripts.lib.data.example_ids import match_ids, spelled
from scripts.lib.data.pictures import EXTENSIONS
from scripts.lib.data.text_file import read_lines
from scripts.lib.jobs.errors import InputError

WANTED = "a list with the name of a picture and its label in each line"
DELIMITERS = ("\t", ";", ",")  # the first that is in the first line; else white space
# Labels that have boxes behind them, one or several of one class: LOC_val_solution.csv's `n03995372 85 1 499 272`.
BOXES = re.compile(r"(\S+)(?: \d+){4}(?: \1(?: \d+){4})*")


def read_label_list(
    path: str, pictures: Sequence[str], file_column: str | None, label_column: str | None
) -> dict[str, str]:
    """The label of each picture that the list names, as text, by the picture's path in the folder; in the order of the list.

    A name that no picture has keeps the name of the list. pictures: paths in the folder. file_column, label_column: of a list with
    a header; where they are left out, the first two columns. Raises InputError for a list without labels, one that names no picture,
    or one with two labels for a picture.
    """
    rows = _rows(path)
    names, labels = _columns(path, rows, file_column, label_column)
    position = match_pictures(names, pictures)
    if file_column is None and label_column is None and _is_header(names, position):
        print(f"{path}: the first line, `{', '.join(rows[0][:2])}`, was taken for the columns' names")
        names, labels, position = names[1:], labels[1:], position[1:]
    if not (position >= 0).any():
        columns = f" (its columns: {', '.join(rows[0])}; `file_column` and `label_column` name others)"
        raise InputError(
            f"{path} names no picture of the folder: its names are as {names[0] if names else ''!r}, and the pictures as "
            f"{pictures[0] if len(pictures) else ''!r}: correct the list{columns if len(rows[0]) > 2 else ''}."
        )
    found: dict[str, str] = {}
    repeated = 0
    for name, label, where in zip(names, labels, position, strict=True):
        picture = pictures[where] if where >= 0 else spelled(name)
        repeated += picture in found
        if found.setdefault(picture, label) != label:
            raise InputError(
                f"{path} has two labels for {name!r}, {found[picture]!r} and {label!r}: give every picture one."
            )
    if repeated:
        print(f"{path}: {repeated} lines repeat what an earlier one says")
    return found


def match_pictures(names: Sequence[str], pictures: Sequence[str]) -> np.ndarray:
    """Positions of the pictures that some names mean, -1 for none: as `match_ids`, then by file names, then without their endings."""
    position = match_ids(names, pictures)
    for shorten in (_file_name, _stem):
        missing = np.flatnonzero(position < 0)
        if len(missing):
            position[missing] = match_ids(
                [shorten(names[row]) for row in missing], [shorten(each) for each in pictures]
            )
    return position


def _file_name(name: str) -> str:
    return PurePosixPath(spelled(name)).name


def _stem(name: str) -> str:
    last = PurePosixPath(spelled(name))
    return last.stem if last.suffix.lower() in EXTENSIONS else last.name


def _rows(path: str) -> list[list[str]]:
    """The cells of all lines that have some."""
    lines = [line for line in read_lines(path, WANTED) if line.strip()]
    if not lines:
        raise InputError(f"{path} is empty: give {WANTED}.")
    delimiter = next((each for each in DELIMITERS if each in lines[0]), None)
    if delimiter is None:  # the label is the last word, so that names may have spaces
        rows = [line.rsplit(None, 1) for line in lines]
    else:
        rows = list(csv.reader(lines, delimiter=delimiter))
    short = next((number for number, row in enumerate(rows) if len(row) < 2), None)
    if short is not None:
        raise InputError(f"{path} has no label in {lines[short]!r}: give {WANTED}, apart by a comma, a tab or a space.")
    return [[cell.strip() for cell in row] for row in rows]


def _columns(
    path: str, rows: list[list[str]], file_column: str | None, label_column: str | None
) -> tuple[list[str], list[str]]:
    """The names and the labels of all rows, without the header where columns are named."""
    at = [0, 1]
    for place, (column, key) in enumerate(((file_column, "file_column"), (label_column, "label_column"))):
        if column is None:
            continue
        if column not in rows[0]:
            raise InputError(
                f"{path} has no column {column!r}, which config key `data.image_folder.{key}` names: there are {', '.join(rows[0])}."
            )
        at[place] = rows[0].index(column)
    body = rows if file_column is None and label_column is None else rows[1:]
    short = next((row for row in body if len(row) <= max(at)), None)
    if short is not None:
        raise InputError(f"{path} has too few cells in the line of {short[0]!r}: complete it.")
    labels = [row[at[1]] for row in body]
    boxed = [BOXES.fullmatch(label) for label in labels]
    labels = [found[1] if found else label for found, label in zip(boxed, labels, strict=True)]
    empty = next((row[at[0]] for row, label in zip(body, labels, strict=True) if not label), None)
    if empty is not None:
        raise InputError(f"{path} has no label for {empty!r}: give every picture one.")
    return [row[at[0]] for row in body], labels


def _is_header(names: list[str], position: np.ndarray) -> bool:
    """Whether the first line names columns: no picture is meant by it, no picture could be, and the next one is meant."""
    return len(names) > 1 and position[0] < 0 <= position[1:].max() and not names[0].lower().endswith(EXTENSIONS)
