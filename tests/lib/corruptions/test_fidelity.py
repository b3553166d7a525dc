"""Each corruption against an independent oracle on the same random stream.

At 32 pixels against the official formulas in plain.py; at 224 against imagecorruptions where it follows the official
functions, else against plain.py again.
"""

import math

import numpy as np
import plain
import pytest
from pictures import pictures
from PIL import Image

from scripts.lib.corruptions import CORRUPTIONS, FAMILIES, constants_for, corrupt
from scripts.lib.corruptions.numpy_stream import NumpyStream

ic = pytest.importorskip("imagecorruptions.corruptions", reason="the oracle at 224 pixels is not installed")

# imagecorruptions has another algorithm (elastic), other pictures (frost), other borders and rounding (snow), a plasma
# of 32 bits (fog), or no stream of its own to compare with (impulse noise).
OFFICIAL_ONLY = ("elastic_transform", "frost", "snow", "fog", "impulse_noise")

NOT_BY_THE_PACKAGE = (*OFFICIAL_ONLY, "glass_blur", *FAMILIES["own"])  # glass_blur has a test of its own

# Largest share of values that may be one level off, since the oracle depends on the processor: OpenCV's order of adding
# float32 (defocus, snow, spatter); the last bit of NumPy's exp, which decides about even areas (Gaussian weights).
NEARLY = {"defocus_blur": 1e-5, "gaussian_blur": 1e-2, "glass_blur": 1e-2, "snow": 1e-3, "spatter": 1e-3}


def ids(images: np.ndarray) -> list[str]:
    return [f"test/{i}" for i in range(len(images))]


def assert_equal(ours: np.ndarray, oracle: np.ndarray, nearly: float) -> None:
    difference = np.abs(ours.astype(int) - oracle)
    assert difference.max() <= (1 if nearly else 0)
    assert (difference > 0).mean() <= nearly


def by_plain(corruption: str, images: np.ndarray, severity: int, constants: dict) -> np.ndarray:
    function, arguments = getattr(plain, corruption), constants[corruption][severity - 1]
    warp = {"warp": plain.warp_of_its_time} if corruption == "elastic_transform" else {}
    chances = plain.random_states("fidelity", corruption, severity, ids(images))
    pairs = zip(images, chances, strict=True)
    return np.stack([np.uint8(function(image, random, *arguments, **warp)) for image, random in pairs])


@pytest.mark.parametrize("severity", range(1, 6))
@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_equals_the_official_formula_at_32_pixels(corruption, severity):
    images = pictures(4, 32, 32)
    ours = corrupt(images, corruption, severity, dataset="fidelity", example_ids=ids(images))
    oracle = by_plain(corruption, images, severity, plain.CIFAR_10_C | plain.OWN)
    assert_equal(ours, oracle, NEARLY.get(corruption, 0))


@pytest.mark.parametrize("severity", [1, 3, 5])
@pytest.mark.parametrize("corruption", OFFICIAL_ONLY)
def test_equals_the_official_formula_at_224_pixels(corruption, severity):
    images = pictures(1, 224, 224)
    ours = corrupt(images, corruption, severity, dataset="fidelity", example_ids=ids(images))
    assert_equal(ours, by_plain(corruption, images, severity, plain.IMAGENET_C), NEARLY.get(corruption, 0))


def bell(x, mean, sigma):
    """imagecorruptions' motion blur with the exponential function of the C library, as ImageMagick has it.

    NumPy's may differ in the last bit, depending on the processor; in even areas that bit decides about whole levels.
    """
    values = np.array([math.exp(-((i - mean) ** 2) / (2 * sigma**2)) for i in x])
    return values / (np.sqrt(2 * np.pi) * sigma)


@pytest.mark.parametrize("severity", range(1, 6))
@pytest.mark.parametrize("corruption", [name for name in CORRUPTIONS if name not in NOT_BY_THE_PACKAGE])
def test_equals_imagecorruptions_at_224_pixels(corruption, severity, monkeypatch):
    images = pictures(1, 224, 224)
    ours = corrupt(images, corruption, severity, dataset="fidelity", example_ids=ids(images))
    (random,) = plain.random_states("fidelity", corruption, severity, ids(images))
    for draw in ("normal", "uniform", "poisson"):
        monkeypatch.setattr(np.random, draw, getattr(random, draw))
    monkeypatch.setattr(ic, "gauss_function", bell)
    oracle = np.uint8(getattr(ic, corruption)(Image.fromarray(images[0]), severity))[None]
    assert_equal(ours, oracle, NEARLY.get(corruption, 0))


@pytest.mark.parametrize("severity", [1, 5])
def test_glass_blur_equals_imagecorruptions_at_224_pixels(severity):
    """imagecorruptions seeds a generator of its own, with a single number: the function is called below `corrupt`."""
    from scripts.lib.corruptions.blur import glass_blur

    images = pictures(1, 224, 224)
    constants = constants_for("glass_blur", 224)["severities"][severity - 1]
    stream = NumpyStream()
    stream.seed(7)
    ours = glass_blur(images, iter([stream]), **constants)
    oracle = np.uint8(ic.glass_blur(Image.fromarray(images[0]), severity, seed=7))[None]
    assert_equal(ours, oracle, NEARLY["glass_blur"])


def test_warp_differs_little_from_todays_opencv():
    images = pictures(4, 64, 64)
    ours = corrupt(images, "elastic_transform", 1, dataset="fidelity", example_ids=ids(images))
    affine = (0, 0, 64 * 0.08)
    chances = plain.random_states("fidelity", "elastic_transform", 1, ids(images))
    pairs = zip(images, chances, strict=True)
    oracle = np.stack([np.uint8(plain.elastic_transform(image, random, *affine)) for image, random in pairs])
    difference = np.abs(ours.astype(int) - oracle)
    assert difference.max() <= 8 and difference.mean() < 0.5


def test_brightness_and_saturate_for_many_colours():
    random = np.random.RandomState(3)
    images = random.randint(0, 256, (1, 512, 512, 3)).astype(np.uint8)
    images[0, :64] = images[0, :64] // 64 * 85  # few levels: ties, greys, black and white
    for corruption, severity in (("brightness", 3), ("saturate", 1), ("saturate", 5)):
        ours = corrupt(images, corruption, severity, dataset="d", example_ids=["0"], constants=_imagenet(corruption))
        arguments = _imagenet(corruption)["severities"][severity - 1].values()
        assert np.array_equal(ours[0], np.uint8(getattr(plain, corruption)(images[0], None, *arguments)))


def _imagenet(corruption: str) -> dict:
    return constants_for(corruption, 224)


def test_every_corruption_has_an_oracle():
    assert set(plain.OWN) == set(FAMILIES["own"])
    assert (
        set(plain.CIFAR_10_C | plain.OWN)
        == set(CORRUPTIONS)
        == {name for family in FAMILIES.values() for name in family}
    )
