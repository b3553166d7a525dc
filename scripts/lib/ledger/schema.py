"""What a file of the ledger looks like: its columns in both versions, and the description that it carries.

Version 2 has `p_squared` in every row. Where all probabilities are kept, which is in the clean suite only, it has `probabilities` too. Files
without a version are of version 1 and lack both.
"""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from scripts.lib.jobs.errors import InputError

VERSION = 2
RANKS = 5
TOP = [f"top{rank}" for rank in range(1, RANKS + 1)]
PROBABILITY = [f"p{rank}" for rank in range(1, RANKS + 1)]
PROBABILITIES = "probabilities"
VERSION_1 = pa.schema(
    [
        ("example", pa.dictionary(pa.int32(), pa.string())),
        ("label", pa.int16()),
        ("seed", pa.int16()),
        ("corruption", pa.dictionary(pa.int32(), pa.string())),
        ("severity", pa.int8()),
        *((name, pa.int16()) for name in TOP),
        *((name, pa.float32()) for name in PROBABILITY),
        ("p_label", pa.float32()),
    ]
)
SCHEMA = VERSION_1.append(pa.field("p_squared", pa.float32()))


def with_probabilities(classes: int) -> pa.Schema:
    """The columns of a file that keeps the probabilities of all classes."""
    return SCHEMA.append(pa.field(PROBABILITIES, pa.list_(pa.field("element", pa.float32()), classes)))


def classes_kept(schema: pa.Schema) -> int:
    """Of how many classes a file keeps the probabilities of each example; 0 where it has those of the first five only."""
    return schema.field(PROBABILITIES).type.list_size if PROBABILITIES in schema.names else 0


def check_schema(path: str | Path, schema: pa.Schema) -> None:
    """Raise InputError unless these are the ledger's columns, in either version."""
    known = [VERSION_1, SCHEMA]
    if PROBABILITIES in schema.names and pa.types.is_fixed_size_list(schema.field(PROBABILITIES).type):
        known.append(with_probabilities(classes_kept(schema)))
    if not any(schema.equals(each, check_metadata=False) for each in known):
        raise InputError(f"{path} does not have the ledger's columns {', '.join(SCHEMA.names)}: predict it anew.")


def describe(path: str | Path) -> dict:
    """What a file's metadata say; InputError if it is damaged or no ledger."""
    try:
        return json.loads(pq.read_schema(path).metadata[b"lacuna"])
    except (pa.ArrowException, OSError, KeyError, TypeError) as error:
        raise unreadable(path, error) from None


def unreadable(path: str | Path, error: Exception) -> InputError:
    """What is said of a file that is damaged."""
    return InputError(f"{path} cannot be read ({error}): delete it, and snakemake makes it again.")
