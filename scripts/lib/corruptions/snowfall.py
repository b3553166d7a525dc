"""Whitening an image and laying flakes over it, in one go. For snow."""

import numpy as np
from numba import njit

# What a byte stands for. The image is of float32 and the flakes of float64, as in the original.
IMAGE = np.arange(256).astype(np.float32) / np.float32(255)
FLAKES = np.arange(256) / 255.0


def cover_with_snow(images: np.ndarray, image_weight: float, streaks: np.ndarray) -> np.ndarray:
    """uint8[B, H, W, 3], whitened where they are grey, plus streaks uint8[B, H, W], plus these turned by half a turn."""
    snowy = np.empty_like(images)
    _cover(images, IMAGE, FLAKES, np.float32(image_weight), np.float32(1 - image_weight), streaks, snowy)
    return snowy


@njit(cache=True, nogil=True, error_model="numpy")
def _cover(images, unit, snow, kept, white, streaks, out):
    batch, height, width, _ = images.shape
    for b in range(batch):
        for r in range(height):
            for c in range(width):
                red, green, blue = unit[images[b, r, c, 0]], unit[images[b, r, c, 1]], unit[images[b, r, c, 2]]
                grey = red * np.float32(0.299) + green * np.float32(0.587) + blue * np.float32(0.114)
                whitest = grey * np.float32(1.5) + np.float32(0.5)
                streak, turned = snow[streaks[b, r, c]], snow[streaks[b, height - 1 - r, width - 1 - c]]
                for channel in range(3):
                    plane = unit[images[b, r, c, channel]]
                    whitened = kept * plane + white * max(plane, whitest)
                    out[b, r, c, channel] = np.uint8(min(whitened + streak + turned, 1.0) * 255.0)
