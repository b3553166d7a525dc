"""What every data source gives: the examples of a split, and their pictures in the same order."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from unicodedata import category

import numpy as np

from scripts.lib.data.kinds import TYPICAL
from scripts.lib.errors import InputError

# Control characters, line and paragraph separators, and what Python makes of bytes that are no UTF-8.
UNWRITABLE = ("Cc", "Zl", "Zp", "Cs")

# What to call it in an error, and a picture file, its bytes, or an image uint8[H, W, 3].
Picture = tuple[str, Path | bytes | np.ndarray]


@dataclass
class Split:
    """N examples. `pictures` can be gone through once."""

    example: list[str]  # ids
    label: np.ndarray  # int64[N]
    pictures: Iterator[Picture]
    kind: np.ndarray | None = None  # str[N]: what was planted; None for nothing
    shown: np.ndarray | None = None  # int64[N]: the class that the image shows; None for the label
    more: dict[str, np.ndarray] = field(default_factory=dict)  # further columns of the example table

    def __post_init__(self) -> None:
        if self.kind is None:
            self.kind = np.full(len(self.example), TYPICAL)
        if self.shown is None:
            self.shown = self.label


def check_ids(example: list[str], where: str) -> None:
    """Raise InputError if two examples have one id, or if an id cannot be a line of a text file."""
    seen: set[str] = set()
    for name in example:
        if name in seen:
            raise InputError(f"{where} has two examples with the id {name!r}: give every example an id of its own.")
        if not name or any(category(letter) in UNWRITABLE for letter in name):
            raise InputError(
                f"{where} has an example with the id {name!r}: give it a name in UTF-8 without control characters."
            )
        seen.add(name)


def check_labels(label: np.ndarray, classes: int, where: str) -> None:
    """Raise InputError unless all labels are from 0 to classes - 1."""
    wrong = np.flatnonzero((label < 0) | (label >= classes))
    if len(wrong):
        raise InputError(
            f"{where} has the label {label[wrong[0]]} in row {wrong[0]}: labels must be from 0 to {classes - 1}, "
            "so give the labels or more class names."
        )


def read_class_names(path: str) -> list[str]:
    """The names in a text file, one a line in the order of the labels."""
    try:
        names = Path(path).expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read ({error}): give a text file with one class name a line.") from None
    if len(set(names)) != len(names) or not all(name.strip() for name in names):
        raise InputError(f"{path} has an empty or repeated line: give one class name a line.")
    return names
