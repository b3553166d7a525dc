"""SFC64, a small fast counting generator (Doty-Humphrey, PractRand): four words of state, one addition and few shifts.

Two streams with different seeds may be told apart only by luck; each is at least 2 ** 64 words long.
"""

from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numba import njit

U64 = np.uint64


@lru_cache
def normal_quantiles() -> np.ndarray:
    """float32[2 ** 16]: the middles of so many equally probable parts of the normal distribution."""
    normal = NormalDist()
    upper = [normal.inv_cdf(0.5 + (i + 0.5) / 2**16) for i in range(2**15)]
    return np.array([*(-number for number in reversed(upper)), *upper], np.float32)


@njit(cache=True, nogil=True)
def next_word(state):
    """uint64. state: uint64[4]."""
    a, b, c, counter = state
    word = a + b + counter
    state[0] = b ^ (b >> U64(11))
    state[1] = c + (c << U64(3))
    state[2] = ((c << U64(24)) | (c >> U64(40))) + word
    state[3] = counter + U64(1)
    return word


@njit(cache=True, nogil=True)
def seed(state, key):
    """key: uint64[4], of which the lower 32 bits count."""
    state[0] = key[0] | (key[1] << U64(32))
    state[1] = key[2] | (key[3] << U64(32))
    state[2] = U64(0)
    state[3] = U64(1)
    for _ in range(18):  # until every bit of the seed has reached every bit of the state
        next_word(state)


@njit(cache=True, nogil=True)
def uniforms(state, out):
    """Fills float64[n] with numbers of 53 bits, from 0 to 1."""
    for i in range(len(out)):
        out[i] = (next_word(state) >> U64(11)) * 2.0**-53


@njit(cache=True, nogil=True)
def normals(state, quantiles, out):
    """Fills float64[n] with float32 of a table, four from a word."""
    word = U64(0)
    for i in range(len(out)):
        word = next_word(state) if i % 4 == 0 else word >> U64(16)
        out[i] = quantiles[word & U64(0xFFFF)]


@njit(cache=True, nogil=True)
def integers(state, limit, out):
    """Fills int64[n] with numbers from 0 to limit - 1, two from a word; each as likely to within limit / 2 ** 32."""
    word = U64(0)
    for i in range(len(out)):
        word = next_word(state) if i % 2 == 0 else word >> U64(32)
        out[i] = ((word & U64(0xFFFFFFFF)) * U64(limit)) >> U64(32)


@njit(cache=True, nogil=True)
def impulses(state, share, image):
    """Sets values of uint8[n] to 0 or 255, `share` of 2 ** 32 of them."""
    word = U64(0)
    for i in range(len(image)):
        word = next_word(state) if i % 2 == 0 else word >> U64(32)
        number = np.int64(word & U64(0xFFFFFFFF))
        colour = np.uint8(255) if number & 1 else np.uint8(0)
        image[i] = colour if number < share else image[i]
