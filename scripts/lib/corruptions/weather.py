"""Weather and light. See noise.py for the arguments."""

import numpy as np

from .frost_pictures import frost_pictures
from .noise import Streams
from .pixels import to_bytes


def fog(images: np.ndarray, streams: Streams, *, strength: float, decay: float, map_size: int) -> np.ndarray:
    """Adds a plasma fractal and brings the brightest pixel back to where it was."""
    from .plasma import plasma

    batch, height, width = images.shape[:3]
    map_size = max(map_size, 1 << (max(height, width) - 1).bit_length())
    foggy = images / 255.0
    brightest = images.max(axis=(1, 2, 3), keepdims=True) / 255.0
    haze = strength * plasma(batch, map_size, decay, streams)[:, :height, :width]
    for channel in range(3):  # one at a time, since NumPy is slow at rows of three
        foggy[..., channel] += haze
    foggy *= brightest
    foggy /= brightest + strength
    return to_bytes(foggy)


def frost(
    images: np.ndarray, streams: Streams, *, image_weight: float, frost_weight: float, scale: float
) -> np.ndarray:
    """Lays a piece of a picture of frost over the image."""
    height, width = images.shape[1:3]
    pictures = frost_pictures(scale, height, width)
    pieces = np.empty_like(images)
    for piece, random in zip(pieces, streams, strict=True):
        picture = pictures[random.below(len(pictures))]
        top = random.below(picture.shape[0] - height)
        left = random.below(picture.shape[1] - width)
        piece[:] = picture[top : top + height, left : left + width]
    frosted = images * float(image_weight)
    frosted += pieces * float(frost_weight)
    return np.clip(frosted, 0, 255, out=frosted).astype(np.uint8)


def snow(
    images: np.ndarray,
    streams: Streams,
    *,
    mean: float,
    deviation: float,
    zoom: float,
    threshold: float,
    blur_radius: int,
    blur_sigma: float,
    image_weight: float,
) -> np.ndarray:
    """Whitens the image and lets flakes fall: each layer of flakes a second time, turned by half a turn."""
    from .motion import motion
    from .snowfall import cover_with_snow
    from .zoom import zoom_plane

    flakes = np.empty(images.shape[:3])
    angles = []
    for layer, random in zip(flakes, streams, strict=True):
        random.normals(layer)
        layer *= deviation
        layer += mean
        angles.append(random.uniform(-135, -45))
    flakes = zoom_plane(flakes, zoom)
    flakes[flakes < threshold] = 0
    streaks = motion(to_bytes(flakes)[..., None], blur_radius, blur_sigma, angles)[..., 0]
    return cover_with_snow(images, image_weight, streaks)


def brightness(images: np.ndarray, streams: Streams, *, shift: float) -> np.ndarray:
    """Adds to the value of hue, saturation and value: daylight."""
    from .colour import change_hsv

    return change_hsv(images, saturation=(1.0, 0.0), value=shift)
