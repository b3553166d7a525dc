"""Calibration errors against cases by hand, scikit-learn's bins, all pairs of images, and what they are made to cover."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from scripts.lib.audit.calibration_error import (
    bins_of,
    equal_mass_bins,
    expected_calibration_error,
    expected_if_calibrated,
    squared_calibration_error,
)
from scripts.lib.audit.per_image import measure_of


def predictions(random, images, over=0.0):
    """Confidences, and answers that are right `over` less often than they say."""
    confidence = random.uniform(0.3, 0.95, images)
    return confidence, random.random(images) < confidence - over


def test_bins_of_equal_mass_by_hand():
    confidence = np.array([0.9, 0.1, 0.5, 0.3] * 10) + np.repeat(np.arange(10), 4) / 1000
    places = equal_mass_bins(confidence, 4)
    assert places.reshape(10, 4).tolist() == [[3, 0, 2, 1]] * 10
    assert equal_mass_bins(confidence[:25], 4).max() == 1  # ten images a bin
    assert bins_of(1000) == 15 and bins_of(40) == 4 and bins_of(4) == 1 == bins_of(0)
    # Half of all are sure to the last digit; the fourth bin, which they fill, would end in the middle of them.
    tied = np.where(np.arange(80) % 2, 1.0, np.arange(80) / 100)
    places = equal_mass_bins(tied, 8)
    assert set(places[1::2]) == {4} and np.bincount(places).tolist() == [10, 10, 10, 10, 40]
    # 12 equal ones begin in the first bin; what remains of the second joins it or stands alone, by its share.
    assert np.bincount(equal_mass_bins(np.r_[np.zeros(5), np.full(12, 0.5), np.ones(3)], 2)).tolist() == [20]
    assert np.bincount(equal_mass_bins(np.r_[np.zeros(5), np.full(10, 0.5), np.ones(5)], 2)).tolist() == [15, 5]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=3, max_size=120), st.integers(1, 15))
def test_equal_confidences_share_a_bin_that_is_large_enough(values, bins):
    confidence = np.array(values) / 12
    places = equal_mass_bins(confidence, bins)
    size = np.bincount(places)
    assert size.min() >= 3 and len(size) <= bins
    for first, second in zip(*np.meshgrid(range(len(values)), range(len(values))), strict=True):
        before = confidence[first] < confidence[second]
        assert (places[first][before] <= places[second][before]).all()
        assert (places[first] == places[second])[confidence[first] == confidence[second]].all()
    order = np.random.default_rng(0).permutation(len(values))
    assert np.array_equal(equal_mass_bins(confidence[order], bins), places[order])


def test_scikit_learns_bins_and_the_plain_error_of_them():
    confidence, correct = predictions(np.random.default_rng(0), 600, 0.1)
    places = equal_mass_bins(confidence)
    right, sure = calibration_curve(correct, confidence, n_bins=15, strategy="quantile")
    assert np.allclose([confidence[places == b].mean() for b in range(15)], sure)
    assert np.allclose([correct[places == b].mean() for b in range(15)], right)
    expected = np.abs(right - sure).mean()  # every bin has 40 images
    assert expected_calibration_error(confidence, correct, places) == pytest.approx(expected)


def test_errors_by_hand():
    confidence, correct = np.array([0.5, 0.7, 0.6, 0.9, 0.8, 1.0]), np.array([0, 1, 0, 1, 0, 1], bool)
    places = np.array([0, 0, 0, 1, 1, 1])
    # Residuals 0.5, -0.3, 0.6 and -0.1, 0.8, 0.
    assert expected_calibration_error(confidence, correct, places) == pytest.approx((0.8 + 0.7) / 6)
    products = [0.5 * -0.3 + 0.5 * 0.6 - 0.3 * 0.6, -0.1 * 0.8]
    expected = sum(3 * product / 3 for product in products) / 6  # three pairs in each bin of three
    assert squared_calibration_error(confidence, correct, places)[0] == pytest.approx(expected)
    with pytest.raises(ValueError, match="needs 3 images"):
        squared_calibration_error(confidence, correct, np.array([0, 0, 0, 0, 1, 1]))


def test_the_part_of_an_image_is_what_the_error_is_without_it():
    confidence, correct = predictions(np.random.default_rng(1), 50, 0.2)
    places = equal_mass_bins(confidence)
    value, parts = squared_calibration_error(confidence, correct, places)
    keep = ~np.eye(50, dtype=bool)
    without = np.array([squared_calibration_error(confidence[k], correct[k], places[k])[0] for k in keep])
    pseudo = 50 * value - 49 * without
    assert np.allclose(parts, pseudo - pseudo.mean())


def test_without_bias_where_the_plain_error_has_its_own():
    """Models that are calibrated: the squared error is 0 on average, the plain one what is said of it."""
    random, squared, plain, said = np.random.default_rng(2), [], [], []
    for _ in range(200):
        confidence, correct = predictions(random, 300)
        places = equal_mass_bins(confidence)
        squared.append(squared_calibration_error(confidence, correct, places)[0])
        plain.append(expected_calibration_error(confidence, correct, places))
        said.append(expected_if_calibrated(confidence, places))
    assert abs(np.mean(squared)) < 4 * np.std(squared) / np.sqrt(200)
    assert np.mean(said) == pytest.approx(np.mean(plain), rel=0.03) and np.mean(plain) > 0.05


@pytest.mark.parametrize(("over", "models"), [(0.0, 1), (0.15, 1), (0.15, 4)])
def test_intervals_cover(over, models):
    """The truth is over ** 2 in every bin, give or take 0.1 of a model's own."""
    random, covered, runs = np.random.default_rng(3), 0, 200
    for _ in range(runs):
        confidence, uniform = random.uniform(0.3, 0.8, 300), random.random(300)
        own = over + (0.1 * random.choice([-1, 1], models) if models > 1 else np.zeros(models))
        correct = uniform < confidence - own[:, None]
        places = equal_mass_bins(confidence)
        found = [squared_calibration_error(confidence, each, places) for each in correct]
        values, parts = np.array([value for value, _ in found]), np.stack([part for _, part in found])
        low, high = measure_of("dense", values, parts, 300).estimate(0.05)[1:]
        truth = over**2 + (0.01 if models > 1 else 0)
        covered += low <= truth <= high
    assert covered >= 0.87 * runs, covered  # four standard errors below 95 %
