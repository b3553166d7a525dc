"""What image files and their handling do. See noise.py for the arguments."""

from functools import lru_cache

import numpy as np

from .noise import Streams
from .pixels import to_bytes


def contrast(images: np.ndarray, streams: Streams, *, factor: float) -> np.ndarray:
    """Moves each channel towards its mean."""
    batch, height, width, channels = images.shape
    unit = images / 255.0
    # bincount adds pixel after pixel, as NumPy's mean over the pixels of a single image does, and several times faster.
    sums = np.bincount(_channel_numbers(batch, height * width, channels), weights=unit.reshape(-1))
    # A row of pixels at a time, since NumPy is slow at rows of three.
    means = np.tile((sums / (height * width)).reshape(batch, 1, channels), (1, 1, width))
    rows = unit.reshape(batch, height, -1)
    rows -= means
    rows *= factor
    rows += means
    return to_bytes(unit)


@lru_cache(maxsize=4)
def _channel_numbers(batch: int, pixels: int, channels: int) -> np.ndarray:
    """int64: for each value of a batch which of its batch * channels channels it belongs to."""
    numbers = np.arange(batch * channels).reshape(batch, 1, channels)
    return np.broadcast_to(numbers, (batch, pixels, channels)).reshape(-1)


def elastic_transform(
    images: np.ndarray, streams: Streams, *, alpha: float, sigma: float, affine: float, size: int
) -> np.ndarray:
    """Stretches the image: three points are moved, then each pixel, its neighbours in much the same direction."""
    from .warp import displace, inverse_affine, smooth, warp_affine

    batch, height, width = images.shape[:3]
    alpha, sigma, affine = size * alpha, size * sigma, size * affine
    centre = np.array([width // 2, height // 2], np.float32)
    half = min(height, width) // 3
    corners = np.float32([centre + half, [centre[0] + half, centre[1] - half], centre - half])
    moves, fields = np.empty((batch, 3, 2), np.float32), np.empty((batch, 2, height, width))
    corner_moves = np.empty((3, 2))
    for move, field, random in zip(moves, fields, streams, strict=True):
        random.uniforms(corner_moves)
        move[:] = -affine + 2 * affine * corner_moves
        random.uniforms(field)
    fields *= 2
    fields -= 1
    shifts = np.zeros(fields.shape, np.float32)
    if alpha > 0:
        shifts[:] = smooth(fields.reshape(-1, height, width), sigma).reshape(shifts.shape) * alpha

    unit = images.astype(np.float32)
    unit /= 255
    bent = np.empty_like(images)
    displace(warp_affine(unit, inverse_affine(corners, corners + moves)), shifts, bent)
    return bent


def pixelate(images: np.ndarray, streams: Streams, *, fraction: float) -> np.ndarray:
    """Enlarges a small copy."""
    from PIL import Image

    from .pillow import from_picture, to_picture

    height, width = images.shape[1:3]
    coarse = np.empty_like(images)
    for source, target in zip(images, coarse, strict=True):
        small = to_picture(source).resize((int(width * fraction), int(height * fraction)), Image.Resampling.BOX)
        target[:] = from_picture(small.resize((width, height), Image.Resampling.BOX))
    return coarse


def jpeg_compression(images: np.ndarray, streams: Streams, *, quality: int) -> np.ndarray:
    """Saves as JPEG and reads again.

    OpenCV and Pillow bring the same encoder and decoder, libjpeg-turbo, and use them alike: the files are equal. OpenCV
    takes a quarter of the time for small images.
    """
    import cv2

    decoded = np.empty_like(images)
    for source, target in zip(images, decoded, strict=True):
        _, file = cv2.imencode(".jpg", cv2.cvtColor(source, cv2.COLOR_RGB2BGR), (cv2.IMWRITE_JPEG_QUALITY, quality))
        target[:] = cv2.imdecode(file, cv2.IMREAD_COLOR_RGB)
    return decoded


def saturate(images: np.ndarray, streams: Streams, *, factor: float, shift: float) -> np.ndarray:
    """Changes the saturation of hue, saturation and value."""
    from .colour import change_hsv

    return change_hsv(images, saturation=(factor, shift), value=0.0)
