"""Defocus: a blur whose kernel is a disk with a softened rim."""

from functools import lru_cache

import numpy as np
from numba import njit

from .exponential import exp

LARGEST_GROUP = 257  # so many bytes add up to less than 2 ** 16


def disk_kernel(radius: float, alias_blur: float) -> np.ndarray:
    """float32[n, n]: a disk that adds up to one, its rim softened by a small Gaussian of float32.

    The numbers are those of OpenCV's GaussianBlur on a processor with fused multiply-add. Its reflecting border makes
    kernels that reach theirs (radius 7 and more) add up to slightly more than one; the published data have that too.
    """
    reach, soft = (8, 1) if radius <= 8 else (radius, 2)
    axis = np.arange(-reach, reach + 1)
    disk = (axis[:, None] ** 2 + axis**2 <= radius**2).astype(np.float32)
    disk /= disk.sum()
    weights = np.array([exp(-(x**2) / (2 * alias_blur**2)) for x in range(-soft, soft + 1)])
    weights = (weights / weights.sum()).astype(np.float32)[soft:]

    def fused(values: np.ndarray, weight: np.float32, addend: np.ndarray) -> np.ndarray:
        # The product of two float32 is exact in float64.
        return (values.astype(np.float64) * np.float64(weight) + addend).astype(np.float32)

    def pair(padded: np.ndarray, k: int) -> np.ndarray:
        return padded[soft - k : soft - k + len(axis)] + padded[soft + k : soft + k + len(axis)]

    across = np.pad(disk, soft, mode="reflect").T
    centre = across[soft : soft + len(axis)]
    rows = fused(centre, weights[0], pair(across, 1) * weights[1])
    if soft == 2:
        rows = fused(pair(across, 2), weights[2], rows)
    down = rows.T
    kernel = down[soft : soft + len(axis)] * weights[0]
    for k in range(1, soft + 1):
        kernel = fused(pair(down, k), weights[k], kernel)
    return kernel


@lru_cache
def _taps(radius: float, alias_blur: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """The kernel in groups of equal weight: offsets int64[T, 2], starts of the groups int64[G + 1], weights float64[G].

    Last, how far the offsets reach.
    """
    kernel = disk_kernel(radius, alias_blur)
    offsets, starts, weights = [], [0], []
    for weight in np.unique(kernel[kernel > 0]):
        members = np.argwhere(kernel == weight) - len(kernel) // 2
        for first in range(0, len(members), LARGEST_GROUP):
            group = members[first : first + LARGEST_GROUP]
            offsets.extend(group)
            starts.append(len(offsets))
            weights.append(float(weight))
    reach = int(np.abs(offsets).max())
    return np.array(offsets), np.array(starts), np.array(weights), reach


def defocus(images: np.ndarray, radius: float, alias_blur: float) -> np.ndarray:
    """uint8[B, H, W, 3] seen through the disk, edges mirrored without repeating the outermost pixel."""
    offsets, starts, weights, reach = _taps(radius, alias_blur)
    padded = np.pad(images, ((0, 0), (reach, reach), (reach, reach), (0, 0)), mode="reflect")
    blurred = np.empty_like(images)
    batch, height, width, channels = images.shape
    flat = padded.reshape(batch, height + 2 * reach, -1)
    _correlate(flat, offsets, starts, weights, reach, blurred.reshape(batch, height, width * channels))
    return blurred


@njit(cache=True, nogil=True)
def _correlate(padded, offsets, starts, weights, reach, out):
    """Pixels under equal weights are added as 16-bit integers, which is exact and fast, and weighted once."""
    batch, height, length = out.shape
    group = np.empty(length, np.uint16)
    total = np.empty(length)
    for b in range(batch):
        for r in range(height):
            total[:] = 0
            for g in range(len(weights)):
                group[:] = 0
                for t in range(starts[g], starts[g + 1]):
                    first = (reach + offsets[t, 1]) * 3
                    source = padded[b, r + reach + offsets[t, 0], first : first + length]
                    for c in range(length):
                        group[c] += source[c]
                weight = weights[g]
                for c in range(length):
                    total[c] += weight * group[c]
            for c in range(length):
                out[b, r, c] = np.uint8(min(total[c] / 255.0, 1.0) * 255.0)
