"""What every data source gives: the examples of a split, and their pictures in the same order."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from unicodedata import category

import numpy as np

from scripts.lib.data.kinds import TYPICAL
from scripts.lib.data.pictures import BrokenPictureError
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.what_is_it import what_file_is
from scripts.lib.study.sources import expanded

# Control characters, line and paragraph separators, and what Python makes of bytes that are no UTF-8.
UNWRITABLE = ("Cc", "Zl", "Zp", "Cs")

LARGEST_LABEL = 2**15 - 1  # the ledger's labels have 16 bits

# What to call it in an error, and a picture file, its bytes, an image uint8[H, W, 3], or why there is none.
Picture = tuple[str, Path | bytes | np.ndarray | BrokenPictureError]


@dataclass
class Split:
    """N examples. `pictures` can be gone through once."""

    example: list[str]  # ids
    label: np.ndarray  # int64[N]
    pictures: Iterator[Picture]
    kind: np.ndarray | None = None  # str[N]: what was planted; None for nothing
    shown: np.ndarray | None = None  # int64[N]: the class that the image shows; None for the label
    more: dict[str, np.ndarray] = field(default_factory=dict)  # further columns of the example table
    converted: tuple[str, ...] = ()  # what is done to every picture, for the log
    read: dict = field(default_factory=dict)  # what the manifest says of how the split was read

    def __post_init__(self) -> None:
        if self.kind is None:
            self.kind = np.full(len(self.example), TYPICAL)
        if self.shown is None:
            self.shown = self.label

    def take(self, positions: np.ndarray) -> "Split":
        """The examples at these positions, without their pictures."""
        return Split(
            [self.example[position] for position in positions],
            self.label[positions],
            iter(()),
            self.kind[positions],
            self.shown[positions],
            {name: values[positions] for name, values in self.more.items()},
            self.converted,
            self.read,
        )


def check_ids(example: list[str], where: str, remedy: str = "give every example an id of its own") -> None:
    """Raise InputError if two examples have one id, or if an id cannot be a line of a text file."""
    seen: set[str] = set()
    for name in example:
        if name in seen:
            raise InputError(f"{where} has two examples with the id {name!r}: {remedy}.")
        if not name or any(category(letter) in UNWRITABLE for letter in name):
            raise InputError(
                f"{where} has an example with the id {name!r}: give it a name in UTF-8 without control characters."
            )
        seen.add(name)


def checked_labels(labels: np.ndarray, where: str) -> np.ndarray:
    """Whole numbers [N] as int64; InputError if there are none, or one is no class index."""
    if not len(labels):
        raise InputError(f"{where} has no labels: a split needs examples.")
    return in_range(labels, where)


def in_range(labels: np.ndarray, where: str) -> np.ndarray:
    """Whole numbers [N] as int64; InputError if one is no class index."""
    wrong = np.flatnonzero((labels < 0) | (labels > LARGEST_LABEL))
    if len(wrong) and (labels == -1).all():
        raise InputError(
            f"{where} has the label -1 in every row, as hubs give test images whose labels are withheld: use a split with labels, such as "
            "validation."
        )
    if len(wrong):
        label = labels[wrong[0]]
        shown = f"{label:g}" if labels.dtype.kind == "f" else str(label)
        raise InputError(f"{where} has the label {shown} in row {wrong[0]}: labels must be from 0 to {LARGEST_LABEL}.")
    return labels.astype(np.int64)


def class_names(path: str | None, known: list[str] | None, splits: dict[str, "Split"]) -> list[str]:
    """The names in a file, or those that the data bring, or else the numbers.

    Raises InputError if there are less than labels, or if the labels are obviously counted from 1.
    """
    occurring = np.unique(np.concatenate([split.label for split in splits.values()]))
    largest = int(occurring[-1])
    from_one = largest > 1 and np.array_equal(occurring, np.arange(1, largest + 1))
    names = read_class_names(path) if path is not None else known
    if from_one and len(names or ()) in (0, largest):
        raise InputError(
            f"the labels are from 1 to {largest} and count from 0 here: subtract 1 from all of them, or, if it is class 0 that has no images, name "
            f"all {largest + 1} classes in the file `classes`."
        )
    if names is None:
        return [str(number) for number in range(largest + 1)]
    if largest >= len(names):
        raise InputError(
            f"{path or 'the data'} has {len(names)} class names and there is the label {largest}: name {largest + 1} classes."
        )
    return names


def read_class_names(path: str) -> list[str]:
    """The names in a text file, one a line in the order of the labels; a byte order mark is no part of the first."""
    file = expanded(path)
    try:
        text, why = file.read_text(encoding="utf-8-sig"), None
    except (OSError, UnicodeDecodeError) as error:
        text, why = "", str(error)
    found = what_file_is(file)
    if found == "a JSON text" and not _is_json(text):
        found = "a text"  # a name may begin with a bracket
    if found not in (None, "a text") or why is not None:
        why = why if found in (None, "a text") else f"it is {found}"
        raise InputError(f"{path} cannot be read ({why}): give a text file in UTF-8 with one class name a line.")
    names = text.split("\n")
    while names and not names[-1].strip():
        names.pop()  # an editor's empty lines at the end
    empty = next((line for line, name in enumerate(names, 1) if not name.strip()), None)
    if empty is not None or not names:
        where = "no names" if not names else f"an empty line, {empty}"
        raise InputError(f"{path} has {where}: give one class name a line, in the order of the labels.")
    lines: dict[str, int] = {}
    for line, name in enumerate(names, 1):
        if name in lines:
            raise InputError(
                f"{path} has the class name {name!r} in the lines {lines[name]} and {line}: a name means one class, so tell the two apart."
            )
        lines[name] = line
    return names


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except json.JSONDecodeError:
        return False
    return True
