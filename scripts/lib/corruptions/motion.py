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


def streak_offsets(length: int, angles: list[float]) -> np.ndarray:
    """int64[B, length, 2]: the pixels (down, right) under streaks at these angles (degrees), rounded as by ImageMagick."""
    ends = [(length * math.sin(math.radians(angle)), length * math.cos(math.radians(angle))) for angle in angles]
    norms = [math.hypot(*end) for end in ends]
    steps = np.arange(length)[:, None] * np.array(ends)[:, None] / np.array(norms)[:, None, None]
    return np.ceil(steps - 0.5).astype(np.int64)


def motion(images: np.ndarray, radius: int, sigma: float, angles: list[float]) -> np.ndarray:
    """uint8[B, H, W, C], each streaked at its own angle (degrees), edges repeated.

    Truncated like ImageMagick's 8-bit result, which is the floor of the exact one in 99 of 100 pixels.
    """
    weights = streak_weights(radius, sigma)
    offsets = streak_offsets(len(weights), angles)
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
