"""What is known of each test image beside its label: columns by which images can be told apart.

On disk `annotations.parquet` has one row a test example, in the order of the example table: texts are categories, true and false are
factors, numbers are numbers; what is not known is null. Its metadata (key `lacuna`, JSON) say which columns were joined.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import replacing

CATEGORY, FACTOR, NUMBER = "category", "factor", "number"
MOST = 100  # different values that a category may have


@dataclass(frozen=True)
class Column:
    """One thing that is known of N images."""

    name: str
    scale: str  # CATEGORY, FACTOR or NUMBER
    values: np.ndarray  # object[N], None where unknown, or float64[N], NaN where unknown; a factor is 0 or 1
    joined: bool = False  # whether the study joined it, instead of its data source bringing it

    @property
    def known(self) -> np.ndarray:
        """Which images have a value, bool[N]."""
        if self.scale == CATEGORY:
            return np.array([value is not None for value in self.values], dtype=bool)
        return ~np.isnan(self.values)


def column_of(name: str, values: pa.ChunkedArray | pa.Array, where: str, joined: bool, category: bool) -> Column:
    """A column as it is stored or given; `category` says that its numbers are names.

    Numbers that are all 0 or 1, or all -1 or 1, are factors. Raises InputError for what is neither text, nor truth value, nor number, and for
    infinite numbers and categories with too many values.
    """
    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    texts = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if not (texts or pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise InputError(
            f"{where}, column `{name}`, holds {kind}: only texts, numbers, true and false can be used; leave it out with `columns`."
        )
    if texts or category:
        named = np.array([None if value is None else f"{value}" for value in values.to_pylist()], dtype=object)
        different = len(set(named) - {None})
        if different > MOST:
            raise InputError(
                f"{where}, column `{name}`, has {different} different values, and a category may have {MOST}: leave it out with "
                "`columns`, or make groups of its values."
            )
        return Column(name, CATEGORY, named, joined)
    numbers = np.array([np.nan if value is None else float(value) for value in values.to_pylist()])
    if np.isinf(numbers).any():
        raise InputError(f"{where}, column `{name}`, has an infinite number: correct it, or leave the cell empty.")
    found = set(np.unique(numbers[~np.isnan(numbers)]).tolist())
    if found and (found <= {0.0, 1.0} or found <= {-1.0, 1.0}):
        return Column(name, FACTOR, np.where(np.isnan(numbers), np.nan, numbers == 1), joined)
    return Column(name, NUMBER, numbers, joined)


def save_columns(path: str | Path, example: np.ndarray, columns: list[Column]) -> None:
    """Write the columns of these examples, whole or not at all."""
    arrays = {"example": pa.array(example, pa.string())}
    for column in columns:
        if column.scale == CATEGORY:
            arrays[column.name] = pa.array(column.values.tolist(), pa.string())
        elif column.scale == FACTOR:
            arrays[column.name] = pa.array(column.values == 1, pa.bool_(), mask=~column.known)
        else:
            arrays[column.name] = pa.array(column.values, pa.float64(), mask=~column.known)
    description = {"joined": [column.name for column in columns if column.joined]}
    table = pa.table(arrays).replace_schema_metadata({"lacuna": json.dumps(description, sort_keys=True)})
    with replacing(path) as beside:
        pq.write_table(table, beside, compression="zstd")


def load_columns(paths: list[str | Path], example: np.ndarray) -> dict[str, Column]:
    """All columns of some files by name; InputError unless each has these examples in this order, and no column appears twice."""
    found: dict[str, Column] = {}
    for path in paths:
        try:
            table = pq.read_table(path)
            joined = json.loads(table.schema.metadata[b"lacuna"])["joined"]
            order = table["example"].to_numpy()
        except (pa.ArrowException, OSError, KeyError, TypeError) as error:
            raise InputError(f"{path} cannot be read ({error}): delete it, and snakemake makes it again.") from None
        if not np.array_equal(order, example):
            raise InputError(
                f"{path} has other examples than the predictions, or another order: delete it, and snakemake makes it again."
            )
        for name in table.column_names:
            if name in found:
                raise InputError(f"{path} has the column `{name}`, which another file has too: give it another name.")
            if name != "example":
                found[name] = _loaded(name, table[name], name in joined)
    return found


def _loaded(name: str, values: pa.ChunkedArray, joined: bool) -> Column:
    if pa.types.is_string(values.type):
        return Column(name, CATEGORY, np.array(values.to_pylist(), dtype=object), joined)
    scale = FACTOR if pa.types.is_boolean(values.type) else NUMBER
    numbers = np.array([np.nan if value is None else float(value) for value in values.to_pylist()])
    return Column(name, scale, numbers, joined)
