"""Enlarging the centre of an image with straight lines between pixels: scipy.ndimage.zoom(order=1), bit for bit."""

import math
from functools import lru_cache

import numpy as np


@lru_cache
def zoom_taps(size: int, factor: float) -> tuple[np.ndarray, np.ndarray]:
    """Where the pixels of an axis come from: a pixel int64[size], and weights float64[size, 2] of it and the next.

    The centre that fills the axis when enlarged is cut out, enlarged (pixel centres of both ends on each other), and
    trimmed at both sides to `size`.
    """
    centre = math.ceil(size / factor)
    start = (size - centre) // 2
    enlarged = round(centre * factor)
    trim = (enlarged - size) // 2
    position = np.arange(trim, trim + size) * ((centre - 1) / (enlarged - 1))
    first = np.floor(position).astype(np.int64)
    own = 1 - (position - first)
    weights = np.stack([own, 1 - own], axis=1)  # rounded as scipy does
    # scipy takes a position that rounding pushed beyond the last pixel for outside, and outside is black.
    weights[position > centre - 1] = 0
    # The last pixel has no next one: it is the next of the one before.
    last = first == centre - 1
    first[last] -= 1
    weights[last] = weights[last, ::-1]
    return first + start, weights


def zoom_plane(planes: np.ndarray, factor: float) -> np.ndarray:
    """float64[B, H, W], enlarged."""
    rows, down = zoom_taps(planes.shape[1], factor)
    columns, right = zoom_taps(planes.shape[2], factor)
    upper = planes[:, rows] * down[:, :1]
    lower = planes[:, rows + 1] * down[:, 1:]
    near, far = right[:, 0], right[:, 1]
    # In scipy's order: upper left, upper right, lower left, lower right.
    enlarged = upper.take(columns, axis=2) * near
    enlarged += upper.take(columns + 1, axis=2) * far
    enlarged += lower.take(columns, axis=2) * near
    enlarged += lower.take(columns + 1, axis=2) * far
    return enlarged
