"""CIFAR-10H: what about 50 people each said that the test images of CIFAR-10 show (Peterson et al. 2019, 1908.07086).

`cifar10h-counts.npy` or `cifar10h-probs.npy`, [10000, 10] in the order of CIFAR-10's test set, or `cifar10h-raw.csv`, one row an
answer, also in the `cifar10h-raw.zip` that is published. The examples' ids must be the positions in that test set, as the sources
`cifar` and `arrays` give them.
"""

import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv

from scripts.lib.annotations.joins.rows import LABEL, rows_of
from scripts.lib.jobs.errors import InputError

POSITION, CHOSEN, CHECK = "cifar10_test_test_idx", "chosen_label", "is_attn_check"


def read_cifar10h(
    path: Path, entry: dict, labels_of: Callable[[list[str]], list[int | None]], classes: int
) -> pa.Table:
    """For each image: the entropy of the answers in bits, the share of people who agree with its label, and whether most differ."""
    with _opened(path) as (name, file):
        counts = _array(path, file) if name.lower().endswith(".npy") else _answers(path, file, classes)
    if counts.shape[1] != classes:
        raise InputError(f"{path} counts {counts.shape[1]} classes and the study has {classes}: they must be the same.")
    answered = counts.sum(axis=1) > 0
    shares = counts[answered] / counts[answered].sum(axis=1, keepdims=True)
    keys = np.flatnonzero(answered).astype(str).tolist()
    entropy = -(shares * np.log2(np.where(shares > 0, shares, 1.0))).sum(axis=1) + 0.0
    label = np.array([own or 0 for own in labels_of(keys)])  # rows of no test image are left out later
    own = shares[np.arange(len(keys)), label]
    return rows_of(
        keys,
        {
            "human_entropy": entropy.tolist(),
            "human_agreement": own.tolist(),
            "humans_differ": (own < shares.max(axis=1)).tolist(),
            LABEL: shares.argmax(axis=1).tolist(),
        },
        path,
    )


@contextmanager
def _opened(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """The name and the bytes of a file, or of the one in a zip."""
    try:
        if path.suffix.lower() != ".zip":
            with path.open("rb") as file:
                yield path.name, file
            return
        with zipfile.ZipFile(path) as packed:
            members = [
                name
                for name in packed.namelist()
                if PurePosixPath(name).name.startswith("cifar10h") and name.lower().endswith((".csv", ".npy"))
            ]
            if len(members) != 1:
                raise InputError(
                    f"{path} has {len(members)} files called cifar10h….csv or cifar10h….npy in it: take the one that is meant out of it."
                )
            with packed.open(members[0]) as file:
                yield members[0], file
    except zipfile.BadZipFile as error:
        raise InputError(f"{path} is damaged or no zip ({error}): replace it.") from None


def _array(path: Path, file: IO[bytes]) -> np.ndarray:
    """float64[N, C]."""
    try:
        counts = np.load(file, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise InputError(f"{path} is damaged or no .npy file ({error}): replace it.") from None
    if not isinstance(counts, np.ndarray) or counts.ndim != 2 or counts.dtype.kind not in "iuf":
        raise InputError(f"{path} must hold counts or shares of answers, one row an image and one column a class.")
    counts = counts.astype(np.float64)
    if not (np.isfinite(counts).all() and (counts >= 0).all() and (counts.sum(axis=1) > 0).all()):
        raise InputError(f"{path} has a row that is negative, undefined or empty: replace it.")
    return counts


def _answers(path: Path, file: IO[bytes], classes: int) -> np.ndarray:
    """Answers by image and class, float64[N, C]; the attention checks are left out."""
    try:
        table = csv.read_csv(file, convert_options=csv.ConvertOptions(include_columns=[POSITION, CHOSEN, CHECK]))
    except (pa.ArrowException, OSError, KeyError) as error:
        raise InputError(
            f"{path} cannot be read ({error}): CIFAR-10H's own cifar10h-raw.csv or cifar10h-raw.zip is needed, or its cifar10h-counts.npy."
        ) from None
    columns = {name: table[name] for name in (POSITION, CHOSEN, CHECK)}
    if any(each.null_count or not pa.types.is_integer(each.type) for each in columns.values()):
        raise InputError(f"{path}: {POSITION}, {CHOSEN} and {CHECK} must be whole numbers in every row: replace it.")
    position, chosen, check = (each.to_numpy() for each in columns.values())
    position, chosen = position[check == 0], chosen[check == 0]
    if not len(position) or position.min() < 0 or chosen.min() < 0 or chosen.max() >= classes:
        raise InputError(f"{path} has no answers, or one for an image or class that the study cannot have: replace it.")
    counts = np.zeros((position.max() + 1, classes))
    np.add.at(counts, (position, chosen), 1)
    return counts
