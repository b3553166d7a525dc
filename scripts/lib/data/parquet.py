"""Data sets in the parquet files of the Hugging Face hub: a column of pictures as {bytes, path}, and one of labels.

An example's id is the `path` of its picture, or its row where there is none.
"""

import json
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scripts.lib.data.sources import matching
from scripts.lib.data.split import Picture, Split, check_ids, check_labels, read_class_names
from scripts.lib.errors import InputError

BATCH = 64  # rows that are in memory at a time


def read_parquet(options: dict) -> tuple[dict[str, Split], list[str]]:
    """The splits that the study names, and the class names: those of `classes`, or of the files' metadata, or the labels."""
    files = {split: matching(options[split]) for split in ("train", "test") if options[split]}
    splits = {split: _split(paths, options) for split, paths in files.items()}
    if options["classes"]:
        classes = read_class_names(options["classes"])
    else:
        numbers = [str(number) for number in range(1 + max(split.label.max() for split in splits.values()))]
        classes = _class_names(files["test"][0], options["label_column"]) or numbers
    for name, split in splits.items():
        check_labels(split.label, len(classes), options[name])
    return splits, classes


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


def _split(paths: list[str], options: dict) -> Split:
    example, label = [], []
    column = None
    for path in paths:
        file = _open(path)
        column = column or _picture_column(file.schema_arrow, options["image_column"], path)
        name = options["label_column"]
        if {column, name} - set(file.schema_arrow.names):
            raise InputError(
                f"{path} has no column `{column}` or no column `{name}`: it has {', '.join(file.schema_arrow.names)}."
            )
        labels = file.read(columns=[name])[name]
        if not pa.types.is_integer(labels.type) or labels.null_count:
            raise InputError(
                f"{path}, column `{name}`: labels must be whole numbers and none may be missing; "
                "config key `data.parquet.label_column` names the column."
            )
        label.append(labels.to_numpy().astype(np.int64))
        names = pc.struct_field(file.read(columns=[f"{column}.path"])[column], "path").to_pylist()
        example += [name or str(len(example) + row) for row, name in enumerate(names)]
    check_ids(example, options["test"] if len(paths) > 1 else paths[0])
    return Split(example, np.concatenate(label), _pictures(paths, column))


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
