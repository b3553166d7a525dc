"""Data sets in parquet files, as those of the Hugging Face hub: a column of pictures, and one of labels.

An example's id is the `path` of its picture, or its row where there is none.
"""

import json
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scripts.lib.data.labels import Given, from_texts, in_range, one_numbering, whole_numbers
from scripts.lib.data.parquet_pictures import content_of, described, path_column, picture_column
from scripts.lib.data.split import Picture, Split, check_ids, checked_labels, class_names, read_class_names
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.what_is_it import what_file_is
from scripts.lib.study.sources import matching, splits_of

BATCH = 64  # rows that are in memory at a time
INDEX = "__index_level_"  # what pandas calls the columns of its index
LABEL = "label"  # the column of labels where there is one of this name and the study names no other


def read_parquet(options: dict) -> tuple[dict[str, Split], list[str]]:
    """The splits that the study names, and the class names: those of `classes`, or of the files, or the labels.

    Files that name their classes may have them in different orders: labels are joined by name.
    """
    files = {split: matching(options[split]) for split in splits_of("parquet", options)}
    of_test_first = [path for split in sorted(files) for path in files[split]]
    given = [_labels(path, options["label_column"]) for path in of_test_first]
    if options["label_column"] is None:
        print(f"labels: {given[0].where}")
    listed = None if options["classes"] is None else read_class_names(options["classes"])
    numbers, known = one_numbering(given, listed)
    label = dict(zip(of_test_first, numbers, strict=True))
    splits = {split: _split(options[split], paths, label, options) for split, paths in files.items()}
    return splits, class_names(options["classes"], known, splits)


def _open(path: str) -> pq.ParquetFile:
    try:
        file = pq.ParquetFile(path)
        names = file.schema_arrow.names
    except (pa.ArrowException, OSError) as error:
        found = what_file_is(path)
        if found in (None, "a parquet file"):
            raise InputError(
                f"{path} is damaged or no parquet file ({error}): it may have been cut off, so bring it again."
            ) from None
        raise InputError(f"{path} is {found} and no parquet file: replace it.") from None
    twice = next((name for name in names if names.count(name) > 1), None) if len(set(names)) < len(names) else None
    if twice is not None:
        raise InputError(f"{path} has two columns `{twice}`: rename one.")
    return file


def _split(where: str, paths: list[str], label: dict[str, np.ndarray], options: dict) -> Split:
    example: list[str] = []
    column = options["image_column"]
    for path in paths:
        file = _open(path)
        column = picture_column(file.schema_arrow, column, path)
        named = path_column(file.schema_arrow, column) if options["id"] == "path" else None
        names = [None] * file.metadata.num_rows
        if named is not None:
            names = pc.struct_field(_read(file, named, path)[column], "path").to_pylist()
        example += [name if name else str(len(example) + row) for row, name in enumerate(names)]
    check_ids(example, where, "set `data.parquet.id` to `row`, which numbers them")
    numbers = checked_labels(np.concatenate([label[path] for path in paths]), where)
    return Split(example, numbers, _pictures(paths, column))


def _read(file: pq.ParquetFile, column: str, path: str) -> pa.Table:
    try:
        return file.read(columns=[column])
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} is damaged ({error}): replace it.") from None


def _declared(schema: pa.Schema) -> dict[str, list[str]]:
    """The columns that the metadata of the hub describe as labels, with the names of their classes."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return {
            column: _in_order(feature["names"])
            for column, feature in features.items()
            if isinstance(feature, dict) and feature.get("names")
        }
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}


def _in_order(names: list | dict) -> list[str]:
    """Names as a list, or by number as in the README of a data set."""
    if isinstance(names, dict):
        names = [names[number] for number in sorted(names, key=int)]
    return [str(name) for name in names]


def _is_label(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return any(
        is_so(kind)
        for is_so in (
            pa.types.is_integer,
            pa.types.is_floating,
            pa.types.is_boolean,
            pa.types.is_string,
            pa.types.is_large_string,
            pa.types.is_string_view,
        )
    )


def _label_column(schema: pa.Schema, wanted: str | None, path: str) -> str:
    """The column of labels: the one that is wanted, or `label`, or the only one that can be meant."""
    declared = [name for name in _declared(schema) if name in schema.names]
    possible = declared or [f.name for f in schema if _is_label(f.type) and not f.name.startswith(INDEX)]
    if wanted is None and LABEL in schema.names:
        wanted = LABEL
    if wanted is None and len(possible) == 1:
        wanted = possible[0]
    if wanted in schema.names:
        return wanted
    if wanted is not None:
        what = f"{path} has no column `{wanted}`"
    elif possible:
        what = f"{path} has {len(possible)} columns that may be labels, {', '.join(possible)}"
    else:
        what = f"{path} has no column of labels"
    raise InputError(
        f"{what}: config key `data.parquet.label_column` must name that of the labels; there are the columns {described(schema)}."
    )


def _labels(path: str, wanted: str | None) -> Given:
    """The labels of a file, in its own numbering, with the names of the classes where it has them."""
    file = _open(path)
    schema = file.schema_arrow
    column = _label_column(schema, wanted, path)
    where, kind = f"{path} (column `{column}`)", schema.field(column).type
    if not _is_label(kind):
        raise InputError(
            f"{where} has the type {kind}: labels must be whole numbers or names of classes; config key `data.parquet.label_column` names the column."
        )
    values = _read(file, column, path)[column].combine_chunks()
    if values.null_count:
        row = pc.index(pc.is_null(values), True).as_py()
        raise InputError(
            f"{where} has no label in row {row}, and in {values.null_count} rows altogether: fill them in, or leave the rows out."
        )
    if pa.types.is_dictionary(kind):
        kind, values = kind.value_type, values.cast(kind.value_type)
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
        return from_texts(values.to_pylist(), where)
    numbers = values.to_numpy(zero_copy_only=False)
    numbers = whole_numbers(numbers.astype(np.int64) if numbers.dtype.kind == "b" else numbers, where)
    names = _declared(schema).get(column)
    return Given(where, in_range(numbers, where), names, declared=names is not None)


def _pictures(paths: list[str], column: str) -> Iterator[Picture]:
    for path in paths:
        row = 0
        file = _open(path)
        content = content_of(file.schema_arrow, column)
        try:
            for batch in file.iter_batches(BATCH, columns=[content.read]):
                for value in content.values(batch):
                    name = f"the picture in row {row} of {path}"
                    if not value.is_valid:
                        raise InputError(
                            f"row {row} of {path} has no bytes in `{column}`: a parquet file with the pictures inside is needed."
                        )
                    yield name, content.picture(value, name)
                    row += 1
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{path} is damaged ({error}): replace it.") from None
