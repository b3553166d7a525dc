"""Random streams keyed by identity, so that results depend neither on workers nor on the order of jobs."""

import hashlib

import numpy as np


def key(*identity: str | int) -> int:
    """A 128-bit key for an identity such as ("train", "dense", 3)."""
    text = "|".join(map(str, identity))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "big")


def generator(*identity: str | int) -> np.random.Generator:
    """A stream of its own for an identity."""
    return np.random.Generator(np.random.Philox(key=key(*identity)))
