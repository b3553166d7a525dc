"""A plasma fractal: heights by the diamond-square algorithm, for fog."""

import numpy as np

from .noise import Streams


def plasma(batch: int, size: int, decay: float, streams: Streams) -> np.ndarray:
    """float64[batch, size, size] from 0 to 1; `size` is a power of two, the edges continue into each other.

    Starting from one height, each round doubles the map: a square's middle is the mean of its corners, a diamond's the
    mean of its tips, both plus chance that shrinks by `decay`.
    """
    chances = np.empty((batch, size * size - 1))
    for chance, random in zip(chances, streams):
        chance[:] = random.random_sample(chance.shape)
    corners = np.zeros((batch, 1, 1))
    wobble, used = 100.0, 0
    while corners.shape[1] < size:
        side = corners.shape[1]

        def middle(total: np.ndarray) -> np.ndarray:
            nonlocal used
            chance = chances[:, used : used + side * side].reshape(batch, side, side)
            used += side * side
            # uniform(-wobble, wobble) as RandomState computes it
            return total / 4 + wobble * (-wobble + 2 * wobble * chance)

        pairs = corners + np.roll(corners, -1, axis=1)
        squares = middle(pairs + np.roll(pairs, -1, axis=2))
        across = middle(squares + np.roll(squares, 1, axis=1) + (corners + np.roll(corners, -1, axis=2)))
        down = middle(squares + np.roll(squares, 1, axis=2) + pairs)
        corners, coarse = np.empty((batch, 2 * side, 2 * side)), corners
        corners[:, ::2, ::2] = coarse
        corners[:, 1::2, 1::2] = squares
        corners[:, ::2, 1::2] = across
        corners[:, 1::2, ::2] = down
        wobble /= decay
    corners -= corners.min(axis=(1, 2), keepdims=True)
    corners /= corners.max(axis=(1, 2), keepdims=True)
    return corners
