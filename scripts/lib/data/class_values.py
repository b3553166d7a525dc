"""Classes as people write them, by number or by name, become numbers."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scripts.lib.data.columns import Batch
from scripts.lib.jobs.errors import InputError

SHOWN = 5  # names in a sentence


def numbers_of(batch: Batch, column: str, names: dict[str, int]) -> np.ndarray:
    """A column of classes as int64[n]; InputError for a name that is none of the study's.

    names: class name -> number. What reads as a whole number is the number of a class, whatever the classes are called.
    """
    values = batch.columns[column]
    if isinstance(values, np.ndarray):
        return values
    encoded = values.dictionary_encode()
    found = [_number(name, names) for name in encoded.dictionary.to_pylist()]
    if None in found:
        unknown = encoded.dictionary[found.index(None)].as_py()
        wrong = pc.index(values, unknown).as_py()
        if not names:
            raise InputError(
                f"{batch.where(column, wrong)}: {unknown!r} is a name, and other rows have numbers: write classes as numbers or as names throughout."
            )
        raise InputError(
            f"{batch.where(column, wrong)}: {unknown!r} is neither a whole number nor a class of the study: its {len(names)} classes are called "
            f"{_some(list(names))}; name all of them in a text file, `classes`, or correct the file."
        )
    return np.array(found, dtype=np.int64)[encoded.indices.to_numpy()]


def names_in(column: pa.Array) -> list[str]:
    """The different names in a column of classes, in the order in which they come."""
    return column.dictionary_encode().dictionary.to_pylist()


def _number(name: str, names: dict[str, int]) -> int | None:
    try:
        return int(name)
    except ValueError:
        return names.get(name)


def _some(names: list[str]) -> str:
    return ", ".join(map(repr, names[:SHOWN])) + (", …" if len(names) > SHOWN else "")
