"""Annotations of any kind: CSV, TSV or parquet with one row an image."""

from pathlib import Path

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq

from scripts.lib.errors import InputError
from scripts.lib.joins.rows import KEY

DELIMITERS = {".csv": ",", ".tsv": "\t"}
UNKNOWN = ["", "NaN", "nan", "NA", "null"]  # cells that say nothing


def read_table(path: Path, entry: dict, label_of: dict[str, int], classes: int) -> pa.Table:
    """The columns `columns` (all others where left out) of a table, keyed by its column `id`."""
    table = _read(path, entry["id"])
    names = table.column_names
    wanted = entry.get("columns") or [name for name in names if name != entry["id"]]
    for name in [entry["id"], *wanted, *entry.get("categories", [])]:
        if name not in names:
            raise InputError(
                f"{path} has no column `{name}`, which config key `joins`, `{entry['name']}`, names: there are {', '.join(names)}."
            )
        if names.count(name) > 1:
            raise InputError(f"{path} has the column `{name}` twice: rename one of them.")
    keys = table[entry["id"]]
    if (
        not pa.types.is_integer(keys.type)
        and not pa.types.is_string(keys.type)
        and not pa.types.is_large_string(keys.type)
    ):
        raise InputError(f"{path}, column `{entry['id']}`, holds {keys.type}: ids must be texts or whole numbers.")
    if keys.null_count:
        raise InputError(
            f"{path}, column `{entry['id']}`: {keys.null_count} rows have no id; give them one, or remove them."
        )
    return pa.table({KEY: keys.cast(pa.string()), **{name: table[name] for name in wanted}})


def _read(path: Path, key: str) -> pa.Table:
    delimiter = DELIMITERS.get(path.suffix.lower())
    if delimiter is None and path.suffix.lower() != ".parquet":
        raise InputError(f"{path} must end in .csv, .tsv or .parquet: convert it.")
    try:
        if delimiter is None:
            return pq.read_table(path)
        options = csv.ConvertOptions(
            column_types={key: pa.string()},
            null_values=UNKNOWN,
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        )
        return csv.read_csv(path, parse_options=csv.ParseOptions(delimiter=delimiter), convert_options=options)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} cannot be read ({error}): correct it.") from None
