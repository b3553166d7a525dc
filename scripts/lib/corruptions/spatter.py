"""Drops of water, or splashes of mud, on the lens. See noise.py for the arguments.

OpenCV serves here where it works on whole numbers, which come out the same on every processor.
"""

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter

from .noise import Streams
from .pixels import to_bytes

TURQUOISE = np.array([175 / 255, 238 / 255, 238 / 255], np.float32)
BROWN = np.array([63 / 255, 42 / 255, 20 / 255], np.float32)
RELIEF = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])


def spatter(
    images: np.ndarray,
    streams: Streams,
    *,
    mean: float,
    deviation: float,
    sigma: float,
    threshold: float,
    strength: float,
    mud: bool,
) -> np.ndarray:
    """Covers the image where smoothed noise is high. `strength` is that of the water, or the sigma of the mud's rim."""
    unit = images.astype(np.float32)
    unit /= 255
    noise = np.empty(images.shape[1:3])
    for image, random in zip(unit, streams, strict=True):
        random.normals(noise)
        noise *= deviation
        noise += mean
        drops = gaussian_filter(noise, sigma, mode="nearest")
        drops[drops < threshold] = 0
        if mud:
            cover = gaussian_filter((drops > threshold).astype(np.float32), strength, mode="nearest")[..., None]
            cover[cover < 0.8] = 0
            image *= 1 - cover
            image += BROWN * cover
        else:
            image += water(drops, strength)[..., None] * TURQUOISE
    return to_bytes(unit)


def water(drops: np.ndarray, strength: float) -> np.ndarray:
    """float32[H, W]: how much colour drops float64[H, W] add, brightest where their rims catch the light."""
    drops = (drops * 255).astype(np.uint8)
    distance = cv2.distanceTransform(255 - cv2.Canny(drops, 50, 150), cv2.DIST_L2, 5)
    relief = cv2.equalizeHist(_mean_of_nine(np.minimum(distance, 20)).astype(np.uint8))
    relief = cv2.blur(cv2.filter2D(relief, cv2.CV_8U, RELIEF), (3, 3))
    cover = drops * relief.astype(np.float32)
    # Without a drop there is nothing to scale. The original divides by zero then, and the image turns black.
    if cover.max() > 0:
        cover /= cover.max()
    cover *= np.float32(strength)
    return cover


def _mean_of_nine(values: np.ndarray) -> np.ndarray:
    """float32[H, W]: each pixel's mean with its eight neighbours, mirrored at the outermost pixels."""
    padded = np.pad(values.astype(np.float64), 1, mode="reflect")
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    return ((rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) * (1 / 9)).astype(np.float32)
