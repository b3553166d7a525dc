"""Random numbers that belong to an example, not to the moment or the process in which it is corrupted."""

import hashlib
import json
from collections.abc import Iterable, Iterator

import numpy as np


def seed_words(dataset: str, corruption: str, severity: int, example_id: str) -> list[int]:
    """Four 32-bit words, a hash of the four keys: 75 variants of a million images meet no collision.

    The keys are hashed as a JSON list, which no other four keys can spell.
    """
    key = json.dumps([dataset, corruption, severity, example_id]).encode()
    digest = hashlib.blake2b(key, digest_size=16).digest()
    return [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4)]


class Stream(np.random.RandomState):
    """A RandomState that remembers the words that seeded it.

    RandomState, because NumPy has frozen its streams (NEP 19), while those of Generator may change with a release.
    """

    words: list[int]


def streams(dataset: str, corruption: str, severity: int, example_ids: Iterable[str]) -> Iterator[Stream]:
    """One stream per example, in order. It is one object, reseeded: use each stream before asking for the next."""
    random = Stream(0)
    for example_id in example_ids:
        random.words = seed_words(dataset, corruption, severity, example_id)
        random.seed(random.words)
        yield random
