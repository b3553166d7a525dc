"""What a network sees in each test image, as a file: one row an example, a column of vectors, and what the vectors are in the metadata."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import replacing

KEY = b"features"  # of the metadata


@dataclass(frozen=True)
class Features:
    """The features of N images."""

    example: np.ndarray  # str[N]
    values: np.ndarray  # float32[N, D]
    what: str  # what they are, in words


def save_features(path: str | Path, features: Features) -> None:
    """Write features, whole or not at all."""
    vectors = pa.FixedSizeListArray.from_arrays(
        pa.array(np.ascontiguousarray(features.values, np.float32).ravel()), features.values.shape[1]
    )
    table = pa.table({"example": pa.array(features.example, pa.string()), "features": vectors})
    with replacing(path) as beside:
        pq.write_table(table.replace_schema_metadata({KEY: features.what}), beside, compression="zstd")


def load_features(path: str | Path, example: np.ndarray) -> Features:
    """Read features; InputError if the file is damaged or is not of these examples in this order."""
    try:
        table = pq.read_table(path)
        what = table.schema.metadata[KEY].decode()
        values = table["features"].combine_chunks().flatten().to_numpy().reshape(len(table), -1)
        found = table["example"].to_numpy()
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}): delete it, and snakemake makes it again.") from None
    if not np.array_equal(found, example):
        raise InputError(
            f"{path} has other examples than the predictions, or another order: delete it, and snakemake makes it again."
        )
    return Features(found, values, what)
