"""Random numbers that belong to an example, not to the moment or the process in which it is corrupted.

A stream has these methods; each call goes on where the one before ended, but for `photons`, which may take more than it
needs and has to be a stream's only call:

    uniform(low, high)                        a number
    below(limit)                              a whole number from 0 to limit - 1
    uniforms(out), normals(out)               fill float64[...]: from 0 to 1; with mean 0 and deviation 1
    integers(limit, out)                      fills int64[...] with whole numbers from 0 to limit - 1
    impulses(amount, image)                   sets this share of the values of uint8[...] to 0 or 255, evenly
    photons(image, mean_of_white, looks, out) fills uint8[...]: looks[k], or the last of them, for k photons counted

There are two kinds. "exact" are the numbers that the published functions draw from a RandomState with the same seed.
"fast" are others, of the same distributions.
"""

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from .numpy_stream import NumpyStream

Stream: TypeAlias = NumpyStream  # or one that does as it does

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
