"""Test images that are training images as well: what models remember of them is not what they recognize."""

from collections.abc import Sequence

import numpy as np


def trained_on(test: Sequence[str], train: Sequence[str]) -> np.ndarray:
    """For each test image the first training image of the same pixels, int64[N] with -1 where there is none.

    test, train: digests of the images' pixels.
    """
    first: dict[str, int] = {}
    for index, digest in enumerate(train):
        first.setdefault(digest, index)
    return np.array([first.get(digest, -1) for digest in test], dtype=np.int64)
