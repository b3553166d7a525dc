"""Between bytes and numbers from 0 to 1."""

import numpy as np


def to_bytes(unit: np.ndarray) -> np.ndarray:
    """uint8 of numbers from 0 to 1, changed in place on the way: clipped, times 255, truncated.

    Truncated, not rounded, because the published data sets are: a flat area of 100 may well become 99.
    """
    np.clip(unit, 0, 1, out=unit)
    unit *= 255
    return unit.astype(np.uint8)
