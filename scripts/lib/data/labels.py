"""Labels as people keep them, numbers or names, and one numbering of the classes for all files of a study."""

import re
from dataclasses import dataclass

import numpy as np

from scripts.lib.data.split import in_range
from scripts.lib.jobs.errors import InputError

NUMBER = re.compile(r"(0|[1-9][0-9]{0,14})(\.0+)?")


@dataclass(frozen=True)
class Given:
    """The labels of N examples as one file has them."""

    where: str  # the file
    code: np.ndarray  # int64[N]: places in `names`, or the classes' numbers where there are no names
    names: list[str] | None = None
    declared: bool = False  # whether `names` are all classes in the order of their numbers, or else those that occur

    def __post_init__(self) -> None:
        if self.names is not None and len(self.code) and self.code.max() >= len(self.names):
            raise InputError(
                f"{self.where} has {len(self.names)} class names and there is the label {self.code.max()}: labels count from 0, so correct "
                "the labels, or add the names."
            )


def from_array(labels: np.ndarray, where: str) -> Given:
    """Labels in an array of any type and shape that can be understood in one way only; InputError for all others.

    Understood are [N], [N, 1] and [1, N]; whole numbers, also as booleans, floats and texts; and names of classes.
    """
    if labels.ndim > 1 and labels.size == max(labels.shape):
        labels = labels.reshape(-1)
    found = f"{where} holds {labels.dtype}{list(labels.shape)}"
    if labels.ndim == 2 and labels.dtype.kind in "biuf" and labels.size:
        if np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all():
            raise InputError(
                f"{found}, one-hot rows: labels are one number an image, so save labels.argmax(axis=1) instead."
            )
        if labels.dtype.kind == "f" and np.allclose(labels.sum(axis=1), 1):
            raise InputError(f"{found}, probabilities: labels are one number an image, so choose one class for each.")
    if labels.ndim in (3, 4):
        raise InputError(f"{found}, which look like images: name the file of the labels.")
    if labels.ndim != 1:
        raise InputError(f"{found}: labels must be [N], one an image.")
    if labels.dtype.kind in "US":
        return from_texts(_decoded(labels, where), where)
    if labels.dtype.kind == "b":
        labels = labels.astype(np.int64)
    if labels.dtype.kind not in "iuf":
        raise InputError(f"{found}: labels must be whole numbers or names of classes, [N].")
    return Given(where, in_range(whole_numbers(labels, where), where))


def whole_numbers(labels: np.ndarray, where: str) -> np.ndarray:
    """Numbers [N] of which all are whole; InputError for the first that is not, and for what is missing."""
    if labels.dtype.kind != "f":
        return labels
    missing = np.flatnonzero(np.isnan(labels))
    if len(missing):
        raise InputError(
            f"{where} has no label in row {missing[0]} (NaN), and in {len(missing)} rows altogether: fill them in, or leave the examples out."
        )
    odd = np.flatnonzero(labels != np.floor(labels))
    if len(odd):
        raise InputError(
            f"{where} has the label {labels[odd[0]]:g} in row {odd[0]}: labels must be whole numbers, one for each class."
        )
    return labels


def from_texts(texts: list[str], where: str) -> Given:
    """Labels that are texts: names of classes, unless all of them are whole numbers as Python writes them, such as 10 or 10.0."""
    if texts and all(NUMBER.fullmatch(text) for text in set(texts)):
        return Given(where, in_range(np.array([int(float(text)) for text in texts]), where))
    empty = next((row for row, text in enumerate(texts) if not text.strip()), None)
    if empty is not None:
        raise InputError(f"{where} has an empty label in row {empty}: fill it in, or leave the example out.")
    names = sorted(set(texts))
    place = {name: index for index, name in enumerate(names)}
    return Given(where, np.array([place[text] for text in texts], dtype=np.int64), names)


def one_numbering(given: list[Given], listed: list[str] | None) -> tuple[list[np.ndarray], list[str] | None]:
    """The labels of each file in one numbering, [N] each, and the names of the classes in it, None if they are not known.

    listed: the names in the study's file of classes, if it has one. Files that name their classes are joined by these names: in the
    order of `listed` where it has the same names, else in that of the first file that declares one, else in that of the sorted names. Raises
    InputError, naming both files, where names are not the same ones.
    """
    first = next((file for file in given if file.declared), None)
    order = listed
    if first is not None:
        for file in given:
            if file.declared:
                _check_same(first, file)
        if listed is None or set(listed) != set(first.names):
            order = first.names
            _check_renaming(first, listed)
    elif listed is None and any(file.names is not None for file in given):
        order = sorted({name for file in given for name in file.names or ()})
    numbered = next((file for file in given if file.names is None), None)
    named = next((file for file in given if file.names is not None), None)
    if numbered and named and (order != first.names if first else listed is None):
        raise InputError(
            f"{named.where} names its classes and {numbered.where} numbers them, and nothing says which number is which name: name both, or "
            "number both."
        )
    if order is None:
        return [file.code for file in given], None
    twice = next((name for name in order if order.count(name) > 1), None) if len(set(order)) < len(order) else None
    if twice is not None and listed is None:
        raise InputError(
            f"{first.where} has two classes of the name {twice!r}: give names that differ in the file `classes`, one a line in the same order."
        )
    place = {name: index for index, name in enumerate(order)}
    return [file.code if file.names == order else _placed(file, place) for file in given], order


def _placed(file: Given, place: dict[str, int]) -> np.ndarray:
    if file.names is None:
        return file.code
    unknown = next((name for name in file.names if name not in place), None)
    if unknown is not None:
        raise InputError(
            f"{file.where} has the label {unknown!r}, which is none of the {len(place)} classes, such as {next(iter(place))!r}: correct it, or "
            "the names of the classes."
        )
    return np.array([place[name] for name in file.names], dtype=np.int64)[file.code]


def _check_same(one: Given, other: Given) -> None:
    """Raise InputError unless two files declare the same names, in whatever order."""
    if one.names == other.names:
        return
    mine, its = set(one.names), set(other.names)
    if mine == its:
        if len(mine) < max(len(one.names), len(other.names)):
            raise InputError(
                f"{other.where} and {one.where} have two classes of one name, in different orders: give both the same order, or names that differ."
            )
        return
    lacks = [f"lacks {name!r}" for name in one.names if name not in its][:1]
    has = [f"has {name!r} besides" for name in other.names if name not in mine][:1]
    raise InputError(
        f"{other.where} has other classes than {one.where}: it {' and '.join(lacks + has)}; bring files of the same classes, in whatever order."
    )


def _check_renaming(first: Given, listed: list[str] | None) -> None:
    """Raise InputError unless a list can be other names of the same classes in the same order."""
    if listed is None:
        return
    if len(listed) != len(first.names):
        raise InputError(
            f"the file `classes` has {len(listed)} names and {first.where} {len(first.names)}: name all classes, or leave the file out."
        )
    moved = next(
        (name for name in listed if name in first.names and first.names.index(name) != listed.index(name)), None
    )
    if moved is not None:
        raise InputError(
            f"{moved!r} is class {listed.index(moved)} in the file `classes` and class {first.names.index(moved)} in {first.where}, and other "
            "names differ too, so labels cannot be joined by name: write the names as the data do, or leave the file out."
        )


def _decoded(labels: np.ndarray, where: str) -> list[str]:
    try:
        return [text.decode() if isinstance(text, bytes) else text for text in labels.tolist()]
    except UnicodeDecodeError as error:
        raise InputError(f"{where} has names that are no UTF-8 ({error}): save them as texts.") from None
