"""Noise: each value of a pixel changes on its own.

The functions of all corruption modules take `images` uint8[B, H, W, 3], one random stream per image and the constants
of the severity, and return new images of the same shape and type. Those that need no chance leave `streams` alone.
"""

import math
from collections.abc import Iterator

import numpy as np

from .pixels import to_bytes
from .streams import Stream

Streams = Iterator[Stream]


def gaussian_noise(images: np.ndarray, streams: Streams, *, scale: float) -> np.ndarray:
    """Adds normal noise: little light."""
    noisy = images / 255.0
    normals = np.empty(images.shape[1:])
    for image, random in zip(noisy, streams, strict=True):
        random.normals(normals)
        normals *= scale
        image += normals
    return to_bytes(noisy)


def shot_noise(images: np.ndarray, streams: Streams, *, photons: float) -> np.ndarray:
    """Counts photons: Poisson noise."""
    # What each number of photons looks like; more than white is white.
    looks = to_bytes(np.arange(math.ceil(photons) + 1) / photons)
    noisy = np.empty_like(images)
    for image, seen, random in zip(images, noisy, streams, strict=True):
        random.photons(image, photons, looks, seen)
    return noisy


def impulse_noise(images: np.ndarray, streams: Streams, *, amount: float) -> np.ndarray:
    """Sets values to black or white, evenly: dead and hot pixels."""
    noisy = images.copy()
    for image, random in zip(noisy, streams, strict=True):
        random.impulses(amount, image)
    return noisy


def speckle_noise(images: np.ndarray, streams: Streams, *, scale: float) -> np.ndarray:
    """Adds normal noise that grows with the pixel."""
    noisy = images / 255.0
    normals = np.empty(images.shape[1:])
    for image, random in zip(noisy, streams, strict=True):
        random.normals(normals)
        normals *= scale
        normals *= image
        image += normals
    return to_bytes(noisy)
