"""The Gaussian blur of scikit-image, bit for bit: scipy.ndimage's order of additions."""

from functools import lru_cache

import numpy as np
from numba import njit

from .exponential import exp


@lru_cache
def gaussian_weights(sigma: float, truncate: float) -> np.ndarray:
    """float64[radius + 1]: half of a Gaussian, from the centre outwards, whose whole adds up to one."""
    radius = int(truncate * sigma + 0.5)
    if radius == 0:  # sigma 0 included
        return np.ones(1)
    whole = np.array([exp(-0.5 / (sigma * sigma) * (x * x)) for x in range(-radius, radius + 1)])
    return (whole / whole.sum())[radius:].copy()


def gaussian_blur(images: np.ndarray, sigma: float) -> np.ndarray:
    """float64[B, H, W, C], blurred along H and W; scikit-image's default cut at four sigma, the edges repeated."""
    weights = gaussian_weights(sigma, 4.0)
    return images.copy() if len(weights) == 1 else blur(images, weights, "edge")


def blur(images: np.ndarray, weights: np.ndarray, border: str) -> np.ndarray:
    """float64[B, H, W, C] under half a kernel float64[radius + 1], beyond the edges continued as by np.pad."""
    batch, height, width, channels = images.shape
    radius = len(weights) - 1
    rows, columns = (np.pad(np.arange(size), radius, mode=border) for size in (height, width))
    blurred = np.empty_like(images)
    out = blurred.reshape(batch, height, width * channels)
    _blur(images.reshape(out.shape), channels, weights, rows, columns, out)
    return blurred


@njit(cache=True, nogil=True, error_model="numpy")
def _blur(images, channels, weights, rows, columns, blurred):
    """Along H, then along W, the outermost pair of neighbours first, as scipy does with symmetric weights.

    rows, columns: int64[size + 2 * radius], which one is seen there.
    """
    batch, height, length = images.shape
    radius = len(weights) - 1
    margin = radius * channels
    padded = np.empty(length + 2 * margin)
    row = padded[margin : margin + length]
    for b in range(batch):
        for r in range(height):
            centre = images[b, r]
            for c in range(length):
                row[c] = centre[c] * weights[0]
            for k in range(radius, 0, -1):
                above, below, weight = images[b, rows[r + radius - k]], images[b, rows[r + radius + k]], weights[k]
                for c in range(length):
                    row[c] += (above[c] + below[c]) * weight
            for i in range(radius):
                for channel in range(channels):
                    padded[i * channels + channel] = row[columns[i] * channels + channel]
                    padded[margin + length + i * channels + channel] = row[columns[i - radius] * channels + channel]
            out = blurred[b, r]
            for c in range(length):
                out[c] = row[c] * weights[0]
            for k in range(radius, 0, -1):
                left, right, weight = padded[margin - k * channels :], padded[margin + k * channels :], weights[k]
                for c in range(length):
                    out[c] += (left[c] + right[c]) * weight
