"""Bending an image: an affine map, then a displacement of each pixel. For elastic_transform."""

from functools import lru_cache

import numpy as np
from numba import njit

from .gaussian import gaussian_weights


@lru_cache
def smoothing_matrix(size: int, sigma: float) -> np.ndarray:
    """float64[size, size]: a Gaussian cut at three sigma along an axis of `size` pixels, edges mirrored.

    As a matrix because the Gaussian may be much wider than the image: sigma 171 on 224 pixels.
    """
    half = gaussian_weights(sigma, 3.0)
    radius = len(half) - 1
    matrix = np.zeros((size, size))
    pixels = np.arange(size)
    for k in range(-radius, radius + 1):
        mirrored = (pixels + k) % (2 * size)
        mirrored = np.where(mirrored < size, mirrored, 2 * size - 1 - mirrored)
        matrix[pixels, mirrored] += half[abs(k)]
    return matrix


def smooth(fields: np.ndarray, sigma: float) -> np.ndarray:
    """float64[B, H, W], blurred along H and W."""
    height, width = fields.shape[1:]
    reach = len(gaussian_weights(sigma, 3.0)) - 1
    smoothed = np.empty_like(fields)
    _smooth(fields, smoothing_matrix(height, sigma), smoothing_matrix(width, sigma).T.copy(), reach, smoothed)
    return smoothed


@njit(cache=True, nogil=True)
def _smooth(fields, down, across, reach, out):
    """down @ field @ across for each field; both matrices are zero farther than `reach` from the diagonal."""
    batch, height, width = fields.shape
    columns = np.empty((height, width))
    out[:] = 0
    for b in range(batch):
        columns[:] = 0
        for r in range(height):
            total = columns[r]
            for k in range(max(r - reach, 0), min(r + reach + 1, height)):
                weight = down[r, k]
                source = fields[b, k]
                for c in range(width):
                    total[c] += weight * source[c]
        for r in range(height):
            for k in range(width):
                weight = columns[r, k]
                first, last = max(k - reach, 0), min(k + reach + 1, width)
                source = across[k, first:last]
                total = out[b, r, first:last]
                for c in range(last - first):
                    total[c] += weight * source[c]


def inverse_affine(corners: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """float64[2, 3]: where a pixel (x, y) of the new image comes from, when three corners float32[3, 2] are moved.

    The corners are lower right, upper right and upper left of an upright square, so that their differences are its sides.
    """
    corners, moved = corners.astype(np.float64), moved.astype(np.float64)
    side = corners[1, 0] - corners[2, 0]
    (a, c), (b, d) = (moved[1] - moved[2]) / side, (moved[0] - moved[1]) / side
    determinant = a * d - b * c
    inverse = np.array([[d, -b], [-c, a]]) / determinant
    return np.column_stack([inverse, corners[2] - inverse @ moved[2]])


@njit(cache=True, nogil=True)
def warp_affine(image, matrix, out):
    """float32[H, W, 3] -> float32[H, W, 3] with straight lines between pixels, mirrored at the outermost pixel's centre.

    Positions are rounded to 1/32 pixel in whole numbers, as in the OpenCV that made the data sets (up to 4.x).
    """
    height, width, channels = image.shape
    for r in range(height):
        x0 = np.int64(np.rint((matrix[0, 1] * r + matrix[0, 2]) * 1024.0)) + 16
        y0 = np.int64(np.rint((matrix[1, 1] * r + matrix[1, 2]) * 1024.0)) + 16
        for c in range(width):
            x = (x0 + np.int64(np.rint(matrix[0, 0] * c * 1024.0))) >> 5
            y = (y0 + np.int64(np.rint(matrix[1, 0] * c * 1024.0))) >> 5
            right = np.float32(x & 31) / np.float32(32)
            below = np.float32(y & 31) / np.float32(32)
            left, above = np.float32(1) - right, np.float32(1) - below
            x1, x2 = _mirror_101(x >> 5, width), _mirror_101((x >> 5) + 1, width)
            y1, y2 = _mirror_101(y >> 5, height), _mirror_101((y >> 5) + 1, height)
            for channel in range(channels):
                upper = image[y1, x1, channel] * (above * left) + image[y1, x2, channel] * (above * right)
                out[r, c, channel] = (
                    upper + image[y2, x1, channel] * (below * left) + image[y2, x2, channel] * (below * right)
                )


@njit(cache=True, nogil=True)
def displace(image, down, right, out):
    """float32[H, W, 3] -> uint8[H, W, 3]: each pixel from float32[H, W] pixels away, in scipy's map_coordinates' order."""
    height, width, channels = image.shape
    for r in range(height):
        for c in range(width):
            y, x = _reflect(r + np.float64(down[r, c]), height), _reflect(c + np.float64(right[r, c]), width)
            top, left = np.int64(np.floor(y)), np.int64(np.floor(x))
            below, beyond = y - top, x - left
            above, before = 1.0 - below, 1.0 - beyond
            y1, y2 = max(top, 0), min(top + 1, height - 1)
            x1, x2 = max(left, 0), min(left + 1, width - 1)
            for channel in range(channels):
                value = image[y1, x1, channel] * above * before + image[y1, x2, channel] * above * beyond
                value = value + image[y2, x1, channel] * below * before + image[y2, x2, channel] * below * beyond
                unit = min(max(np.float32(value), np.float32(0)), np.float32(1))
                out[r, c, channel] = np.uint8(unit * np.float32(255))


@njit(cache=True, nogil=True)
def _mirror_101(i, size):
    """dcb|abcd|cba"""
    while i < 0 or i >= size:
        i = -i if i < 0 else 2 * size - 2 - i
    return i


@njit(cache=True, nogil=True)
def _reflect(position, size):
    """dcba|abcd|dcba, for positions between pixels."""
    while position < 0 or position > size - 1:
        if position < 0:
            if position >= -0.5:
                break
            position = -position - 1
        else:
            if position <= size - 0.5:
                break
            position = 2 * size - 1 - position
    return position
