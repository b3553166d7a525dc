"""Models crossed with images: variances against those of a two-way table, and rates where nothing differs."""

import math

import numpy as np
import pytest
from scipy import stats

from scripts.lib.audit.crossed import Measure, jackknifed, share_of, undefined


def components(table):
    """Unbiased variances of images, models and both together, of a table [K, N] (two-way analysis of variance)."""
    k, n = table.shape
    images = k * table.mean(axis=0).var(ddof=1)
    models = n * table.mean(axis=1).var(ddof=1)
    rest = table - table.mean(axis=0) - table.mean(axis=1, keepdims=True) + table.mean()
    both = (rest**2).sum() / ((k - 1) * (n - 1))
    return (images - both) / k, (models - both) / n, both


def test_the_variance_is_that_of_a_two_way_table():
    random = np.random.default_rng(0)
    ease, skill = random.normal(0.5, 1, 200), random.normal(0, 0.8, (6, 1))
    happened = ease + skill + random.normal(0, 1, (6, 200)) > 0
    measure = share_of("dense", happened, np.ones(200, bool))
    images, models, both = components(happened.astype(float))
    variance, degrees = measure.variance
    assert models > 0 and variance == pytest.approx(images / 200 + models / 6 + both / 1200, rel=1e-5)
    assert 5 < degrees < 199
    # The same by leaving models out: a mean is linear in them.
    left_out = np.stack([np.delete(happened, model, axis=0).mean(axis=0) for model in range(6)])
    assert jackknifed(happened.mean(axis=0), {"dense": left_out}).variance == pytest.approx(
        (variance, degrees), rel=1e-5
    )


def test_models_that_differ_by_luck_of_single_images_add_nothing():
    random = np.random.default_rng(2)
    for _ in range(20):
        happened = random.random((5, 300)) < random.random(300)
        variance, degrees = share_of("dense", happened, np.ones(300, bool)).variance
        over_images = happened.mean(axis=0).var(ddof=1) / 300
        _, models, _ = components(happened.astype(float))
        assert variance == pytest.approx(over_images + max(0, models / 5), rel=1e-4)
        assert degrees == pytest.approx(299) if models < 0 else degrees < 299


def test_of_pairs_what_both_have_is_taken_off_before_it_is_squared():
    random = np.random.default_rng(3)
    everything = np.ones(400, bool)
    before = random.random((5, 400)) < random.uniform(0.2, 0.9, (5, 1))
    after = before & (random.random((5, 400)) < 0.95)
    paired = share_of("dense", after, everything) - share_of("dense", before, everything)
    lost = share_of("dense", before & ~after, everything)
    assert paired.value == pytest.approx(-lost.value) and paired.variance == pytest.approx(lost.variance, rel=1e-5)
    apart = share_of("level", after, everything) - share_of("dense", before, everything)
    assert apart.variance[0] > 20 * paired.variance[0]


@pytest.mark.parametrize("shared", [0.0, 0.4])
def test_nothing_is_called_different_at_about_the_rate(shared):
    """Two populations of the same kind; a model's quirk is on many images at once, or on each by itself."""
    random, found, runs = np.random.default_rng(4), np.zeros(2, int), 400
    everything = np.ones(200, bool)
    for _ in range(runs):
        ease = random.normal(0.5, 1, 200)
        quirk = shared * random.normal(0, 1, (2, 6, 1))
        right = ease + quirk + random.normal(0, 1, (2, 6, 200)) > 0
        change = share_of("level", right[1], everything) - share_of("dense", right[0], everything)
        difference = right[1].mean(axis=0) - right[0].mean(axis=0)
        found += change.p_value() <= 0.05, stats.ttest_1samp(difference, 0).pvalue <= 0.05
    assert 4 <= found[0] <= 34, found  # 20 expected
    assert shared == 0 or found[1] > 80, found  # what images alone would claim


def test_without_any_spread_there_is_no_interval():
    nothing = share_of("dense", np.ones((3, 5), bool), np.ones(5, bool))
    assert nothing.value == 1 and nothing.variance == (0, math.inf)
    assert np.isnan([nothing.estimate(0.05).low, nothing.p_value()]).all()
    # Images that are equal on average, while models differ on each of them.
    swapped = share_of("dense", np.array([[1, 0, 1, 0], [0, 1, 0, 1]], bool), np.ones(4, bool))
    assert swapped.value == 0.5 and swapped.estimate(0.05).low < 0.5
    assert all(map(math.isnan, undefined(5, "why").estimate(0.05))) and (undefined(5, "why") - nothing).reason == "why"
    assert math.isnan(Measure(0.5, np.zeros(3), {}, {}, 3).estimate(0.05).low)
