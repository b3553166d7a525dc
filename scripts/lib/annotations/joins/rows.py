"""What every reader of annotations gives: a table keyed by what names an example in the file."""

from pathlib import Path

import pyarrow as pa

from scripts.lib.jobs.errors import InputError

KEY = "lacuna_key"  # the column of names; a text
LABEL = "lacuna_label"  # where a file says which class an image is of: whole numbers or names of classes, null where unknown


def rows_of(keys: list[str], columns: dict[str, list], path: Path) -> pa.Table:
    """A table of some rows; InputError where a column mixes texts and numbers."""
    try:
        return pa.table({KEY: pa.array(keys, pa.string()), **{name: pa.array(each) for name, each in columns.items()}})
    except pa.ArrowException as error:
        raise InputError(f"{path} mixes kinds of values in a column ({error}): correct it.") from None
