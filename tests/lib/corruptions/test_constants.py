"""The table of constants, and which part of it an image size gets."""

import inspect

import plain
import pytest

from scripts.lib.corruptions import CORRUPTIONS, FAMILIES, OWN_SOURCE, constants_for

# Only where the table is not that of 224 pixels. From make_imagenet_64_c.py and make_imagenet_c_inception.py.
AT_64 = {
    "gaussian_noise": [(0.04,), (0.08,), (0.12,), (0.15,), (0.18,)],
    "shot_noise": [(250,), (100,), (50,), (30,), (15,)],
    "impulse_noise": [(0.01,), (0.02,), (0.05,), (0.08,), (0.14,)],
    "speckle_noise": [(0.15,), (0.2,), (0.25,), (0.3,), (0.35,)],
    "defocus_blur": [(0.5, 0.6), (1, 0.1), (1.5, 0.1), (2.5, 0.01), (3, 0.1)],
    "glass_blur": [(0.1, 1, 1), (0.5, 1, 1), (0.6, 1, 2), (0.7, 2, 1), (0.9, 2, 2)],
    "motion_blur": [(10, 1), (10, 1.5), (10, 2), (10, 2.5), (12, 3)],
    "zoom_blur": plain.CIFAR_10_C["zoom_blur"],
    "gaussian_blur": [(0.5,), (0.75,), (1,), (1.25,), (1.5,)],
    "frost": [(1, 0.3, 0.3), (0.9, 0.4, 0.3), (0.8, 0.45, 0.3), (0.75, 0.5, 0.3), (0.7, 0.55, 0.3)],
    "fog": [(0.4, 3, 64), (0.7, 3, 64), (1, 2.5, 64), (1.5, 2, 64), (2, 1.75, 64)],
    "snow": [
        (0.1, 0.2, 1, 0.6, 8, 3, 0.8),
        (0.1, 0.2, 1, 0.5, 10, 4, 0.8),
        (0.15, 0.3, 1.75, 0.55, 10, 4, 0.7),
        (0.25, 0.3, 2.25, 0.6, 12, 6, 0.65),
        (0.3, 0.3, 1.25, 0.65, 14, 12, 0.6),
    ],
    "spatter": [
        (0.62, 0.1, 0.7, 0.7, 0.6, False),
        (0.65, 0.1, 0.8, 0.7, 0.6, False),
        (0.65, 0.3, 1, 0.69, 0.6, False),
        (0.65, 0.1, 0.7, 0.68, 0.6, True),
        (0.65, 0.1, 0.5, 0.67, 0.6, True),
    ],
    "saturate": [(0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (30, 0.2)],
    "jpeg_compression": [(65,), (58,), (50,), (40,), (25,)],
    "pixelate": [(0.9,), (0.8,), (0.7,), (0.6,), (0.5,)],
    "elastic_transform": [
        (64 * 0, 64 * 0, 64 * 0.08),
        (64 * 0.05, 64 * 0.3, 64 * 0.06),
        (64 * 0.1, 64 * 0.08, 64 * 0.06),
        (64 * 0.1, 64 * 0.03, 64 * 0.03),
        (64 * 0.16, 64 * 0.03, 64 * 0.02),
    ],
}
AT_299 = {
    "gaussian_noise": [(0.09,), (0.13,), (0.19,), (0.27,), (0.40,)],
    "shot_noise": [(50,), (20,), (10,), (5,), (3,)],
    "impulse_noise": [(0.04,), (0.07,), (0.10,), (0.18,), (0.28,)],
    "speckle_noise": [(0.16,), (0.21,), (0.36,), (0.46,), (0.61,)],
    "defocus_blur": [(4, 0.1), (5, 0.5), (7, 0.5), (10, 0.5), (12, 0.5)],
    "glass_blur": [(0.8, 1, 3), (1, 3, 1), (1.1, 2, 4), (1.2, 4, 2), (1.6, 5, 2)],
    "motion_blur": [(12, 4), (17, 6), (17, 9), (17, 13), (22, 16)],
    "zoom_blur": [(1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03)],
    "gaussian_blur": [(1.5,), (2.5,), (3.5,), (4.5,), (6.5,)],
    "fog": [(1.5, 2, 512), (2, 2, 512), (2.5, 1.8, 512), (2.5, 1.6, 512), (3, 1.5, 512)],
    "spatter": [
        (0.65, 0.3, 4, 0.69, 0.9, False),
        (0.65, 0.3, 3.5, 0.68, 0.9, False),
        (0.65, 0.3, 3, 0.68, 0.8, False),
        (0.65, 0.3, 1.2, 0.65, 1.8, True),
        (0.67, 0.4, 1.2, 0.65, 1.8, True),
    ],
    "saturate": [(0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2)],
    "brightness": [(0.1,), (0.2,), (0.3,), (0.4,), (0.5,)],
    "contrast": [(0.4,), (0.3,), (0.2,), (0.1,), (0.05,)],
    "jpeg_compression": [(23,), (16,), (13,), (8,), (5,)],
    "pixelate": [(0.5,), (0.4,), (0.3,), (0.25,), (0.2,)],
    "elastic_transform": [
        (360 * 2, 360 * 0.7, 360 * 0.1),
        (360 * 2, 360 * 0.08, 360 * 0.2),
        (360 * 0.05, 360 * 0.01, 360 * 0.02),
        (360 * 0.07, 360 * 0.01, 360 * 0.02),
        (360 * 0.12, 360 * 0.01, 360 * 0.02),
    ],
}
TABLES = {32: plain.CIFAR_10_C, 64: AT_64, 224: plain.IMAGENET_C, 299: AT_299}


def values(corruption: str, size: int) -> list[tuple]:
    """Five tuples, as in the literals above: elastic_transform with its size multiplied in."""
    rows = []
    for constants in constants_for(corruption, size)["severities"]:
        if corruption == "elastic_transform":
            rows.append(tuple(constants["size"] * constants[name] for name in ("alpha", "sigma", "affine")))
        else:
            rows.append(tuple(constants.values()))
    return rows


@pytest.mark.parametrize(("size", "corruption"), [(size, name) for size in TABLES for name in TABLES[size]])
def test_constants_are_the_official_ones(size, corruption):
    assert values(corruption, size) == TABLES[size][corruption]


@pytest.mark.parametrize("corruption", ["frost", "snow", "brightness", "contrast"])
def test_299_pixels_share_the_constants_of_224(corruption):
    assert values(corruption, 299) == values(corruption, 224)


@pytest.mark.parametrize("corruption", ["brightness", "contrast"])
def test_64_pixels_share_the_constants_of_224(corruption):
    assert values(corruption, 64) == values(corruption, 224)


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_every_table_names_the_arguments_of_its_function(corruption):
    from importlib import import_module

    function = getattr(import_module(f"scripts.lib.corruptions.{CORRUPTIONS[corruption]}"), corruption)
    arguments = set(inspect.signature(function).parameters) - {"images", "streams"}
    for size in (32, 64, 224, 299):
        assert [set(constants) for constants in constants_for(corruption, size)["severities"]] == [arguments] * 5


@pytest.mark.parametrize(
    ("size", "table"), [(28, 32), (32, 32), (48, 32), (49, 64), (96, 64), (144, 64), (145, 224), (262, 299), (512, 299)]
)
def test_sizes_between_take_the_nearest_table(size, table):
    assert constants_for("fog", size)["table"] == table


def test_source_is_named():
    assert constants_for("snow", 64)["source"] == "make_imagenet_64_c.py"


def test_families_are_those_of_the_published_archives():
    assert [len(FAMILIES[family]) for family in ("noise", "blur", "weather", "digital", "extra")] == [3, 4, 4, 4, 4]


def test_constants_that_nobody_published_say_so(monkeypatch):
    monkeypatch.setitem(FAMILIES, "own", ("fog",))
    assert constants_for("fog", 32)["source"] == OWN_SOURCE
