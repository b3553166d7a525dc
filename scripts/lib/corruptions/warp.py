"""Bending an image: an affine map, then a displacement of each pixel. For elastic_transform."""

import math
from functools import lru_cache

import numpy as np
from numba import njit

from .gaussian import blur, gaussian_weights

WIDEST_SUM = 24  # weights


@lru_cache
def _response(size: int, sigma: float) -> np.ndarray:
    """float64[size]: by how much a Gaussian cut at three sigma damps each cosine of an axis of `size` pixels."""
    half = gaussian_weights(sigma, 3.0)
    angles = np.pi / size * np.outer(np.arange(size), np.arange(1, len(half)))
    return half[0] + 2 * np.cos(angles) @ half[1:]


def smooth(fields: np.ndarray, sigma: float) -> np.ndarray:
    """float64[N, H, W], blurred along H and W with mirrored edges, by a Gaussian cut at three sigma.

    A Gaussian far wider than a few pixels (it may be wider than the image: sigma 171 on 224 pixels) by way of the cosine
    transform, whose cosines have just these edges. The two ways differ by some 1e-16, of which float32 keeps nothing.
    """
    height, width = fields.shape[-2:]
    weights = gaussian_weights(sigma, 3.0)
    if len(weights) <= WIDEST_SUM:
        return blur(fields[..., np.newaxis], weights, "symmetric")[..., 0]

    from scipy.fft import dctn, idctn

    cosines = dctn(fields, axes=(-2, -1))
    cosines *= np.outer(_response(height, sigma), _response(width, sigma))
    return idctn(cosines, axes=(-2, -1))


def inverse_affine(corners: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """float64[B, 2, 3]: where a pixel (x, y) comes from when corners float32[3, 2] are moved to float32[B, 3, 2].

    The corners are lower right, upper right and upper left of an upright square: their differences are its sides.
    """
    corners, moved = corners.astype(np.float64), moved.astype(np.float64)
    side = corners[1, 0] - corners[2, 0]
    a, c = (moved[:, 1] - moved[:, 2]).T / side
    b, d = (moved[:, 0] - moved[:, 1]).T / side
    inverse = np.array([[d, -b], [-c, a]]) / (a * d - b * c)
    shift = corners[2][:, None] - inverse[:, 0] * moved[:, 2, 0] - inverse[:, 1] * moved[:, 2, 1]
    return np.concatenate([inverse, shift[:, None]], axis=1).transpose(2, 0, 1).copy()


def warp_affine(images: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    """float32[B, H, W, 3] -> the same, straight lines between pixels, mirrored at the outermost pixels' centres.

    matrices: float64[B, 2, 3], from pixels of the result (x, y, 1) to those of `images`. Positions are rounded to 1/32
    pixel in whole numbers, as in the OpenCV that made the data sets (2 to 4).
    """
    rows, columns = np.arange(images.shape[1]), np.arange(images.shape[2])
    along = np.rint(matrices[..., :1] * columns * 1024.0).astype(np.int64)
    starts = np.rint((matrices[..., 1:2] * rows + matrices[..., 2:]) * 1024.0).astype(np.int64) + 16
    warped = np.empty_like(images)
    _warp_affine(images, along, starts, warped)
    return warped


@njit(cache=True, nogil=True, error_model="numpy")
def _warp_affine(images, along, starts, out):
    """Positions (x, y) in 1/1024 pixel: along int64[B, 2, W] plus starts int64[B, 2, H]."""
    batch, height, width, _ = images.shape
    for b in range(batch):
        image = images[b]
        for r in range(height):
            for c in range(width):
                x = (starts[b, 0, r] + along[b, 0, c]) >> 5
                y = (starts[b, 1, r] + along[b, 1, c]) >> 5
                right, below = np.float32(x & 31) / np.float32(32), np.float32(y & 31) / np.float32(32)
                left, above = np.float32(1) - right, np.float32(1) - below
                x, y = x >> 5, y >> 5
                x1, x2, y1, y2 = _mirror(x, width), _mirror(x + 1, width), _mirror(y, height), _mirror(y + 1, height)
                for channel in range(3):
                    out[b, r, c, channel] = (
                        image[y1, x1, channel] * (above * left)
                        + image[y1, x2, channel] * (above * right)
                        + image[y2, x1, channel] * (below * left)
                        + image[y2, x2, channel] * (below * right)
                    )


@njit(cache=True, nogil=True)
def _mirror(i, size):
    """dcb|abcd|cba"""
    while i < 0 or i >= size:
        i = -i if i < 0 else 2 * size - 2 - i
    return i


@njit(cache=True, nogil=True, error_model="numpy")
def displace(images, shifts, out):
    """float32[B, H, W, 3] -> uint8[B, H, W, 3]: each pixel from shifts float32[B, 2, H, W] (right, down) pixels away.

    As by scipy's map_coordinates with mode "reflect", including its rounding.
    """
    batch, height, width, _ = images.shape
    for b in range(batch):
        image = images[b]
        for r in range(height):
            for c in range(width):
                y = _reflect(r + np.float64(shifts[b, 1, r, c]), height)
                x = _reflect(c + np.float64(shifts[b, 0, r, c]), width)
                top, left = math.floor(y), math.floor(x)
                above, before = 1.0 - (y - top), 1.0 - (x - left)
                below, beyond = 1.0 - above, 1.0 - before
                y1, y2 = max(top, 0), min(top + 1, height - 1)
                x1, x2 = max(left, 0), min(left + 1, width - 1)
                for channel in range(3):
                    value = np.float32(
                        image[y1, x1, channel] * above * before
                        + image[y1, x2, channel] * above * beyond
                        + image[y2, x1, channel] * below * before
                        + image[y2, x2, channel] * below * beyond
                    )
                    out[b, r, c, channel] = np.uint8(min(max(value, np.float32(0)), np.float32(1)) * np.float32(255))


@njit(cache=True, nogil=True)
def _reflect(position, size):
    """dcba|abcd|dcba, for positions between pixels."""
    while position < -0.5 or position > size - 0.5:
        position = -1.0 - position if position < 0 else 2 * size - 1 - position
    return position
