"""Data sets in the parquet files of the Hugging Face hub: a column of pictures as {bytes, path}, and one of labels.

An example's id is the `path` of its picture, or its row where there is none.
"""

import json
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scripts.lib.data.sources import matching, splits_of
from scripts.lib.data.split import Picture, Split, check_ids, checked_labels, class_names
from scripts.lib.errors import InputError

BATCH = 64  # rows that are in memory at a time


def read_parquet(options: dict) -> tuple[dict[str, Split], list[str]]:
    """The splits that the study names, and the class names: those of `classes`, or of the files' metadata, or the labels."""
    files = {split: matching(options[split]) for split in splits_of("parquet", options)}
    splits = {split: _split(options[split], paths, options) for split, paths in files.items()}
    known = _class_names(files["test"][0], options["label_column"])
    return splits, class_names(options["classes"], known, splits)


def _open(path: str) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} is damaged or no parquet file ({error}): replace it.") from None


def _picture_column(schema: pa.Schema, wanted: str | None, path: str) -> str:
    pictures = [
        field.name
        for field in schema
        if pa.types.is_struct(field.type)
        and {"bytes", "path"} <= {field.type[i].name for i in range(field.type.num_fields)}
    ]
    if wanted in pictures:
        return wanted
    if wanted is None and len(pictures) == 1:
        return pictures[0]
    what = f"no column of pictures `{wanted}`" if wanted else f"{len(pictures)} columns of pictures"
    raise InputError(
        f"{path} has {what}: config key `data.parquet.image_column` must name one with bytes and path; "
        f"there are the columns {', '.join(schema.names)}."
    )


def _class_names(path: str, label_column: str) -> list[str] | None:
    metadata = pq.read_schema(path).metadata or {}
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        return list(features[label_column]["names"])
    except (KeyError, TypeError, json.JSONDecodeError):
        return None


def _split(where: str, paths: list[str], options: dict) -> Split:
    example, label = [], []
    column, label_column = options["image_column"], options["label_column"]
    for path in paths:
        file = _open(path)
        column = _picture_column(file.schema_arrow, column, path)
        label.append(_labels(file, label_column, path))
        names = pc.struct_field(file.read(columns=[f"{column}.path"])[column], "path").to_pylist()
        by_path = options["id"] == "path"
        example += [name if name and by_path else str(len(example) + row) for row, name in enumerate(names)]
    check_ids(example, where, "set `data.parquet.id` to `row`, which numbers them")
    return Split(example, checked_labels(np.concatenate(label), where), _pictures(paths, column))


def _labels(file: pq.ParquetFile, column: str, path: str) -> np.ndarray:
    """Whole numbers [rows]."""
    if column not in file.schema_arrow.names:
        raise InputError(
            f"{path} has no column `{column}`: config key `data.parquet.label_column` must name that of the labels; "
            f"there are the columns {', '.join(file.schema_arrow.names)}."
        )
    labels = file.read(columns=[column])[column]
    if not pa.types.is_integer(labels.type) or labels.null_count:
        raise InputError(
            f"{path}, column `{column}`: labels must be whole numbers and none may be missing; "
            "config key `data.parquet.label_column` names the column."
        )
    return labels.to_numpy()


def _pictures(paths: list[str], column: str) -> Iterator[Picture]:
    for path in paths:
        row = 0
        try:
            for batch in _open(path).iter_batches(BATCH, columns=[f"{column}.bytes"]):
                for content in pc.struct_field(batch[column], "bytes"):
                    if not content.is_valid:
                        raise InputError(
                            f"row {row} of {path} has no bytes in `{column}`: a parquet file with the pictures inside is needed."
                        )
                    yield f"the picture in row {row} of {path}", content.as_py()
                    row += 1
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{path} is damaged ({error}): replace it.") from None
