"""Corruption errors, worked out by hand, and their bootstrap beside plain loops."""

import numpy as np
import pytest

from scripts.lib.audit import alexnet
from scripts.lib.audit.robustness import (
    TOGETHER,
    corruption_error,
    excess_error,
    percentile_interval,
    relative_corruption_error,
    resampled_means,
)
from scripts.lib.corruptions import CORRUPTIONS, FAMILIES

# The column "Average" of the page that the errors are from.
PUBLISHED_AVERAGES = {
    "gaussian_noise": 0.886428,
    "shot_noise": 0.894468,
    "impulse_noise": 0.922640,
    "defocus_blur": 0.819880,
    "glass_blur": 0.826268,
    "motion_blur": 0.785948,
    "zoom_blur": 0.798360,
    "snow": 0.866816,
    "frost": 0.826572,
    "fog": 0.819324,
    "brightness": 0.564592,
    "contrast": 0.853204,
    "elastic_transform": 0.646056,
    "pixelate": 0.717840,
    "jpeg_compression": 0.606500,
    "speckle_noise": 0.845388,
    "gaussian_blur": 0.787108,
    "spatter": 0.717512,
    "saturate": 0.658248,
}


def test_alexnets_errors_have_the_averages_that_were_published_with_them():
    assert set(alexnet.ERRORS) == set(PUBLISHED_AVERAGES) == set(CORRUPTIONS) - set(FAMILIES["own"])
    for corruption, errors in alexnet.ERRORS.items():
        assert np.mean(errors) == pytest.approx(PUBLISHED_AVERAGES[corruption], abs=1e-9)


def test_errors_by_hand():
    level, dense = np.array([0.6, 0.4]), np.array([0.5, 0.8])
    assert corruption_error(level, dense) == pytest.approx([1.2, 0.5])
    relative = relative_corruption_error(level, np.array(0.3), dense, np.array(0.2))
    assert relative == pytest.approx([1.0, 0.1 / 0.6])
    assert excess_error(level, np.array(0.3), dense, np.array(0.2)) == pytest.approx([0.0, -0.5])
    many = relative_corruption_error(np.stack([level, dense]), np.array([0.3, 0.2]), dense[None], np.array([0.2]))
    assert many == pytest.approx(np.array([[1.0, 1 / 6], [1.0, 1.0]]))


def test_what_the_reference_does_not_lose_cannot_be_relative():
    found = relative_corruption_error(np.full(3, 0.5), np.array(0.2), np.array([0.3, 0.4, 0.5]), np.array(0.4))
    assert np.isnan(found[:2]).all() and found[2] == pytest.approx(3)
    assert np.isnan(corruption_error(np.array([0.1]), np.array([0.0]))).all()


def test_resamples_beside_plain_loops():
    random = np.random.default_rng(0)
    counts = random.integers(0, 6, (3, 4, 50)).astype(np.uint8)
    found = resampled_means(counts, 7, np.random.default_rng(1), np.random.default_rng(2))
    drawn = np.random.default_rng(1).integers(0, 50, (7, 50))
    chosen = np.random.default_rng(2).integers(0, 4, (7, 1, 4))
    for row in range(7):
        for variant in range(3):
            plain = np.mean([counts[variant, model, image] for model in chosen[row, 0] for image in drawn[row]])
            assert found[row, variant] == pytest.approx(plain, abs=1e-6)


def test_populations_share_the_images_of_their_resamples():
    # All models alike: what is left is the luck of the images, and it cancels.
    counts = np.tile(np.random.default_rng(0).integers(0, 2, (1, 1, 80)).astype(np.uint8), (1, 5, 1))
    one, other = (
        resampled_means(counts, 2 * TOGETHER + 1, np.random.default_rng(7), np.random.default_rng(seed))
        for seed in (1, 2)
    )
    assert one.shape == (2 * TOGETHER + 1, 1) and np.array_equal(one, other) and one.std() > 0


def test_the_spread_of_the_resamples_is_that_of_models_and_images():
    random = np.random.default_rng(3)
    easy = random.random(400)
    skill = random.normal(0, 0.1, 12)
    counts = (random.random((12, 400)) < np.clip(easy + skill[:, None], 0, 1)).astype(np.uint8)[None]
    found = resampled_means(counts, 4000, random, random)
    models, images = counts[0].mean(axis=1).var() / 12, counts[0].mean(axis=0).var() / 400
    rest = counts[0].var() / (12 * 400)  # of the pairs, at most
    assert models + images <= found.var() * 1.1 and found.var() <= (models + images + rest) * 1.1
    assert found.mean() == pytest.approx(counts.mean(), abs=0.01)


def test_intervals_are_undefined_where_resamples_are():
    values = np.arange(1000.0)
    assert percentile_interval(values, 0.1) == pytest.approx((49.95, 949.05))
    values[:150] = np.nan
    assert np.isnan(percentile_interval(values, 0.1)).all()
