"""Columns of the files that people bring: what kind of value each holds, and one sentence for what is wrong in them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scripts.lib.data.row_files import Format, column_names, format_of, parts, sentences
from scripts.lib.jobs.errors import InputError

TEXT, WHOLE, NUMBER = "texts", "whole numbers", "finite numbers"
CLASS = "whole numbers or names of classes"
VECTOR = "lists of numbers, one for each class"


@dataclass(frozen=True)
class Batch:
    """Some rows of a file; no value is missing."""

    path: str
    first: int  # the number of its first row in the file, counted from 1
    # Texts as pa.Array, whole numbers as int64[n], numbers as float64[n], classes as int64[n] or, where one has a name, as pa.Array of
    # texts, lists as float64[n, C].
    columns: dict[str, pa.Array | np.ndarray]

    def where(self, column: str, index: int) -> str:
        """How an error begins that is about one value."""
        return f"{self.path}, column {column}, row {self.first + int(index)}"


def check_columns(path: str, required: tuple[str, ...]) -> list[str]:
    """The columns of a file; InputError unless those that are required are among them."""
    names = column_names(path)
    missing = [name for name in required if name not in names]
    if missing:
        near = next((name for name in names if name.strip().lower() == missing[0]), None)
        raise InputError(
            f"{path} has no column {missing[0]}: it needs {', '.join(required)} and has {', '.join(names)}"
            + (f"; rename {near!r}, because names are matched to the letter." if near is not None else ".")
        )
    return names


def read_batches(path: str, kinds: dict[str, str]) -> Iterator[Batch]:
    """The rows of a file, of the columns that `kinds` names with a kind of value; all of them must be there.

    Raises InputError for a damaged file, and for a value that is missing or of another kind.
    """
    first, given = 1, format_of(path)
    for part in parts(path, list(kinds)):
        columns = {}
        for name, kind in kinds.items():
            with sentences(path, given.kind):
                columns[name] = _checked(Column(path, first, name, given), part.column(name), kind)
        yield Batch(path, first, columns)
        first += part.num_rows


def first_false(right: np.ndarray) -> int | None:
    """The index of the first False in bool[n], or None."""
    return None if right.all() else int(np.argmin(right))


@dataclass(frozen=True)
class Column:
    """Where values come from."""

    path: str
    first: int
    name: str
    given: Format

    def wrong(self, index: int, what: str, kind: str) -> InputError:
        """The error of one value."""
        return InputError(f"{self.path}, column {self.name}, row {self.first + index}: {what}: it must hold {kind}.")


def _checked(column: Column, values: pa.Array, kind: str) -> pa.Array | np.ndarray:
    here = f"{column.path}, column {column.name}"
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if pa.types.is_null(values.type):
        raise InputError(f"{here}, row {column.first}: no value: fill it in, or leave the row out.")
    missing = pc.is_null(values, nan_is_null=kind in (WHOLE, NUMBER, CLASS)).to_numpy(zero_copy_only=False)
    if missing.any():
        raise InputError(
            f"{here}, row {column.first + int(missing.argmax())}: no value: fill it in, or leave the row out."
        )
    texts = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
    if kind == VECTOR:
        return _vectors(column, values)
    if kind == TEXT:
        if not texts and not pa.types.is_integer(values.type):
            raise InputError(f"{here} has the type {values.type}: it must hold {kind}.")
        return values.cast(pa.string())
    if texts and kind == CLASS:
        numbers = _whole(_as_numbers(values, column.given))
        if numbers is not None:
            return numbers
        values = pc.utf8_trim_whitespace(values.cast(pa.string()))
        empty = pc.index(values, "").as_py()
        if empty >= 0:
            raise column.wrong(empty, "''", kind)
        return values
    if texts and column.given.is_text:
        numbers = _as_numbers(values, column.given, fractions=kind == NUMBER)
    elif pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
        numbers = values.to_numpy(zero_copy_only=False)
    else:
        raise InputError(f"{here} has the type {values.type}: it must hold {kind}.")
    found = numbers
    if kind != NUMBER and numbers is not None:
        found = _whole(numbers)
    if found is None:
        index, value = next(
            (i, value) for i, value in enumerate(values.to_pylist()) if not _reads_as(value, kind, column.given)
        )
        raise column.wrong(index, repr(value), kind)
    if kind != NUMBER:
        return found
    wrong = first_false(np.isfinite(found))
    if wrong is not None:
        raise column.wrong(wrong, str(found[wrong]), kind)
    return found.astype(np.float64)


def _as_numbers(values: pa.Array, given: Format, fractions: bool = False) -> np.ndarray | None:
    """Texts as int64[n], or as float64[n] where one has a fraction or all may, or None where one is no number."""
    trimmed = pc.utf8_trim_whitespace(values)
    if given.decimal_comma:
        trimmed = pc.replace_substring(trimmed, ",", ".")
    for kind in [pa.float64()] if fractions else [pa.int64(), pa.float64()]:
        try:
            return trimmed.cast(kind).to_numpy(zero_copy_only=False)
        except pa.ArrowInvalid:
            continue
    return None


def _whole(numbers: np.ndarray | None) -> np.ndarray | None:
    """Numbers as int64[n]; None if one of them is not whole. 3.0 is."""
    if numbers is None or numbers.dtype.kind in "iu":
        return None if numbers is None else numbers.astype(np.int64)
    whole = np.isfinite(numbers) & (numbers == np.round(numbers)) & (np.abs(numbers) < 2**53)
    return numbers.astype(np.int64) if whole.all() else None


def _reads_as(value: str | float, kind: str, given: Format) -> bool:
    """Whether one value is of a kind of numbers."""
    numbers = _as_numbers(pa.array([value]), given) if isinstance(value, str) else np.array([value])
    return numbers is not None and (kind == NUMBER or _whole(numbers) is not None)


def _vectors(column: Column, values: pa.Array) -> np.ndarray:
    """Lists of equally many numbers as float64[n, C]."""
    lists = (
        pa.types.is_list(values.type) or pa.types.is_large_list(values.type) or pa.types.is_fixed_size_list(values.type)
    )
    inner = values.type.value_type if lists else values.type
    if not lists or not (pa.types.is_floating(inner) or pa.types.is_integer(inner)):
        raise InputError(f"{column.path}, column {column.name} has the type {values.type}: it must hold {VECTOR}.")
    length = pc.list_value_length(values).to_numpy(zero_copy_only=False)
    wrong = first_false((length == length[0]) & (length > 0)) if len(length) else None
    if wrong is not None:
        raise column.wrong(wrong, f"{length[wrong]} numbers, and {length[0]} in row {column.first}", VECTOR)
    flat = values.flatten()
    if flat.null_count:
        at = int(pc.is_null(flat).to_numpy(zero_copy_only=False).argmax()) // int(length[0])
        raise column.wrong(at, "a number is missing", VECTOR)
    return flat.to_numpy(zero_copy_only=False).astype(np.float64).reshape(len(values), -1)
