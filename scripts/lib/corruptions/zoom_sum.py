"""The sum of several enlargements of an image."""

import numpy as np
from numba import njit

from .zoom import zoom_taps


def zoom_sum(images: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """float32[B, H, W, 3]: the enlargements of float32[B, H, W, 3] added up, in the order of the factors."""
    height, width = images.shape[1:3]
    down = [zoom_taps(height, float(factor)) for factor in factors]
    right = [zoom_taps(width, float(factor)) for factor in factors]
    rows, row_weights = (np.stack(taps) for taps in zip(*down, strict=True))
    columns, column_weights = (np.stack(taps) for taps in zip(*right, strict=True))
    total = np.zeros(images.shape, np.float32)
    rows_of_values = (len(images), height, width * 3)
    _zoom_sum(
        images.reshape(rows_of_values), rows, row_weights, columns * 3, column_weights, total.reshape(rows_of_values)
    )
    return total


@njit(cache=True, nogil=True)
def _zoom_sum(images, rows, row_weights, columns, column_weights, total):
    """rows, columns int64[F, size] and weights float64[F, size, 2] as in zoom_taps, for each factor.

    Each enlargement is computed in float64 and rounded to float32 before it is added, which leaves no trace of the
    order in which its four neighbours are weighted.
    """
    row = np.empty(images.shape[2])
    for b in range(images.shape[0]):
        for r in range(images.shape[1]):
            sums = total[b, r]
            for f in range(rows.shape[0]):
                above, below = images[b, rows[f, r]], images[b, rows[f, r] + 1]
                first, second = row_weights[f, r, 0], row_weights[f, r, 1]
                for c in range(len(row)):
                    row[c] = above[c] * first + below[c] * second
                for c in range(columns.shape[1]):
                    near, far = column_weights[f, c, 0], column_weights[f, c, 1]
                    left, out = columns[f, c], 3 * c
                    sums[out] += np.float32(row[left] * near + row[left + 3] * far)
                    sums[out + 1] += np.float32(row[left + 1] * near + row[left + 4] * far)
                    sums[out + 2] += np.float32(row[left + 2] * near + row[left + 5] * far)
