"""Frosted glass: pixels fetched from nearby."""

import numpy as np
from numba import njit


def shuffle(image: np.ndarray, reach: int, random: np.random.RandomState) -> None:
    """Copies onto each pixel of uint8[H, W, 3] one from nearby, in place, from the last pixel to the first.

    A copy, not a swap: the original exchanges two views of the same array, of which only the first assignment has an
    effect. A proper swap would not be the published corruption.
    """
    height, width = image.shape[:2]
    steps = random.randint(-reach, reach, size=(height - 2 * reach, width - 2 * reach, 2))
    _fetch(image, reach, steps)


@njit(cache=True, nogil=True)
def _fetch(image, reach, steps):
    """steps int64[H - 2 * reach, W - 2 * reach, 2]: how far (right, down) each pixel looks, in walking order."""
    height, width = image.shape[:2]
    for i in range(steps.shape[0]):
        for j in range(steps.shape[1]):
            h, w = height - reach - i, width - reach - j
            for channel in range(3):
                image[h, w, channel] = image[h + steps[i, j, 1], w + steps[i, j, 0], channel]
