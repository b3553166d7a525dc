"""The column of pictures in a parquet file: {bytes, path} as the Hugging Face hub has them, bytes, or nested lists of numbers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scripts.lib.data.array_images import colours_last
from scripts.lib.jobs.errors import InputError

SHOWN = 20  # of many columns, as many are named in an error


@dataclass(frozen=True)
class Content:
    """How the pictures of a column are read."""

    read: str  # what of the file to read
    values: Callable[[pa.RecordBatch], Iterator[pa.Scalar]]
    picture: Callable[[pa.Scalar, str], bytes | np.ndarray]  # a value and what to call it in an error


def _fields(kind: pa.DataType) -> set[str]:
    return {kind.field(i).name for i in range(kind.num_fields)} if pa.types.is_struct(kind) else set()


def _is_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def _depth(kind: pa.DataType) -> int:
    """How deep lists of numbers are nested; 0 for anything else."""
    depth = 0
    while _is_list(kind):
        kind, depth = kind.value_type, depth + 1
    return depth if pa.types.is_integer(kind) or pa.types.is_floating(kind) else 0


# The ways to hold a picture, the likeliest first.
WAYS: tuple[Callable[[pa.DataType], bool], ...] = (
    lambda kind: "bytes" in _fields(kind),
    _is_bytes,
    lambda kind: _depth(kind) in (2, 3),
)


def picture_column(schema: pa.Schema, wanted: str | None, path: str) -> str:
    """The column of pictures: the one that is wanted, or the only one that holds them in the likeliest way; else InputError."""
    ways = [[field.name for field in schema if way(field.type)] for way in WAYS]
    if wanted is not None and any(wanted in names for names in ways):
        return wanted
    likeliest = next((names for names in ways if names), [])
    if wanted is None and len(likeliest) == 1:
        return likeliest[0]
    if wanted is not None:
        what = f"no column of pictures `{wanted}`"
    elif likeliest:
        what = f"{len(likeliest)} columns of pictures, {', '.join(likeliest)}"
    else:
        what = "no column of pictures"
    raise InputError(
        f"{path} has {what}: config key `data.parquet.image_column` must name one of {{bytes, path}}, of bytes, or of nested lists of "
        f"whole numbers; there are the columns {described(schema)}."
    )


def described(schema: pa.Schema) -> str:
    """The columns of a file with their types, of many columns some."""
    columns = [f"{field.name} ({field.type})" for field in schema]
    return ", ".join(columns[:SHOWN]) + (f" and {len(columns) - SHOWN} others" if len(columns) > SHOWN else "")


def path_column(schema: pa.Schema, column: str) -> str | None:
    """What to read for the names of the pictures' files; None where there are none."""
    return f"{column}.path" if "path" in _fields(schema.field(column).type) else None


def content_of(schema: pa.Schema, column: str) -> Content:
    """How the pictures of a column are read, which `picture_column` chose."""
    kind = schema.field(column).type
    if pa.types.is_struct(kind):
        return Content(f"{column}.bytes", lambda batch: iter(pc.struct_field(batch[column], "bytes")), _bytes)
    return Content(column, lambda batch: iter(batch[column]), _bytes if _is_bytes(kind) else _numbers)


def _bytes(value: pa.Scalar, name: str) -> bytes:
    return value.as_py()


def _numbers(value: pa.Scalar, name: str) -> np.ndarray:
    """uint8[H, W, 3] of nested lists [H, W], [H, W, C] or [C, H, W] with C of 1 or 3."""
    try:
        image = np.array(value.as_py())
    except ValueError:
        raise InputError(f"{name} has lists of different lengths: a picture has as many numbers in each row.") from None
    if image.dtype.kind not in "iu" or image.min(initial=0) < 0 or image.max(initial=0) > 255:
        raise InputError(f"{name} has numbers of other kinds than whole ones from 0 to 255: convert it.")
    found = f"{name} has the shape {list(image.shape)}, without the N"
    shaped = colours_last(image[None], found)[0].astype(np.uint8)
    return np.broadcast_to(shaped, (*shaped.shape[:2], 3))
