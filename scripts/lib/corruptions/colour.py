"""Hue, saturation and value as in scikit-image's rgb2hsv and hsv2rgb, a pixel at a time."""

import numpy as np
from numba import njit


def change_hsv(images: np.ndarray, saturation: tuple[float, float], value: float) -> np.ndarray:
    """uint8[B, H, W, 3] with saturation times `saturation[0]` plus `saturation[1]`, and value plus `value`, both clipped."""
    changed = np.empty_like(images)
    _change_hsv(images.reshape(-1, 3), float(saturation[0]), float(saturation[1]), float(value), changed.reshape(-1, 3))
    return changed


@njit(cache=True, nogil=True)
def _unit(x):
    return min(max(x, 0.0), 1.0)


@njit(cache=True, nogil=True)
def _byte(x):
    return np.uint8(_unit(x) * 255.0)


@njit(cache=True, nogil=True)
def _change_hsv(pixels, factor, shift, brighter, out):
    for i in range(len(pixels)):
        r, g, b = pixels[i, 0] / 255.0, pixels[i, 1] / 255.0, pixels[i, 2] / 255.0
        v = max(r, g, b)
        delta = v - min(r, g, b)
        h = 0.0
        s = 0.0
        if delta > 0:
            s = delta / v
            # Where two channels share the maximum, the later one decides, as in scikit-image.
            if b == v:
                h = 4.0 + (r - g) / delta
            elif g == v:
                h = 2.0 + (b - r) / delta
            else:
                h = (g - b) / delta
            h = (h / 6.0) % 1.0
        s = _unit(s * factor + shift)
        v = _unit(v + brighter)

        sector = np.floor(h * 6.0)
        f = h * 6.0 - sector
        p = _byte(v * (1.0 - s))
        q = _byte(v * (1.0 - f * s))
        t = _byte(v * (1.0 - (1.0 - f) * s))
        top = _byte(v)
        k = int(sector) % 6
        if k == 0:
            out[i, 0], out[i, 1], out[i, 2] = top, t, p
        elif k == 1:
            out[i, 0], out[i, 1], out[i, 2] = q, top, p
        elif k == 2:
            out[i, 0], out[i, 1], out[i, 2] = p, top, t
        elif k == 3:
            out[i, 0], out[i, 1], out[i, 2] = p, q, top
        elif k == 4:
            out[i, 0], out[i, 1], out[i, 2] = t, p, top
        else:
            out[i, 0], out[i, 1], out[i, 2] = top, p, q
