"""Random numbers: the exact stream's two forms against RandomState, the fast one's against their distributions."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from pictures import pictures
from scipy import stats

from scripts.lib.corruptions import constants_for, corrupt
from scripts.lib.corruptions.fast_stream import FastStream
from scripts.lib.corruptions.numpy_stream import NumpyStream
from scripts.lib.corruptions.pixels import to_bytes
from scripts.lib.corruptions.sfc64 import normal_quantiles
from scripts.lib.corruptions.twister_stream import TwisterStream

SEED = [1, 2**32 - 1, 0, 77]
UNLIKELY = 1e-6  # seeds are fixed, so that a test fails always or never: at this level never by bad luck


def filled(fill: Callable[[np.ndarray], None], count: int, dtype: type = np.float64) -> np.ndarray:
    numbers = np.empty(count, dtype)
    fill(numbers)
    return numbers


def seeded(kind: type, words: list[int] = SEED):
    stream = kind()
    stream.seed(words)
    return stream


# --- exact ------------------------------------------------------------------------------------------------------------


def draw(stream, method: str, count: int, limit: int, image: np.ndarray) -> np.ndarray:
    if method == "uniforms":
        return filled(stream.uniforms, count)
    if method == "normals":  # of an odd number NumPy keeps the last one's twin for the next call
        return filled(stream.normals, 2 * count)
    if method == "integers":
        return filled(lambda out: stream.integers(limit, out), count, np.int64)
    if method == "impulses":
        changed = image.copy()
        stream.impulses(0.3, changed)
        return changed
    return np.array([stream.uniform(-3, 5), stream.below(limit)])


def test_compiled_numbers_are_those_of_random_state():
    """Calls of many lengths after one another, whose ends fall anywhere in a block of the twister."""
    choice = np.random.RandomState(0)
    for _ in range(60):
        words = [int(word) for word in choice.randint(0, 2**32, 4)]
        by_numpy, compiled = seeded(NumpyStream, words), seeded(TwisterStream, words)
        for _ in range(8):
            method = choice.choice(["uniforms", "normals", "integers", "impulses", "single"])
            count = int(choice.choice([1, 2, 3, 311, 312, 313, 624, 1000]))
            limit = int(choice.randint(1, 300))
            image = choice.randint(0, 256, count).astype(np.uint8)
            assert np.array_equal(
                draw(by_numpy, method, count, limit, image), draw(compiled, method, count, limit, image)
            )


def test_an_odd_number_of_normal_numbers():
    assert np.array_equal(filled(seeded(TwisterStream).normals, 999), filled(seeded(NumpyStream).normals, 999))


@pytest.mark.parametrize("kind", [NumpyStream, TwisterStream])
@pytest.mark.parametrize("photons", [3, 12, 60, 500])
def test_photons_are_those_of_random_state(photons, kind):
    image = pictures(1, 64, 64)[0]
    looks = np.arange(256).astype(np.uint8)  # all counts below 255 can be told apart
    seen = np.empty_like(image)
    seeded(kind).photons(image, photons, looks, seen)
    assert np.array_equal(seen, np.minimum(np.random.RandomState(SEED).poisson(image / 255 * photons), 255))


# --- fast -------------------------------------------------------------------------------------------------------------


def test_the_fast_generator_is_sfc64():
    """NumPy's, which starts with another state from the same seed. Numbers take their bits from the lowest on."""
    generator = np.random.SFC64()
    state = generator.state
    state["state"]["state"] = seeded(FastStream).state.copy()
    generator.state = state
    words = generator.random_raw(1000).astype("<u8")
    stream = seeded(FastStream)
    assert np.array_equal(filled(stream.uniforms, 1000), (words >> np.uint64(11)) * 2.0**-53)
    stream = seeded(FastStream)
    assert np.array_equal(filled(stream.normals, 4000), normal_quantiles()[words.view("<u2")])
    stream = seeded(FastStream)
    numbers = filled(lambda out: stream.integers(10, out), 2000, np.int64)
    assert np.array_equal(numbers, words.view("<u4").astype(np.int64) * 10 >> 32)


def test_fast_uniform_numbers():
    assert stats.kstest(filled(seeded(FastStream).uniforms, 10**6), "uniform").pvalue > UNLIKELY


def test_fast_normal_numbers():
    np.testing.assert_allclose(normal_quantiles(), stats.norm.ppf((np.arange(2**16) + 0.5) / 2**16), rtol=1e-6)
    numbers = filled(seeded(FastStream).normals, 10**6)
    assert stats.kstest(numbers, "norm").pvalue > UNLIKELY
    # Neighbours, and those that share a word, have nothing to do with each other.
    for distance in range(1, 9):
        assert abs(np.corrcoef(numbers[distance:], numbers[:-distance])[0, 1]) < 5e-3


@pytest.mark.parametrize("limit", [2, 6, 10, 575])
def test_fast_integers_are_evenly_distributed(limit):
    counts = np.bincount(filled(lambda out: seeded(FastStream).integers(limit, out), 10**6, np.int64), minlength=limit)
    assert len(counts) == limit and stats.chisquare(counts).pvalue > UNLIKELY


@pytest.mark.parametrize("amount", [0.01, 0.27])
def test_fast_impulses(amount):
    image = filled(lambda out: (out.fill(100), seeded(FastStream).impulses(amount, out)), 10**6, np.uint8)
    counts = [(image == colour).sum() for colour in (0, 100, 255)]
    expected = np.array([amount / 2, 1 - amount, amount / 2]) * len(image)
    assert stats.chisquare(counts, expected).pvalue > UNLIKELY


@pytest.mark.parametrize("photons", [3, 12, 60, 500])
@pytest.mark.parametrize("level", [0, 1, 40, 128, 254, 255])
def test_fast_photons(photons, level):
    looks = to_bytes(np.arange(photons + 1) / photons)
    image = np.full(400_000, level, np.uint8)
    seen = filled(lambda out: seeded(FastStream).photons(image, photons, looks, out), len(image), np.uint8)
    counts = np.arange(photons + 1)
    probable = stats.poisson.pmf(counts, level / 255 * photons)
    probable[-1] = stats.poisson.sf(photons - 1, level / 255 * photons)
    expected = np.bincount(looks, weights=probable, minlength=256) * len(image)
    found = np.bincount(seen, minlength=256).astype(float)
    often = expected > 10
    assert found[~often].sum() <= expected[~often].sum() + 6 * math.sqrt(expected[~often].sum()) + 10
    if often.sum() > 1:
        share = found[often].sum() / expected[often].sum()
        assert stats.chisquare(found[often], expected[often] * share).pvalue > UNLIKELY


def grey(level: int, count: int = 8) -> np.ndarray:
    return np.full((count, 224, 224, 3), level, np.uint8)


def noise(stream: str, corruption: str, severity: int, images: np.ndarray) -> np.ndarray:
    ids = [str(i) for i in range(len(images))]
    return corrupt(images, corruption, severity, dataset="chance", example_ids=ids, stream=stream)


@pytest.mark.parametrize("severity", [1, 5])
@pytest.mark.parametrize("level", [0, 30, 128, 220, 255])
@pytest.mark.parametrize("corruption", ["gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise"])
def test_fast_noise_is_distributed_like_exact_noise(corruption, level, severity):
    exact, fast = (noise(stream, corruption, severity, grey(level)) for stream in ("exact", "fast"))
    # Six standard errors of 1.2 million values each.
    error = 6 * math.sqrt(2 / exact.size)
    assert abs(fast.mean() - exact.mean()) <= error * exact.std()
    fourth = ((exact - exact.mean()) ** 4).mean()
    assert abs(fast.var() - exact.var()) <= error * math.sqrt(max(fourth - exact.var() ** 2, 0)) + 1e-9
    both = np.array([np.bincount(values.reshape(-1), minlength=256) for values in (exact, fast)])
    both = both[:, both.sum(axis=0) > 20]
    if both.shape[1] > 1:
        assert stats.chi2_contingency(both).pvalue > UNLIKELY


@pytest.mark.parametrize(
    "corruption", ["glass_blur", "motion_blur", "snow", "frost", "fog", "elastic_transform", "spatter"]
)
def test_fast_structures_are_distributed_like_exact_ones(corruption):
    """Mean and spread of an image vary from one chance to the next; over many they agree."""
    images = np.repeat(pictures(1, 32, 32), 600, axis=0)
    exact, fast = (noise(stream, corruption, 3, images) for stream in ("exact", "fast"))
    for measure in (np.mean, np.std, lambda image, axis: np.abs(np.diff(image.astype(int), axis=1)).mean(axis=axis)):
        a, b = measure(exact, axis=(1, 2, 3)), measure(fast, axis=(1, 2, 3))
        assert stats.ks_2samp(a, b).pvalue > UNLIKELY
    # And pixel by pixel.
    difference = np.abs(exact.mean(axis=0) - fast.mean(axis=0))
    error = np.sqrt((exact.var(axis=0) + fast.var(axis=0)) / len(images))
    assert (difference <= 6 * error + 0.5).all()


@pytest.mark.parametrize("stream", ["exact", "fast"])
@pytest.mark.parametrize("corruption", ["gaussian_noise", "shot_noise", "impulse_noise"])
def test_neighbouring_examples_have_nothing_in_common(corruption, stream):
    values = noise(stream, corruption, 3, grey(128)).reshape(8, -1).astype(float)
    correlations = np.corrcoef(values) - np.eye(8)
    assert np.abs(correlations).max() < 6 / math.sqrt(values.shape[1])


def test_only_chance_differs():
    """Corruptions that need none are equal in both streams."""
    images = pictures(2, 48, 48)
    for corruption in (
        "defocus_blur",
        "zoom_blur",
        "brightness",
        "contrast",
        "pixelate",
        "jpeg_compression",
        "saturate",
    ):
        assert np.array_equal(noise("exact", corruption, 3, images), noise("fast", corruption, 3, images))
    assert not np.array_equal(noise("exact", "gaussian_noise", 3, images), noise("fast", "gaussian_noise", 3, images))
    assert constants_for("fog", 48)["table"] == 32
