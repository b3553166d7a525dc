"""CelebA as published: one of its attributes is the label, and all of them are known of every picture. An example's id is its file's name.

The paper's task is whether hair is blond, the attribute Blond_Hair. The validation pictures are left out: nothing is chosen by them here.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from scripts.lib.data.dataset import COLUMNS
from scripts.lib.data.split import Picture, Split, check_ids
from scripts.lib.data.text_file import read_lines
from scripts.lib.jobs.errors import InputError
from scripts.lib.study.celeba_files import ATTRIBUTES, COUNTS, MD5, PARTITION, PARTS, list_at, pictures_at
from scripts.lib.study.sources import expanded

NUMBERS = {"1": True, "-1": False}  # an attribute that a picture has, and one that it has not
TRAIN, VALIDATION, TEST = range(3)  # positions in PARTS
OR_NONE = "or write `verify: none` for pictures of your own in the same format"


def read_celeba(options: dict) -> tuple[dict[str, Split], list[str]]:
    """Both splits, and the names of the two classes: `not Blond_Hair` has the label 0 and `Blond_Hair` 1."""
    path = expanded(options["path"])
    attributes, partition = list_at(path, ATTRIBUTES), list_at(path, PARTITION)
    if options["verify"] == "published":
        _check_md5(attributes)
        _check_md5(partition)
    names, pictures, values = read_attributes(attributes)
    part = read_partition(partition, pictures, attributes)
    counts = np.bincount(part, minlength=len(PARTS)).tolist()
    if options["verify"] == "published" and tuple(counts) != COUNTS:
        raise InputError(
            f"{partition} has {_listed(counts)} pictures, and CelebA has {_listed(COUNTS)}: bring the published list, {OR_NONE}."
        )
    if options["label"] not in names:
        raise InputError(
            f"config key `data.celeba.label` is {options['label']}, which is no attribute of {attributes}: there are {', '.join(names)}."
        )
    print(f"{_listed(counts)} pictures; those for validation are left out")
    label = values[:, names.index(options["label"])].astype(np.int64)
    splits = {}
    for split, number in (("train", TRAIN), ("test", TEST)):
        members = np.flatnonzero(part == number)
        if not len(members):
            raise InputError(f"{partition} has no {PARTS[number]} pictures, whose number is {number}: complete it.")
        ids = [pictures[member] for member in members]
        more = {name: values[members, column] for column, name in enumerate(names)}
        read = {"label": options["label"], "validation_left_out": counts[VALIDATION]}
        splits[split] = Split(ids, label[members], _files(pictures_at(path), ids), more=more, read=read)
    return splits, [f"not {options['label']}", options["label"]]


def read_attributes(path: Path) -> tuple[list[str], list[str], np.ndarray]:
    """The A names of the attributes, the N names of the pictures, and bool[N, A]; InputError for a list that is cut off or damaged."""
    head, *rows = _rows(path)
    if len(head) == 1:  # the published list begins with how many pictures there are
        promised, head, rows = head[0], rows[0] if rows else [], rows[1:]
        if promised != str(len(rows)):
            raise InputError(f"{path} has {len(rows)} pictures and says {promised}: bring it again.")
    names = head[1:] if head[:1] == ["image_id"] else head
    taken = next((name for name in names if name in COLUMNS or names.count(name) > 1), None)
    if taken is not None:
        raise InputError(f"{path} has an attribute {taken!r}, a name that is taken: rename it.")
    values = np.zeros((len(rows), len(names)), dtype=bool)
    for number, (picture, *row) in enumerate(rows):
        try:
            values[number] = [NUMBERS[value] for value in row]
        except (KeyError, ValueError):
            raise InputError(
                f"{path} has {' '.join(row)[:40]!r} after {picture}: it must be {len(names)} numbers that are 1 or -1, one for each attribute."
            ) from None
    pictures = [row[0] for row in rows]
    check_ids(pictures, str(path), "name every picture once")
    return names, pictures, values


def read_partition(path: Path, pictures: list[str], attributes: Path) -> np.ndarray:
    """Which part each of N pictures belongs to, int64[N] of positions in PARTS; InputError unless it is said of these pictures and no others.

    attributes: where the pictures are named, for errors.
    """
    rows = [row for row in _rows(path) if row != ["image_id", "partition"]]
    numbers = {str(number): number for number in range(len(PARTS))}
    wrong = next((row for row in rows if len(row) != 2 or row[1] not in numbers), None)
    if wrong is not None:
        raise InputError(
            f"{path} has the line {' '.join(wrong)[:60]!r}: it must be a picture and 0, 1 or 2, for training, validation and test."
        )
    found = {picture: numbers[number] for picture, number in rows}
    missing = next((picture for picture in pictures if picture not in found), None)
    if missing is not None:
        raise InputError(f"{path} has no line for {missing}, which {attributes} has: bring both again.")
    if len(rows) != len(pictures):
        raise InputError(f"{path} has {len(rows)} lines and {attributes} {len(pictures)} pictures: bring both again.")
    return np.array([found[picture] for picture in pictures], dtype=np.int64)


def _rows(path: Path) -> list[list[str]]:
    """The cells of all lines, apart by white space or commas."""
    rows = [line.replace(",", " ").split() for line in read_lines(path, "CelebA's list as published")]
    empty = next((number for number, row in enumerate(rows, 1) if not row), None)
    if empty is not None or not rows:
        raise InputError(f"{path} has {'nothing in it' if not rows else f'an empty line, {empty}'}: bring it again.")
    return rows


def _check_md5(path: Path) -> None:
    """Raise InputError for a list that is not the published one; of Kaggle's there are no published checksums, and the counts must do."""
    if path.name not in MD5:
        return
    with path.open("rb") as opened:
        found = hashlib.file_digest(opened, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if found != MD5[path.name]:
        raise InputError(
            f"{path} has the MD5 checksum {found} and the published list has {MD5[path.name]}: get it from "
            f"https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html, {OR_NONE}."
        )


def _listed(counts: tuple[int, ...] | list[int]) -> str:
    return ", ".join(f"{count:,} {part}" for count, part in zip(counts, PARTS, strict=True))


def _files(folder: Path, pictures: list[str]) -> Iterator[Picture]:
    for picture in pictures:
        yield str(folder / picture), folder / picture
