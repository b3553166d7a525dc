"""Flips with their interval, the worst class and the excess of PIEs, by hand and against scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from scripts.lib.audit.intervals import rate, wilson
from scripts.lib.audit.layers import NOBODY, excess_pies, flip_rate, reference_of, share, worst_class

SIGNIFICANCE = 0.05


def first(flips, n):
    """bool[n], the first of which are True."""
    return np.arange(n) < flips


@given(st.integers(1, 200), st.data())
def test_of_one_model_the_interval_is_wilsons(n, data):
    flips = data.draw(st.integers(0, n))
    assert flip_rate(first(flips, n)[None], SIGNIFICANCE) == pytest.approx(rate(flips, n, SIGNIFICANCE))


def test_models_that_flip_on_the_same_images_count_as_one():
    same = flip_rate(np.stack([first(20, 400)] * 10), SIGNIFICANCE)
    # That of 399, as the variance of one sample has n - 1, with Student's quantile for so many degrees of freedom.
    assert same == pytest.approx(wilson(0.05, 399, stats.t.ppf(0.975, 399)), rel=1e-6)


def test_models_that_flip_on_images_of_their_own_tell_more():
    apart = np.zeros((4, 400), dtype=bool)
    for model in range(4):
        apart[model, model * 20 : (model + 1) * 20] = True
    found, same = flip_rate(apart, SIGNIFICANCE), flip_rate(np.stack([first(20, 400)] * 4), SIGNIFICANCE)
    assert found.value == same.value == 0.05
    assert found.high - found.low < 0.6 * (same.high - same.low)
    assert found.low >= rate(80, 1600, SIGNIFICANCE).low - 0.001  # no more than 4 times 400 answers tell


def test_two_models_are_taken_as_they_are():
    """One flips on four times as many images as the other, so an interval for other models would hold far more."""
    flipped = np.stack([first(40, 400), first(10, 400)])
    found, more = flip_rate(flipped, SIGNIFICANCE), flip_rate(np.concatenate([flipped, flipped]), SIGNIFICANCE)
    of_images = flipped.mean(axis=0).var(ddof=1) / 400
    effective = 0.0625 * 0.9375 / of_images
    assert tuple(found) == pytest.approx(tuple(wilson(0.0625, effective, stats.t.ppf(0.975, 399))), rel=1e-6)
    assert more.value == found.value and more.high > found.high + 0.02


@pytest.mark.parametrize("models", [1, 2, 10])
def test_no_flip_is_no_certainty(models):
    never, always = np.zeros((models, 50), dtype=bool), np.ones((models, 50), dtype=bool)
    assert flip_rate(never, SIGNIFICANCE) == pytest.approx(rate(0, 50, SIGNIFICANCE))
    assert flip_rate(always, SIGNIFICANCE) == pytest.approx(rate(50, 50, SIGNIFICANCE))
    assert all(np.isnan(flip_rate(np.zeros((models, 0), dtype=bool), SIGNIFICANCE)))


def test_the_change_of_one_model_has_the_interval_of_paired_images():
    gained, lost = first(3, 100), first(10, 100)[::-1]
    found = (share(gained[None]) - share(lost[None])).estimate(SIGNIFICANCE)
    change = gained.astype(float) - lost
    half = stats.t.ppf(0.975, 99) * change.std(ddof=1) / 10
    assert found == pytest.approx((-0.07, -0.07 - half, -0.07 + half))


def test_the_worst_class_is_that_which_loses_most_recall():
    label = np.repeat([0, 1, 3], [20, 10, 10])  # class 2 has no image
    before = np.ones((1, 40), dtype=bool)
    after = before.copy()
    after[0, :4] = False  # 4 of 20
    after[0, 20:26] = False  # 6 of 10
    worst = worst_class(before, after, label, 4)
    assert (worst.label, worst.change) == (1, pytest.approx(-0.6))
    assert worst.p == pytest.approx(3 * stats.binomtest(6, 6).pvalue)  # the smallest of three classes
    assert worst_class(after, before, label, 4).label == NOBODY
    assert worst_class(before, before, label, 4).label == NOBODY


def test_an_image_that_some_models_lose_and_others_gain_counts_once():
    label = np.zeros(6, dtype=int)
    before = np.array([[1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 0]], dtype=bool)
    after = np.array([[0, 0, 0, 1, 1, 0], [0, 1, 1, 1, 0, 1]], dtype=bool)
    # Net: three images lose (by 2, 1, 1), one gains, two stay, one of them with one model each way.
    worst = worst_class(before, after, label, 1)
    assert worst.change == pytest.approx(-3 / 12) and worst.p == pytest.approx(stats.binomtest(3, 4).pvalue)


def test_excess_pies_are_those_by_which_the_control_is_contradicted_oftener():
    before = np.zeros((4, 30), dtype=int)
    control = before.copy()
    control[:, :3] = 1  # contradicts the uncompressed models on three images
    after = before.copy()
    after[:, :2] = 1  # of which two agree with it after compression
    after[:, 10:17] = 2  # and seven others do not
    random = [np.random.default_rng(0) for _ in range(2)]
    found = excess_pies(reference_of(before, control, random[0], "largest"), after, random[1], SIGNIFICANCE)
    assert found.value == pytest.approx((7 - 2) / 30) and found.low < found.value < found.high
    unchanged = excess_pies(reference_of(before, control, random[0], "largest"), before, random[1], SIGNIFICANCE)
    assert unchanged.value == 0 and unchanged.low < 0 < unchanged.high
