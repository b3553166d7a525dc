"""Blur: a pixel takes from its neighbours. See noise.py for the arguments."""

import numpy as np

from .disk import defocus
from .gaussian import gaussian_blur as gaussian
from .glass import shuffle
from .motion import motion
from .noise import Streams
from .pixels import to_bytes
from .zoom_sum import zoom_sum


def defocus_blur(images: np.ndarray, streams: Streams, *, radius: float, alias_blur: float) -> np.ndarray:
    """A lens out of focus."""
    return defocus(images, radius, alias_blur)


def glass_blur(images: np.ndarray, streams: Streams, *, sigma: float, reach: int, passes: int) -> np.ndarray:
    """Frosted glass: blurred, pixels fetched from nearby, blurred again."""
    blurred = (gaussian(images / 255.0, sigma) * 255).astype(np.uint8)
    for image, random in zip(blurred, streams, strict=True):
        shuffle(image, reach, passes, random)
    return to_bytes(gaussian(blurred / 255.0, sigma))


def motion_blur(images: np.ndarray, streams: Streams, *, radius: int, sigma: float) -> np.ndarray:
    """A camera that moves to the side."""
    return motion(images, radius, sigma, [random.uniform(-45, 45) for random in streams])


def zoom_blur(images: np.ndarray, streams: Streams, *, stop: float, step: float) -> np.ndarray:
    """A camera that moves forwards: the mean of the image and its enlargements, the first of which is itself."""
    factors = np.arange(1, stop, step)
    unit = (images / 255.0).astype(np.float32)
    unit += zoom_sum(unit, factors)
    unit /= len(factors) + 1
    return to_bytes(unit)


def gaussian_blur(images: np.ndarray, streams: Streams, *, sigma: float) -> np.ndarray:
    """A low-pass filter."""
    return to_bytes(gaussian(images / 255.0, sigma))
