"""Pickles of plain data: containers, numbers, texts and arrays of bytes. Nothing that a pickle names is imported or called.

Instead of what numpy's arrays are made of when they are unpickled, stand-ins remember what they were told, and the array is made here. Whatever else a
pickle names is refused: it could run anything.
"""

import io
import pickle
from math import prod

import numpy as np

from scripts.lib.jobs.errors import InputError


class _Stored:
    """What a pickle says of an array, or of the type of its numbers."""

    __slots__ = ("arguments", "state")

    def __init__(self, *arguments: object) -> None:
        self.arguments, self.state = arguments, None

    def __setstate__(self, state: object) -> None:
        self.state = state


class _Array(_Stored):
    """Array, from a state of version, shape, type, whether columns come first, and bytes."""

    __slots__ = ()

    def bytes_in_it(self) -> np.ndarray:
        """The array, uint8 of any shape; ValueError for other numbers."""
        _, shape, kind, columns_first, content = self.state
        if kind.arguments[0] not in ("u1", "|u1"):
            raise ValueError(f"an array of {kind.arguments[0]!r}")
        content = content.encode("latin1") if isinstance(content, str) else content  # Python 2 had one type for both
        if prod(shape) != len(content):
            raise ValueError(f"{len(content)} bytes for an array of {list(shape)}")
        return np.frombuffer(content, np.uint8).reshape(shape, order="F" if columns_first else "C")


def _latin1(text: str, encoding: str) -> bytes:
    """Bytes as Python 3 writes them in the protocol of Python 2."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes in {encoding!r}")
    return text.encode("latin1")


# What a pickle may name -> what it gets. A text cannot be called.
STAND_INS = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,  # since numpy 2
    ("numpy", "ndarray"): "numpy.ndarray",
    ("numpy", "dtype"): _Stored,
    ("_codecs", "encode"): _latin1,
}


class _Plain(pickle.Unpickler):
    def __init__(self, content: bytes, where: str) -> None:
        super().__init__(io.BytesIO(content), encoding="latin1")
        self.where = where

    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in STAND_INS:
            raise InputError(
                f"{self.where} is a pickle that names {f'{module}.{name}'!r}, which could run anything, so it was not opened: bring a file of arrays, numbers and "
                "texts only."
            )
        return STAND_INS[module, name]


def load_plain(content: bytes, where: str) -> dict:
    """The dictionary in a pickle, its arrays as uint8 of any shape; InputError for other content, for names of code and for what is cut off."""
    try:
        loaded = _Plain(content, where).load()
        if not isinstance(loaded, dict):
            raise ValueError("no dictionary")
        return {key: value.bytes_in_it() if isinstance(value, _Array) else value for key, value in loaded.items()}
    except InputError:
        raise
    except Exception as error:  # a damaged pickle raises whatever its bytes happen to say
        why = str(error) or type(error).__name__
        raise InputError(f"{where} is damaged or no pickle of uint8 arrays and lists ({why}): replace it.") from None
