"""Enlargements against scipy, for many sizes and factors."""

import numpy as np
import plain
import pytest

from scripts.lib.corruptions.zoom import zoom_plane
from scripts.lib.corruptions.zoom_sum import zoom_sum

FACTORS = [*np.arange(1, 1.31, 0.03), 1.25, 1.75, 2, 2.25, 2.5, 3, 4, 4.5]


@pytest.mark.parametrize("size", [32, 33, 50, 64, 97, 150, 224, 299])
def test_one_plane_equals_scipy(size):
    plane = np.random.RandomState(size).normal(size=(size, size))
    for factor in FACTORS:
        assert np.array_equal(zoom_plane(plane[None], factor)[0], plain.clipped_zoom(plane[..., None], factor)[..., 0])


def test_the_sum_of_enlargements_equals_scipy_but_for_rounding():
    image = np.random.RandomState(0).uniform(size=(50, 50, 3)).astype(np.float32)
    factors = np.arange(1, 1.21, 0.01)
    oracle = np.zeros_like(image)
    for factor in factors:
        oracle += plain.clipped_zoom(image, factor)
    np.testing.assert_allclose(zoom_sum(image[None], factors)[0], oracle, rtol=1e-6)
