"""A streak: the blur of a moving camera, or of falling snow."""

import math
from functools import lru_cache

import numpy as np
from numba import njit

from .exponential import exp


@lru_cache
def streak_weights(radius: int, sigma: float) -> np.ndarray:
    """float64[2 * radius + 1]: half a Gaussian, brightest where the streak starts, adding up to one."""
    height = math.sqrt(2 * math.pi) * sigma
    weights = np.array([exp(-(x**2) / (2 * sigma**2)) / height for x in range(2 * radius + 1)])
    return weights / weights.sum()


def streak_offsets(length: int, angle: float) -> np.ndarray:
    """int64[length, 2]: the pixels (down, right) under a streak at this angle in degrees, rounded as ImageMagick does."""
    down, right = length * math.sin(math.radians(angle)), length * math.cos(math.radians(angle))
    norm = math.hypot(down, right)
    return np.array([[math.ceil(i * down / norm - 0.5), math.ceil(i * right / norm - 0.5)] for i in range(length)])


def motion(images: np.ndarray, radius: int, sigma: float, angles: list[float]) -> np.ndarray:
    """uint8[B, H, W, C], each streaked at its own angle (degrees), edges repeated.

    Truncated like ImageMagick's 8-bit result, which is the floor of the exact one in 99 of 100 pixels.
    """
    weights = streak_weights(radius, sigma)
    offsets = np.stack([streak_offsets(len(weights), angle) for angle in angles])
    batch, height, width, channels = images.shape
    reach = int(np.abs(offsets).max())
    streaked = np.empty_like(images)
    out = streaked.reshape(batch, height, width * channels)
    _streak(images.reshape(out.shape), channels, weights, offsets, reach, out)
    return streaked


@njit(cache=True, nogil=True)
def _streak(images, channels, weights, offsets, reach, out):
    batch, height, length = images.shape
    margin = reach * channels
    padded = np.empty((height, length + 2 * margin))
    total = np.empty(length)
    for b in range(batch):
        for r in range(height):
            for c in range(length):
                padded[r, margin + c] = images[b, r, c]
            for c in range(margin):
                padded[r, c] = images[b, r, c % channels]
                padded[r, margin + length + c] = images[b, r, length - channels + c % channels]
        for r in range(height):
            total[:] = 0
            for i in range(len(weights)):
                first = margin + offsets[b, i, 1] * channels
                source = padded[min(max(r + offsets[b, i, 0], 0), height - 1), first : first + length]
                weight = weights[i]
                for c in range(length):
                    total[c] += weight * source[c]
            for c in range(length):
                out[b, r, c] = np.uint8(min(total[c], 255.0))
