"""Columns of the CSV and parquet files that people bring: read a part at a time, and one sentence for what is wrong in them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from scripts.lib.data.sources import expanded
from scripts.lib.errors import InputError

TEXT, WHOLE, NUMBER = "texts", "whole numbers", "finite numbers"
ROWS = 2**18  # of a parquet file that are in memory at a time
BYTES = 2**24  # as many of a CSV file


@dataclass(frozen=True)
class Batch:
    """Some rows of a file; no value is missing."""

    path: str
    first: int  # the number of its first row in the file, counted from 1
    columns: dict[str, pa.Array | np.ndarray]  # strings as pa.Array, whole numbers as int64[n], numbers as float64[n]

    def where(self, column: str, index: int) -> str:
        """How an error begins that is about one value."""
        return f"{self.path}, column {column}, row {self.first + int(index)}"


def column_names(path: str) -> list[str]:
    """The columns of a file; InputError if it is damaged or has two of one name."""
    if _is_csv(path):
        with _sentences(path):
            names = pacsv.open_csv(_opened(path), read_options=pacsv.ReadOptions(block_size=BYTES)).schema.names
    else:
        with _sentences(path):
            names = pq.read_schema(_opened(path)).names
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{path} has two columns {twice}: rename one.")
    return names


def check_columns(path: str, required: tuple[str, ...]) -> list[str]:
    """The columns of a file; InputError unless those that are required are among them."""
    names = column_names(path)
    missing = [name for name in required if name not in names]
    if missing:
        raise InputError(
            f"{path} has no column {missing[0]}: it needs {', '.join(required)} and has {', '.join(names)}."
        )
    return names


def read_batches(path: str, kinds: dict[str, str]) -> Iterator[Batch]:
    """The rows of a file, of the columns that `kinds` names with TEXT, WHOLE or NUMBER; all of them must be there.

    Raises InputError for a damaged file, and for a value that is missing or of another kind.
    """
    first = 1
    for part in _parts(path, list(kinds)):
        columns = {name: _checked(path, first, name, part.column(name), kind) for name, kind in kinds.items()}
        yield Batch(path, first, columns)
        first += part.num_rows


def read_others(path: str, names: list[str]) -> dict[str, np.ndarray]:
    """Whole columns of whatever kind they are; InputError for a damaged file."""
    if not names:
        return {}
    with _sentences(path):
        if _is_csv(path):
            table = pacsv.read_csv(_opened(path), convert_options=pacsv.ConvertOptions(include_columns=names))
        else:
            table = pq.read_table(_opened(path), columns=names)
    return {name: table[name].to_numpy() for name in names}


def first_false(right: np.ndarray) -> int | None:
    """The index of the first False in bool[n], or None."""
    return None if right.all() else int(np.argmin(right))


def _is_csv(path: str) -> bool:
    return Path(path).suffix.lower() == ".csv"


def _opened(path: str) -> str:
    return str(expanded(path))


class _sentences:
    """Turns what pyarrow raises for a damaged file into an InputError that names it."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, _, error: BaseException | None, __) -> None:
        if isinstance(error, pa.ArrowException | OSError | UnicodeDecodeError):
            kind = "CSV in UTF-8" if _is_csv(self.path) else "parquet"
            raise InputError(
                f"{self.path} is damaged or no {kind} ({' '.join(str(error).split())}): replace it."
            ) from None


def _parts(path: str, names: list[str]) -> Iterator[pa.RecordBatch]:
    with _sentences(path):
        if _is_csv(path):
            # As text first, so that an id such as 007 stays what it is and a wrong value can be told.
            convert = pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), include_columns=names)
            yield from pacsv.open_csv(
                _opened(path), read_options=pacsv.ReadOptions(block_size=BYTES), convert_options=convert
            )
        else:
            with pq.ParquetFile(_opened(path)) as file:
                yield from file.iter_batches(batch_size=ROWS, columns=names)


def _checked(path: str, first: int, name: str, values: pa.Array, kind: str) -> pa.Array | np.ndarray:
    here = f"{path}, column {name}"
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    missing = pc.is_null(values, nan_is_null=kind != TEXT).to_numpy(zero_copy_only=False)
    if missing.any():
        raise InputError(f"{here}, row {first + int(missing.argmax())}: no value: fill it in, or leave the row out.")
    texts = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
    whole = pa.types.is_integer(values.type)
    if kind == TEXT:
        if not texts and not whole:
            raise InputError(f"{here} has the type {values.type}: it must hold {kind}.")
        return values.cast(pa.string())
    read_as_text = texts and _is_csv(path)
    if not (whole or read_as_text or (kind == NUMBER and pa.types.is_floating(values.type))):
        raise InputError(f"{here} has the type {values.type}: it must hold {kind}.")
    try:
        typed = (pc.utf8_trim_whitespace(values) if read_as_text else values).cast(
            pa.int64() if kind == WHOLE else pa.float64()
        )
    except pa.ArrowInvalid:
        index, value = next((i, value) for i, value in enumerate(values.to_pylist()) if not _reads_as(value, kind))
        raise InputError(f"{here}, row {first + index}: {value!r}: it must hold {kind}.") from None
    numbers = typed.to_numpy(zero_copy_only=False)
    wrong = first_false(np.isfinite(numbers))
    if wrong is not None:
        raise InputError(f"{here}, row {first + wrong}: {numbers[wrong]}: it must hold {kind}.")
    return numbers


def _reads_as(value: str, kind: str) -> bool:
    try:
        pa.array([value.strip()]).cast(pa.int64() if kind == WHOLE else pa.float64())
    except (pa.ArrowInvalid, AttributeError):
        return False
    return True
