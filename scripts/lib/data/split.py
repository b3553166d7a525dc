"""What every data source gives: the examples of a split, and their pictures in the same order."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from unicodedata import category

import numpy as np

from scripts.lib.data.kinds import TYPICAL
from scripts.lib.data.pictures import BrokenPictureError
from scripts.lib.data.sources import expanded
from scripts.lib.errors import InputError

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
    wrong = np.flatnonzero((labels < 0) | (labels > LARGEST_LABEL))
    if len(wrong):
        raise InputError(
            f"{where} has the label {labels[wrong[0]]} in row {wrong[0]}: labels must be from 0 to {LARGEST_LABEL}."
        )
    return labels.astype(np.int64)


def class_names(path: str | None, known: list[str] | None, splits: dict[str, "Split"]) -> list[str]:
    """The names in a file, or those that the data bring, or else the numbers; InputError if there are less than labels."""
    largest = max(int(split.label.max()) for split in splits.values())
    names = read_class_names(path) if path is not None else known or [str(number) for number in range(largest + 1)]
    if largest >= len(names):
        raise InputError(
            f"{path or 'the data'} has {len(names)} class names and there is the label {largest}: name {largest + 1} classes."
        )
    return names


def read_class_names(path: str) -> list[str]:
    """The names in a text file, one a line in the order of the labels."""
    try:
        names = expanded(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read ({error}): give a text file with one class name a line.") from None
    if len(set(names)) != len(names) or not all(name.strip() for name in names):
        raise InputError(f"{path} has an empty or repeated line: give one class name a line.")
    return names
