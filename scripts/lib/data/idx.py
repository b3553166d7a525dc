"""Images and labels in idx files, MNIST's format, packed with gzip or not; an example's id is its index.

A file is two bytes of zero, the kind of its numbers, how many dimensions there are, each one's length in four bytes, and the numbers, all with the
highest byte first (http://yann.lecun.com/exdb/mnist/).
"""

import gzip
import zlib
from math import prod

import numpy as np

from scripts.lib.data.arrays import read_files
from scripts.lib.data.split import Split
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.what_is_it import HEAD, what_is_it
from scripts.lib.study.sources import expanded

GZIP = b"\x1f\x8b"
KINDS = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(options: dict) -> tuple[dict[str, Split], list[str]]:
    """The splits that the study names, and the class names."""
    return read_files("idx", options, load_idx)


def load_idx(path: str) -> np.ndarray:
    """The array in a file; InputError for what is no idx file, and for one that is shorter or longer than it says."""
    content = _unpacked(path)
    start = 4 + 4 * (content[3] if len(content) > 3 else 0)
    if content[:2] != b"\0\0" or len(content) < start or content[2] not in KINDS or content[3] == 0:
        found = what_is_it(content[:HEAD])
        found = "damaged" if found in (None, "an idx file") else found
        raise InputError(
            f"{path} is {found} and no idx file: bring a file such as t10k-images-idx3-ubyte, as it is or .gz."
        )
    kind = np.dtype(KINDS[content[2]])
    shape = np.frombuffer(content, ">u4", content[3], offset=4).tolist()
    promised = start + prod(shape) * kind.itemsize
    if len(content) != promised:
        how = "truncated" if len(content) < promised else "longer than it says"
        raise InputError(
            f"{path} is {how}: an idx file of {kind.name}{shape} has {promised} bytes, and there are {len(content)}, so bring it again."
        )
    return np.frombuffer(content, kind, offset=start).reshape(shape)


def _unpacked(path: str) -> bytes:
    try:
        content = expanded(path).read_bytes()
        return gzip.decompress(content) if content.startswith(GZIP) else content
    except (EOFError, OSError, zlib.error) as error:
        raise InputError(f"{path} is truncated, damaged or not readable ({error}): bring it again.") from None
