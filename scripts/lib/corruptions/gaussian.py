"""The Gaussian blur of scikit-image, bit for bit: scipy.ndimage's order of additions, edges repeated."""

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
    """float64[B, H, W, C], blurred along H and W; scikit-image's default cut at four sigma."""
    weights = gaussian_weights(sigma, 4.0)
    if len(weights) == 1:
        return images.copy()
    batch, height, width, channels = images.shape
    blurred = _blur(images.reshape(batch, height, width * channels), channels, weights)
    return blurred.reshape(images.shape)


@njit(cache=True, nogil=True)
def _blur(images, channels, weights):
    """Along H, then along W, the outermost pair of neighbours first, as scipy does with symmetric weights."""
    batch, height, length = images.shape
    margin = (len(weights) - 1) * channels
    blurred = np.empty_like(images)
    padded = np.empty(length + 2 * margin)
    for b in range(batch):
        for r in range(height):
            row = padded[margin : margin + length]
            centre = images[b, r]
            for c in range(length):
                row[c] = centre[c] * weights[0]
            for k in range(len(weights) - 1, 0, -1):
                above, below, weight = images[b, max(r - k, 0)], images[b, min(r + k, height - 1)], weights[k]
                for c in range(length):
                    row[c] += (above[c] + below[c]) * weight
            for c in range(margin):
                padded[margin - 1 - c] = padded[margin - 1 - c + channels]
                padded[margin + length + c] = padded[margin + length + c - channels]
            out = blurred[b, r]
            for c in range(length):
                out[c] = row[c] * weights[0]
            for k in range(len(weights) - 1, 0, -1):
                left, right, weight = padded[margin - k * channels :], padded[margin + k * channels :], weights[k]
                for c in range(length):
                    out[c] += (left[c] + right[c]) * weight
    return blurred
