"""The pictures of frost that belong to ImageNet-C, read from the package `imagecorruptions`."""

import importlib.util
from functools import lru_cache
from pathlib import Path

import numpy as np

# The original draws from the first five of its six pictures. frost2 and frost3 show the same.
NAMES = ("frost1.png", "frost2.png", "frost3.png", "frost4.jpg", "frost5.jpg")


def _folder() -> Path:
    # find_spec finds the package without running it, which would import OpenCV, numba and scikit-image.
    spec = importlib.util.find_spec("imagecorruptions")
    folder = Path(spec.origin).parent / "frost" if spec and spec.origin else None
    if folder is None or not all((folder / name).is_file() for name in NAMES):
        raise FileNotFoundError(
            "frost needs the pictures that come with imagecorruptions (pip install imagecorruptions-imaug): "
            + ("it is not installed" if folder is None else f"some of {', '.join(NAMES)} are missing in {folder}")
        )
    return folder


def resize(picture: np.ndarray, scale: float) -> np.ndarray:
    """uint8[h, w, 3] by OpenCV's linear interpolation of bytes: weights of 11 bits, whole numbers throughout.

    Written out because it is the same on every processor this way.
    """

    def taps(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        position = ((np.arange(round(size * scale)) + 0.5) * (1 / scale) - 0.5).astype(np.float32)
        first = np.floor(position).astype(np.int64)
        far = position - first.astype(np.float32)
        far[(first < 0) | (first >= size - 1)] = 0
        first = np.clip(first, 0, size - 1)
        near = np.rint((1 - far) * 2048).astype(np.int64)
        return first, np.minimum(first + 1, size - 1), np.stack([near, np.rint(far * 2048).astype(np.int64)])

    left, right, across = taps(picture.shape[1])
    above, below, down = taps(picture.shape[0])
    values = picture.astype(np.int64)
    rows = values[:, left] * across[0][:, None] + values[:, right] * across[1][:, None]
    weights = down[:, :, None, None]
    total = (weights[0] * (rows[above] >> 4) >> 16) + (weights[1] * (rows[below] >> 4) >> 16)
    return ((total + 2) >> 2).astype(np.uint8)


@lru_cache
def _decoded() -> tuple[np.ndarray, ...]:
    from PIL import Image

    folder = _folder()
    return tuple(np.array(Image.open(folder / name).convert("RGB")) for name in NAMES)


@lru_cache
def frost_pictures(scale: float, height: int, width: int) -> tuple[np.ndarray, ...]:
    """uint8[h, w, 3] each, resized by `scale`, or by more where a crop of height x width would not fit otherwise."""
    pictures = []
    for picture in _decoded():
        # The crop's position is drawn below picture minus crop, so there must be one pixel to spare.
        needed = max((height + 1) / picture.shape[0], (width + 1) / picture.shape[1])
        fitting = max(scale, needed)
        pictures.append(picture if fitting == 1 else resize(picture, fitting))
    return tuple(pictures)
