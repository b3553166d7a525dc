"""Whether the classes that a joined file says are those of the study's images: rows in another order join as well as right ones."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from scripts.lib.jobs.errors import InputError

LEAST = 20  # images with a class that it takes to tell
MOST = 0.5  # of the images must agree


def check_agreement(
    path: Path, said: pa.ChunkedArray, label: np.ndarray, classes: list[str], renumbered: bool, remedy: str
) -> None:
    """Raise InputError if a file's classes are those of other images.

    said: N classes by number or name, null where unknown; label: int64[N], the study's; classes: names. renumbered: whether other numbers for
    the same classes will do, as in a table, whose other columns do not depend on them. What cannot be the study's classes says nothing.
    """
    known = np.flatnonzero(said.is_valid().to_numpy())
    found = _numbers(said, known, classes)
    if found is None or len(known) < LEAST or len(set(found.tolist())) <= len(set(label.tolist())) / 2:
        return
    agreeing = int((found == label[known]).sum())
    shares = (np.bincount(each, minlength=len(classes) + 1) / len(known) for each in (found, label[known]))
    chance = float(np.prod(list(shares), axis=0).sum())
    says = f"{agreeing} of {len(known)} test images with a class there ({agreeing / len(known):.0%}) have the label that {path} says"
    if agreeing >= MOST * len(known):
        print(f"{says}")
        return
    if renumbered and _purity(found, label[known]) >= MOST:
        print(f"{says}, but the two go together: its classes are numbered otherwise")
        return
    raise InputError(f"{says}, where {chance:.0%} would if its rows were shuffled: {remedy}.")


def _numbers(said: pa.ChunkedArray, known: np.ndarray, classes: list[str]) -> np.ndarray | None:
    """Classes as int64[n], those that are named by their names; None for what is no class. Numbers may count from 1."""
    values = said.take(pa.array(known)).to_pylist()
    if all(isinstance(value, str) for value in values):
        number = {name: index for index, name in enumerate(classes)}
        named = [number.get(value) for value in values]
        return None if None in named else np.array(named, dtype=np.int64)
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return None
    numbers = np.array(values, dtype=np.float64)
    if not ((numbers == np.round(numbers)) & (numbers >= 0) & (numbers <= len(classes))).all():
        return None
    return numbers.astype(np.int64)


def _purity(found: np.ndarray, label: np.ndarray) -> float:
    """The share of images whose label is the most frequent one of those of which the file says the same."""
    pairs = np.zeros((found.max() + 1, label.max() + 1), dtype=np.int64)
    np.add.at(pairs, (found, label), 1)
    return pairs.max(axis=1).sum() / len(label)
