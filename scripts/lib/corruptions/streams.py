"""Random numbers that belong to an example, not to the moment or the process in which it is corrupted.

There are two kinds. "exact" are the numbers that the published functions draw from a RandomState with the same seed.
"fast" are others, of the same distributions.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

from .numpy_stream import NumpyStream

if TYPE_CHECKING:
    import numpy as np


class Stream(Protocol):
    """Random numbers for one example; each call goes on where the one before ended."""

    def seed(self, words: list[int]) -> None:
        """Begin anew, for another example."""

    def uniform(self, low: float, high: float) -> float:
        """A number."""

    def below(self, limit: int) -> int:
        """A whole number from 0 to limit - 1."""

    def uniforms(self, out: np.ndarray) -> None:
        """Fill float64[...] with numbers from 0 to 1."""

    def normals(self, out: np.ndarray) -> None:
        """Fill float64[...] with numbers of mean 0 and deviation 1."""

    def integers(self, limit: int, out: np.ndarray) -> None:
        """Fill int64[...] with whole numbers from 0 to limit - 1."""

    def impulses(self, amount: float, image: np.ndarray) -> None:
        """Set this share of the values of uint8[...] to 0 or 255, evenly."""

    def photons(self, image: np.ndarray, mean_of_white: float, looks: np.ndarray, out: np.ndarray) -> None:
        """Fill uint8[...]: looks[k], or the last of them, for k photons counted.

        May take more numbers than it needs, so it has to be the only call for an example.
        """


KINDS = ("exact", "fast")


def seed_words(dataset: str, corruption: str, severity: int, example_id: str) -> list[int]:
    """Four 32-bit words, a hash of the four keys: 75 variants of a million images meet no collision.

    The keys are hashed as a JSON list, which no other four keys can spell.
    """
    key = json.dumps([dataset, corruption, severity, example_id]).encode()
    digest = hashlib.blake2b(key, digest_size=16).digest()
    return [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4)]


def streams(kind: str, dataset: str, corruption: str, severity: int, example_ids: Iterable[str]) -> Iterator[Stream]:
    """One stream per example, in order. It is one object, reseeded: use each stream before asking for the next."""
    stream = None
    for example_id in example_ids:
        stream = stream or _new_stream(kind)
        stream.seed(seed_words(dataset, corruption, severity, example_id))
        yield stream


def _new_stream(kind: str) -> Stream:
    if kind == "fast":
        from .fast_stream import FastStream

        return FastStream()
    # The same numbers from both. Starting numba takes as long as NumPy does for hundreds of large images.
    if "numba" in sys.modules:
        from .twister_stream import TwisterStream

        return TwisterStream()
    return NumpyStream()
