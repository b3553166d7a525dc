"""Hue, saturation and value as in scikit-image's rgb2hsv and hsv2rgb, a pixel at a time."""

import math

import numpy as np
from numba import njit

UNIT = np.arange(256) / 255.0


def change_hsv(images: np.ndarray, saturation: tuple[float, float], value: float) -> np.ndarray:
    """uint8[B, H, W, 3]: saturation times `saturation[0]` plus `saturation[1]`, value plus `value`, both clipped."""
    changed = np.empty_like(images)
    factor, shift = saturation
    _change_hsv(images.reshape(-1, 3), UNIT, float(factor), float(shift), float(value), changed.reshape(-1, 3))
    return changed


@njit(cache=True, nogil=True, error_model="numpy")
def _change_hsv(pixels, unit, factor, shift, brighter, out):
    for i in range(len(pixels)):
        r, g, b = unit[pixels[i, 0]], unit[pixels[i, 1]], unit[pixels[i, 2]]
        v = max(r, g, b)
        delta = v - min(r, g, b)
        h = 0.0
        s = 0.0
        if delta > 0:
            s = delta / v
            # Where two channels share the maximum, the later one decides, as in scikit-image.
            if b == v:
                h = (4.0 + (r - g) / delta) / 6.0
            elif g == v:
                h = (2.0 + (b - r) / delta) / 6.0
            else:
                h = (g - b) / delta / 6.0
            if h < 0.0:
                h += 1.0
        s = min(max(s * factor + shift, 0.0), 1.0)
        v = min(max(v + brighter, 0.0), 1.0)

        sixth = float(math.floor(h * 6.0))
        f = h * 6.0 - sixth
        top = np.uint8(v * 255.0)
        p = np.uint8(v * (1.0 - s) * 255.0)
        q = np.uint8(v * (1.0 - f * s) * 255.0)
        t = np.uint8(v * (1.0 - (1.0 - f) * s) * 255.0)
        red, green, blue = top, t, p
        if sixth == 1.0:
            red, green, blue = q, top, p
        elif sixth == 2.0:
            red, green, blue = p, top, t
        elif sixth == 3.0:
            red, green, blue = p, q, top
        elif sixth == 4.0:
            red, green, blue = t, p, top
        elif sixth == 5.0:
            red, green, blue = top, p, q
        out[i, 0], out[i, 1], out[i, 2] = red, green, blue
