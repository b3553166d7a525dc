"""A plasma fractal: heights by the diamond-square algorithm, for fog."""

import numpy as np

from .noise import Streams


def plasma(batch: int, size: int, decay: float, streams: Streams) -> np.ndarray:
    """float64[batch, size, size] from 0 to 1; `size` is a power of two, the edges continue into each other.

    Starting from one height, each round doubles the map: a square's middle is the mean of its corners, a diamond's the
    mean of its tips, both plus chance that shrinks by `decay`.
    """
    chances = np.empty((batch, size * size - 1))
    for chance, random in zip(chances, streams, strict=True):
        random.uniforms(chance)
    heights = np.zeros((batch, 1, 1))
    wobble, used, side = 100.0, 0, 1
    while side < size:
        wobbles = chances[:, used : used + 3 * side * side].reshape(batch, 3, side, side)
        wobbles *= 2 * wobble
        wobbles -= wobble  # uniform(-wobble, wobble), as RandomState computes it
        wobbles *= wobble
        pairs = heights + np.roll(heights, -1, axis=1)
        squares = (pairs + np.roll(pairs, -1, axis=2)) / 4
        squares += wobbles[:, 0]
        across = squares + np.roll(squares, 1, axis=1)
        across += heights + np.roll(heights, -1, axis=2)
        down = squares + np.roll(squares, 1, axis=2)
        down += pairs
        finer = np.empty((batch, 2 * side, 2 * side))
        finer[:, ::2, ::2] = heights
        finer[:, 1::2, 1::2] = squares
        across /= 4
        down /= 4
        np.add(across, wobbles[:, 1], out=finer[:, ::2, 1::2])
        np.add(down, wobbles[:, 2], out=finer[:, 1::2, ::2])
        heights = finer
        wobble, used, side = wobble / decay, used + 3 * side * side, 2 * side
    heights -= heights.min(axis=(1, 2), keepdims=True)
    heights /= heights.max(axis=(1, 2), keepdims=True)
    return heights
