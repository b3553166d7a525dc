"""The sum of several enlargements of an image."""

import numpy as np
from numba import njit

from .zoom import zoom_taps


def zoom_sum(images: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """float32[B, H, W, 3]: the enlargements of float32[B, H, W, 3] added up, in the order of the factors."""
    height, width = images.shape[1:3]
    down = [zoom_taps(height, float(factor)) for factor in factors]
    right = [zoom_taps(width, float(factor)) for factor in factors]
    rows, row_weights = (np.stack(taps) for taps in zip(*down))
    columns, column_weights = (np.stack(taps) for taps in zip(*right))
    return _zoom_sum(images, rows, row_weights, columns, column_weights)


@njit(cache=True, nogil=True)
def _zoom_sum(images, rows, row_weights, columns, column_weights):
    """rows, columns int64[F, size] and weights float64[F, size, 2] as in zoom_taps, one for each factor.

    Each enlargement is computed in float64 in scipy's order and rounded to float32 before it is added.
    """
    batch, height, width, channels = images.shape
    length = width * channels
    total = np.zeros((batch, height, length), np.float32)
    upper = np.empty(length)
    lower = np.empty(length)
    for b in range(batch):
        for r in range(height):
            sums = total[b, r]
            for f in range(len(rows)):
                row = rows[f, r]
                first, second = row_weights[f, r]
                above = images[b, row].reshape(-1)
                below = images[b, row + 1].reshape(-1)
                for c in range(length):
                    upper[c] = above[c] * first
                    lower[c] = below[c] * second
                for c in range(width):
                    near, far = column_weights[f, c]
                    left = columns[f, c] * 3
                    up, low, out = upper[left : left + 6], lower[left : left + 6], sums[3 * c : 3 * c + 3]
                    out[0] += np.float32(up[0] * near + up[3] * far + low[0] * near + low[3] * far)
                    out[1] += np.float32(up[1] * near + up[4] * far + low[1] * near + low[4] * far)
                    out[2] += np.float32(up[2] * near + up[5] * far + low[2] * near + low[5] * far)
    return total.reshape(images.shape)
