"""ReaL: all labels that fit each image of ImageNet's validation set, as raters found (Beyer et al. 2020, 2006.07159).

`real.json` is a list of lists of class numbers: the first is for ILSVRC2012_val_00000001.JPEG. Where no label fits, the list is empty.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from scripts.lib.annotations.joins.rows import LABEL, rows_of
from scripts.lib.jobs.errors import InputError

CLASSES = 1000
FITS, OTHERS_FIT, NONE_FITS = "label fits", "other labels fit", "no label fits"


def read_real(path: Path, entry: dict, labels_of: Callable[[list[str]], list[int | None]], classes: int) -> pa.Table:
    """For each image: whether its label is among those that fit, and how many fit."""
    if classes != CLASSES:
        raise InputError(
            f"config key `joins`, `{entry['name']}`: ReaL's labels number ImageNet's {CLASSES} classes, and the study has {classes}."
        )
    fitting = fitting_labels(path)
    keys = [name_of(number) for number in range(1, len(fitting) + 1)]
    own = labels_of(keys)
    label = [
        NONE_FITS if not labels else FITS if mine in labels else OTHERS_FIT
        for mine, labels in zip(own, fitting, strict=True)
    ]
    first = [mine if mine in labels else next(iter(labels), None) for mine, labels in zip(own, fitting, strict=True)]
    count = [float(len(set(labels))) for labels in fitting]
    return rows_of(keys, {"real_label": label, "real_labels": count, LABEL: first}, path)


def fitting_labels(path: Path) -> list[list[int]]:
    """The labels that fit each image of ImageNet's validation set, in its order; InputError for another file."""
    try:
        fitting = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError, OSError) as error:
        raise InputError(f"{path} cannot be read ({error}): replace it.") from None
    if not isinstance(fitting, list) or not all(_is_labels(each) for each in fitting):
        raise InputError(
            f"{path} must be a list of lists of class numbers from 0 to {CLASSES - 1}, one for each image: replace it."
        )
    return fitting


def name_of(number: int) -> str:
    """What the image of this number, from 1, is called."""
    return f"ILSVRC2012_val_{number:08d}.JPEG"


def _is_labels(labels: object) -> bool:
    return isinstance(labels, list) and all(type(label) is int and 0 <= label < CLASSES for label in labels)
