"""Statistics of images by hand, on images so small that each can be worked out."""

import math

import numpy as np
import pytest

from scripts.lib.audit.image_statistics import STATISTICS, edges, noise, sharpness, statistics_of


def of(image):
    """The statistics of one image, uint8[H, W, 3]."""
    return {name: values[0] for name, values in statistics_of(np.asarray(image, dtype=np.uint8)[None]).items()}


def plain(red, green, blue, side=4):
    return np.full((side, side, 3), (red, green, blue))


def test_an_image_of_one_grey_has_light_and_nothing_else():
    found = of(plain(51, 51, 51))
    assert tuple(found) == STATISTICS
    assert found.pop("brightness") == pytest.approx(0.2)
    assert all(value == pytest.approx(0, abs=1e-9) for value in found.values())


def test_an_image_of_one_colour():
    found = of(plain(255, 0, 0))
    assert found["brightness"] == pytest.approx(0.299) and found["saturation"] == 1
    # red - green is 255 and (red + green) / 2 - blue is 127.5 everywhere: no spread, and 0.3 of the distance of the mean.
    assert found["colourfulness"] == pytest.approx(0.3 * math.hypot(255, 127.5))
    assert of(plain(0, 0, 0))["saturation"] == 0
    assert of(plain(200, 150, 100))["saturation"] == pytest.approx(0.5)


def test_half_black_and_half_white():
    image = np.zeros((4, 4, 3))
    image[:, 2:] = 255
    found = of(image)
    assert found["brightness"] == found["contrast"] == pytest.approx(0.5)
    assert found["entropy"] == pytest.approx(1)  # two levels, as frequent
    assert found["edges"] == 1  # all four inner pixels stand beside the border, 127.5 levels a pixel
    # The Laplacian is +255 left of the border and -255 right of it.
    assert found["sharpness"] == pytest.approx(255**2)
    assert found["noise"] == pytest.approx(0, abs=1e-9)  # a straight edge is none
    assert found["colourfulness"] == pytest.approx(0, abs=1e-9)


def test_colours_that_differ_between_halves():
    image = np.zeros((4, 4, 3))
    image[:2, :, 0], image[2:, :, 1] = 100, 100
    # red - green is 100 and -100: spread 100, mean 0; yellow - blue is 50 everywhere: spread 0, mean 50.
    assert of(image)["colourfulness"] == pytest.approx(100 + 0.3 * 50)


def test_a_slope_is_no_edge_until_it_is_steep_and_never_sharp():
    slope = np.tile(np.arange(8.0), (1, 8, 1))
    assert edges(16 * slope)[0] == 0 and edges(17 * slope)[0] == 1
    assert sharpness(17 * slope)[0] == noise(17 * slope)[0] == pytest.approx(0, abs=1e-9)


def test_the_estimate_of_noise_is_the_noise():
    clean = np.add.outer(np.arange(64.0), np.arange(64.0))[None]
    added = np.random.default_rng(0).normal(0, 10, (1, 64, 64))
    assert noise(clean + added)[0] == pytest.approx(10, rel=0.05)


def test_an_image_is_described_alike_whatever_stands_beside_it():
    images = np.random.default_rng(0).integers(0, 256, (5, 9, 7, 3), dtype=np.uint8)
    together, alone = statistics_of(images), [of(image) for image in images]
    for name in STATISTICS:
        assert together[name] == pytest.approx([each[name] for each in alone])


def test_images_without_inner_pixels_are_refused():
    with pytest.raises(ValueError, match="2 x 5 pixels"):
        statistics_of(np.zeros((1, 2, 5, 3), np.uint8))
