"""Intervals against scipy, hand calculation and simulated coverage."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from scripts.lib.audit import intervals


@given(
    st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.sampled_from([0.05, 0.01, 0.2])
)
def test_rate_is_scipys_wilson_interval(counts, significance):
    successes, n = counts
    expected = stats.binomtest(successes, n).proportion_ci(1 - significance, method="wilson")
    assert intervals.rate(successes, n, significance) == pytest.approx(
        (successes / n, expected.low, expected.high), abs=1e-12
    )


def test_rate_of_nothing_is_undefined_and_of_too_much_refused():
    assert all(map(math.isnan, intervals.rate(0, 0, 0.05)))
    with pytest.raises(ValueError):
        intervals.rate(3, 2, 0.05)


def test_mean_is_scipys_t_interval():
    values = np.array([0.2, 0.4, 0.9, 1.0])
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert intervals.mean(values, 0.05) == pytest.approx((0.625, expected.low, expected.high))
    assert intervals.fraction_mean(values, 0.05).high == 1.0
    assert math.isnan(intervals.mean(values[:1], 0.05).low) and intervals.mean(values[:1], 0.05).value == 0.2
    assert math.isnan(intervals.mean(values[:0], 0.05).value)


def test_equal_values_are_no_certainty():
    """None of n images is another: as many as Wilson's interval of none of n may be."""
    for n in (2, 100, 3000):
        missed = intervals.rate(0, n, 0.05).high
        assert intervals.fraction_mean(np.ones(n), 0.05) == pytest.approx((1, 1 - missed, 1))
        assert intervals.fraction_mean(np.zeros(n), 0.05) == intervals.rate(0, n, 0.05)
        assert intervals.mean(np.zeros(n), 0.05) == pytest.approx((0, -missed, missed))
        assert intervals.mean(np.full(n, 0.1), 0.05) == pytest.approx((0.1, 0.1 - 1.1 * missed, 0.1 + 0.9 * missed))


def test_the_ends_of_none_and_of_all_are_exact():
    for n in range(1, 400):
        assert intervals.rate(0, n, 0.05).low == 0 and intervals.rate(n, n, 0.05).high == 1


def test_intervals_cover_at_their_level():
    random = np.random.default_rng(0)
    covered = {"rate": 0, "mean": 0, "difference": 0}
    runs = 2000
    for _ in range(runs):
        hard = random.random(150) < 0.3
        first = random.random(150) < np.where(hard, 0.30, 0.05)
        second = random.random(150) < np.where(hard, 0.15, 0.03)
        truth = 0.3 * 0.15 + 0.7 * 0.02
        low, high = intervals.rate(int(first.sum()), 150, 0.05)[1:]
        covered["rate"] += low <= 0.125 <= high
        excess = intervals.mean(first.astype(float) - second, 0.05)
        covered["mean"] += excess.low <= truth <= excess.high
        other = intervals.mean((random.random(80) < 0.2).astype(float) - (random.random(80) < 0.1), 0.05)
        both = intervals.difference(excess, other)
        covered["difference"] += both.low <= truth - 0.1 <= both.high
    for name, count in covered.items():
        assert 0.935 <= count / runs <= 0.98, (name, count / runs)


def test_difference_by_hand():
    first, second = intervals.Estimate(0.5, 0.4, 0.7), intervals.Estimate(0.2, 0.1, 0.25)
    expected = (0.3, 0.3 - math.hypot(0.1, 0.05), 0.3 + math.hypot(0.2, 0.1))
    assert intervals.difference(first, second) == pytest.approx(expected)


def test_mcnemar_is_the_binomial_test_of_the_discordant():
    first = np.array([1] * 9 + [0] * 2 + [1] * 5, bool)
    second = np.array([0] * 9 + [1] * 2 + [1] * 5, bool)
    assert intervals.mcnemar(first, second) == pytest.approx(2 * sum(math.comb(11, k) for k in range(3)) / 2**11)
    assert intervals.mcnemar(first, first) == 1.0


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_scipys_binomial_test(only_first, only_second):
    first = np.array([True] * only_first + [False] * only_second, dtype=bool)
    expected = stats.binomtest(only_first, only_first + only_second).pvalue if len(first) else 1.0
    assert intervals.mcnemar(first, ~first) == pytest.approx(expected)


def test_the_interval_of_a_median_lies_between_order_statistics():
    values = np.array([9.0, 1, 5, 3, 7, 2, 8, 4, 6, 10])
    # Of ten values at most one is below the median with probability 11 / 1024, at most two with 56 / 1024.
    assert intervals.median(values, 0.05) == (5.5, 2, 9)
    assert intervals.median(values[:6], 0.05) == (4, 1, 9)  # 1 / 64 on each side
    assert intervals.median(values[:5], 0.05)[0] == 5 and np.isnan(
        intervals.median(values[:5], 0.05)[1]
    )  # 1 / 32: too few
    assert np.isnan(intervals.median(np.array([]), 0.05)[0])


def test_the_interval_of_a_median_covers_it():
    draws = np.random.default_rng(0).exponential(size=(2000, 15))
    inside = [low <= np.log(2) <= high for _, low, high in (intervals.median(draw, 0.05) for draw in draws)]
    assert 0.955 < np.mean(inside) < 0.975  # exactly 0.9648
