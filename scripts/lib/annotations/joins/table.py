"""Annotations of any kind: a table with one row an image, parquet, CSV, TSV or JSONL."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from scripts.lib.annotations.joins.rows import KEY, LABEL
from scripts.lib.data.row_files import column_names, read_typed
from scripts.lib.jobs.errors import InputError

UNKNOWN = ["", "NaN", "nan", "NA", "null"]  # cells that say nothing
# What people call the column that holds the class of an image.
LABELS = (
    *("label", "labels", "class", "class_id", "class_index", "class_idx", "class_name", "target", "targets", "y", "gt"),
    *("ground_truth", "true_label", "fine_label", "wnid", "synset"),
)


def read_table(path: Path, entry: dict, labels_of: Callable[[list[str]], list[int | None]], classes: int) -> pa.Table:
    """The columns `columns` (all others where left out) of a table, keyed by its column `id`."""
    names, key = column_names(str(path)), entry["id"]
    wanted = entry.get("columns") or [name for name in names if name != key]
    for name in [key, *wanted, *entry.get("categories", [])]:
        if name not in names:
            raise InputError(
                f"{path} has no column `{name}`, which config key `joins`, `{entry['name']}`, names: there are {', '.join(names)}."
            )
    label = next((name for name in names if name.strip().lower() in LABELS and name != key), None)
    table = read_typed(str(path), list(dict.fromkeys([key, *wanted, *([label] if label else [])])), [key], UNKNOWN)
    keys = table[key]
    if (
        not pa.types.is_integer(keys.type)
        and not pa.types.is_string(keys.type)
        and not pa.types.is_large_string(keys.type)
    ):
        raise InputError(f"{path}, column `{key}`, holds {keys.type}: ids must be texts or whole numbers.")
    if keys.null_count:
        raise InputError(f"{path}, column `{key}`: {keys.null_count} rows have no id; give them one, or remove them.")
    said = {LABEL: table[label]} if label else {}
    return pa.table({KEY: keys.cast(pa.string()), **{name: table[name] for name in wanted}, **said})
