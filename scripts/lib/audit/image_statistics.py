"""What can be said of an image without knowing what it shows: one number each for light, colour, detail and noise.

Every function takes images as planes float64[n, H, W], levels from 0 to 255, and gives float64[n]. Border pixels have no neighbours on one
side, so what is measured with neighbours is measured on the inner ones.
"""

import math
from collections.abc import Callable

import numpy as np

LUMA = (0.299, 0.587, 0.114)  # of red, green and blue in ITU-R BT.601
EDGE = 16.0  # levels from one pixel to the next that make an edge
SMALLEST = 3  # pixels of a side: what is measured with neighbours needs an inner pixel


def statistics_of(images: np.ndarray) -> dict[str, np.ndarray]:
    """The statistics of images uint8[n, H, W, 3], float64[n] by name, in the order of STATISTICS; ValueError for sides below 3 pixels."""
    if min(images.shape[1:3]) < SMALLEST:
        raise ValueError(f"images of {images.shape[1]} x {images.shape[2]} pixels have no inner pixels.")
    red, green, blue = (images[..., channel].astype(np.float64) for channel in range(3))
    luma = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue
    return {name: statistic(luma) for name, statistic in OF_LUMA.items()} | {
        name: statistic(red, green, blue) for name, statistic in OF_COLOURS.items()
    }


def brightness(luma: np.ndarray) -> np.ndarray:
    """The mean, float64[n], 0 to 1, of luma[n, H, W]."""
    return luma.mean(axis=(1, 2)) / 255


def contrast(luma: np.ndarray) -> np.ndarray:
    """The standard deviation, float64[n], 0 to 1/2, of luma[n, H, W]; RMS contrast (Peli 1990)."""
    return luma.std(axis=(1, 2)) / 255


def sharpness(luma: np.ndarray) -> np.ndarray:
    """The variance, float64[n], of the Laplacian (four neighbours) of luma[n, H, W]; a measure of focus (Pech-Pacheco et al. 2000)."""
    middle = luma[:, 1:-1, 1:-1]
    neighbours = luma[:, :-2, 1:-1] + luma[:, 2:, 1:-1] + luma[:, 1:-1, :-2] + luma[:, 1:-1, 2:]
    return (neighbours - 4 * middle).var(axis=(1, 2))


def edges(luma: np.ndarray) -> np.ndarray:
    """The share of pixels, float64[n], whose gradient by central differences is steeper than EDGE levels a pixel; luma[n, H, W]."""
    down = (luma[:, 2:, 1:-1] - luma[:, :-2, 1:-1]) / 2
    right = (luma[:, 1:-1, 2:] - luma[:, 1:-1, :-2]) / 2
    return (down * down + right * right > EDGE * EDGE).mean(axis=(1, 2))


def noise(luma: np.ndarray) -> np.ndarray:
    """The standard deviation of noise, float64[n], in levels, of luma[n, H, W], by a mask that is blind to edges (Immerkaer 1996)."""
    across = luma[:, :, :-2] - 2 * luma[:, :, 1:-1] + luma[:, :, 2:]
    masked = across[:, :-2] - 2 * across[:, 1:-1] + across[:, 2:]
    return math.sqrt(math.pi / 2) / 6 * np.abs(masked).mean(axis=(1, 2))


def entropy(luma: np.ndarray) -> np.ndarray:
    """The entropy, float64[n], 0 to 8 bits, of how often each of the 256 levels is in luma[n, H, W]: how hard the image is to compress."""
    levels = luma.round().astype(np.int64).reshape(len(luma), -1)
    counts = np.bincount((levels + 256 * np.arange(len(luma))[:, None]).ravel(), minlength=256 * len(luma))
    shares = counts.reshape(len(luma), 256) / levels.shape[1]
    logs = np.log2(shares, where=shares > 0, out=np.zeros_like(shares))
    return 0.0 - (shares * logs).sum(axis=1)


def colourfulness(red: np.ndarray, green: np.ndarray, blue: np.ndarray) -> np.ndarray:
    """How colourful people find an image, float64[n], of planes[n, H, W] each; 0 for grey ones (Hasler & Suesstrunk 2003, M3)."""
    red_green, yellow_blue = red - green, (red + green) / 2 - blue
    spread = np.hypot(red_green.std(axis=(1, 2)), yellow_blue.std(axis=(1, 2)))
    return spread + 0.3 * np.hypot(red_green.mean(axis=(1, 2)), yellow_blue.mean(axis=(1, 2)))


def saturation(red: np.ndarray, green: np.ndarray, blue: np.ndarray) -> np.ndarray:
    """The mean saturation of HSV, float64[n], 0 to 1, of planes[n, H, W] each; black has none."""
    most = np.maximum(np.maximum(red, green), blue)
    least = np.minimum(np.minimum(red, green), blue)
    return np.divide(most - least, most, where=most > 0, out=np.zeros_like(most)).mean(axis=(1, 2))


OF_LUMA: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "brightness": brightness,
    "contrast": contrast,
    "sharpness": sharpness,
    "edges": edges,
    "noise": noise,
    "entropy": entropy,
}
OF_COLOURS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "colourfulness": colourfulness,
    "saturation": saturation,
}
STATISTICS = (*OF_LUMA, *OF_COLOURS)
