"""Poisson numbers in one step: the alias method (Walker 1977, with Vose's tables of 1991).

Each level of a pixel has its own distribution over what may be seen. It is cut into equally probable cells in each of
which at most two outcomes occur: a random number chooses the cell and, within it, the outcome.
"""

import math
from functools import lru_cache

import numpy as np
from numba import njit

from .sfc64 import next_word

U64 = np.uint64

Tables = tuple[np.ndarray, np.ndarray, np.ndarray]


@lru_cache(maxsize=8)
def poisson_tables(mean_of_white: float, looks: bytes) -> Tables:
    """For photons counted, seen as `looks[k]` or the last of `looks` (bytes): cells uint64[C], and per level where its
    cells start int64[256] and how many there are as a power of two uint64[256].

    A cell is a threshold of 32 bits, then the byte below it, then the byte from it on.
    """
    codes = np.frombuffer(looks, np.uint8)
    cells, starts, bits = np.zeros(256 * 256, U64), np.zeros(256, np.int64), np.zeros(256, U64)
    end = 0
    for level in range(256):
        starts[level] = end
        chances = _chances(level / 255.0 * mean_of_white, codes)
        outcomes = np.flatnonzero(chances > 2.0**-40)
        bits[level] = (len(outcomes) - 1).bit_length()
        size = 1 << int(bits[level])
        probabilities = np.zeros(size)
        probabilities[: len(outcomes)] = chances[outcomes] / chances[outcomes].sum() * size
        colours = np.zeros(size, np.int64)
        colours[: len(outcomes)] = outcomes
        _fill_cells(probabilities, colours, cells[end : end + size])
        end += size
    return cells[:end].copy(), starts, bits


def _chances(mean: float, codes: np.ndarray) -> np.ndarray:
    """float64[256]: how probable each byte is."""
    if mean == 0:
        return np.bincount(codes[:1], minlength=256).astype(float)
    most = int(mean + 12 * math.sqrt(mean)) + 24
    chances = [math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(most)]
    seen = codes[np.minimum(np.arange(most), len(codes) - 1)]
    return np.bincount(seen, weights=chances, minlength=256)


@njit(cache=True, nogil=True)
def _fill_cells(probabilities, colours, cells):
    """Fills cells too small for their own outcome's share with another's surplus. float64[n] with mean one, is used up."""
    size = len(cells)
    waiting, small, large = np.empty(size, np.int64), 0, size
    for i in range(size):
        if probabilities[i] < 1.0:
            waiting[small] = i
            small += 1
        else:
            large -= 1
            waiting[large] = i
    for i in range(size):
        cells[i] = U64(colours[i]) << U64(8) | U64(colours[i])
    while small > 0 and large < size:
        small -= 1
        i, giver = waiting[small], waiting[large]
        threshold = U64(min(probabilities[i] * 2.0**32, 2.0**32 - 1))
        cells[i] = threshold << U64(16) | U64(colours[i]) << U64(8) | U64(colours[giver])
        probabilities[giver] -= 1.0 - probabilities[i]
        if probabilities[giver] < 1.0:
            waiting[small] = giver
            small += 1
            large += 1


@njit(cache=True, nogil=True)
def draw(state, cells, starts, bits, levels, out):
    """Fills uint8[n] with one outcome for each level uint8[n]; two from a word."""
    word = U64(0)
    for i in range(len(levels)):
        word = next_word(state) if i % 2 == 0 else word >> U64(32)
        number, level = word & U64(0xFFFFFFFF), levels[i]
        cell = cells[starts[level] + np.int64(number >> (U64(32) - bits[level]))]
        within = (number << bits[level]) & U64(0xFFFFFFFF)
        out[i] = (cell >> U64(8)) & U64(0xFF) if within < cell >> U64(16) else cell & U64(0xFF)
