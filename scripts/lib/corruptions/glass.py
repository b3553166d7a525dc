"""Frosted glass: pixels fetched from nearby."""

import numpy as np
from numba import njit

from .streams import Stream


def shuffle(image: np.ndarray, reach: int, passes: int, random: Stream) -> None:
    """Copies onto each pixel of uint8[H, W, 3] one from nearby, in place, from the last pixel to the first.

    A copy, not a swap: the original exchanges two views of the same array, of which only the first assignment has an
    effect. A proper swap would not be the published corruption.
    """
    height, width = image.shape[:2]
    steps = np.empty((height - 2 * reach, width - 2 * reach, 2), np.int64)
    for _ in range(passes):
        random.integers(2 * reach, steps)
        _fetch(image, reach, steps)


@njit(cache=True, nogil=True, error_model="numpy")
def _fetch(image, reach, steps):
    """steps int64[H - 2 * reach, W - 2 * reach, 2]: for each pixel in walking order which column, which row it takes,
    counted from `reach` before its own."""
    height, width = image.shape[:2]
    for i in range(steps.shape[0]):
        for j in range(steps.shape[1]):
            row, column = height - reach - i, width - reach - j
            from_row, from_column = row - reach + steps[i, j, 1], column - reach + steps[i, j, 0]
            for channel in range(3):
                image[row, column, channel] = image[from_row, from_column, channel]
