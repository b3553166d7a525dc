"""Measures from what each image adds: means as `share_of` makes them, ratios, and one model alone."""

import math

import numpy as np
import pytest

from scripts.lib.audit.crossed import share_of
from scripts.lib.audit.per_image import mean_of

EVERYTHING = np.ones((4, 60), dtype=bool)


def test_a_mean_of_shares_is_a_share():
    happened = np.random.default_rng(0).random((4, 60)) < np.linspace(0.2, 0.9, 60)
    mean, share = mean_of("dense", happened, EVERYTHING, ""), share_of("dense", happened, EVERYTHING[0])
    assert mean.value == pytest.approx(share.value) and mean.variance == pytest.approx(share.variance, rel=1e-5)


def test_one_model_has_an_interval_over_images_alone():
    numbers = np.random.default_rng(1).normal(0, 1, (2, 50))
    first, second = (mean_of("dense", each[None], EVERYTHING[:1, :50], "") for each in numbers)
    assert first.variance[0] == pytest.approx(numbers[0].var(ddof=1) / 50) and first.variance[1] == pytest.approx(49)
    paired = second - first
    assert paired.variance[0] == pytest.approx((numbers[1] - numbers[0]).var(ddof=1) / 50)
    assert (first - first).variance == (0, math.inf)  # and no interval of width 0
    assert math.isnan((first - first).estimate(0.05).low)


def test_a_mean_over_members_that_differ_between_models():
    numbers = np.array([[1.0, 2, 9, 3], [5.0, 9, 7, 9]])
    members = np.array([[1, 1, 0, 1], [1, 0, 1, 0]], dtype=bool)
    measure = mean_of("dense", numbers, members, "why")
    assert measure.value == (2 + 6) / 2 and measure.images == 2
    assert mean_of("dense", numbers, np.eye(2, 4, dtype=bool), "why").reason == "why"
    assert mean_of("dense", np.where(members, np.nan, 1), members, "why").reason == "why"
    one = mean_of("dense", numbers[:1], members[:1], "")
    assert one.variance[0] == pytest.approx(np.var([1, 2, 3], ddof=1) / 3)


def test_a_ratios_interval_covers():
    """The mean of what is above 0, of models that share images; its number is random, too."""
    random, covered, runs, truth = np.random.default_rng(2), 0, 200, math.sqrt(2 / math.pi)
    for _ in range(runs):
        numbers = random.normal(0, 0.6, 80) + random.normal(0, 0.8, (5, 80))
        low, high = mean_of("dense", numbers, numbers > 0, "").estimate(0.05)[1:]
        covered += low <= truth <= high
    assert covered >= 0.87 * runs, covered
