"""Ratios and differences against scipy, a published example, plain loops and the bootstrap."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from scripts.lib.audit import over_indexing as oi


def test_the_interval_of_a_ratio_is_that_of_koopmans_example():
    assert oi.risk_ratio(36, 40, 16, 80, 0.05) == pytest.approx((4.5, 2.94, 7.15), abs=0.01)


counts = st.tuples(st.integers(1, 40), st.integers(1, 60)).flatmap(
    lambda of: st.tuples(st.integers(0, of[0]), st.just(of[0]), st.integers(0, of[1]), st.just(of[1]))
)


@given(counts)
def test_the_ends_of_a_ratios_interval_are_just_rejected(table):
    x, m, y, n = table
    value, low, high = oi.risk_ratio(x, m, y, n, 0.05)
    if x + y == 0:
        assert math.isnan(value)
        return
    assert low <= value <= high and (low == 0) == (x == 0) and (high == math.inf) == (y == 0)
    for end in (low, high):
        if 0 < end < math.inf:
            assert likelihood_score(x, m, y, n, end) == pytest.approx(stats.chi2.ppf(0.95, 1), rel=1e-3)


def likelihood_score(x, m, y, n, ratio):
    """Pearson's statistic at the likelihood's maximum under p_x = ratio p_y, found by a general optimizer."""

    def loss(q):
        return -(stats.binom.logpmf(x, m, min(1.0, ratio * q)) + stats.binom.logpmf(y, n, q))

    top = min(1.0, 1 / ratio)
    q = optimize.minimize_scalar(loss, bounds=(0, top), method="bounded", options={"xatol": 1e-12}).x
    p = ratio * q
    return (x - m * p) ** 2 / (m * p * (1 - p)) + (y - n * q) ** 2 / (n * q * (1 - q))


def test_a_ratios_interval_covers_also_where_counts_are_small():
    random, trials, covered = np.random.default_rng(0), 2000, 0
    for x, y in zip(random.binomial(30, 0.1, trials), random.binomial(300, 0.05, trials), strict=True):
        _, low, high = oi.risk_ratio(int(x), 30, int(y), 300, 0.05)
        covered += low <= 2 <= high
    assert 0.935 < covered / trials < 0.975


def test_empty_groups_and_absent_properties_have_no_ratio():
    assert math.isnan(oi.risk_ratio(0, 0, 3, 5, 0.05).value) and math.isnan(oi.risk_ratio(0, 4, 0, 5, 0.05).low)
    with pytest.raises(ValueError):
        oi.risk_ratio(5, 4, 0, 5, 0.05)


@given(counts)
def test_fisher_is_scipys(table):
    x, m, y, n = table
    assert oi.fisher_p(x, m, y, n) == pytest.approx(stats.fisher_exact([[x, m - x], [y, n - y]]).pvalue, rel=1e-6)


@given(st.integers(0, 10_000), st.integers(2, 20))
def test_mann_whitney_is_scipys(seed, values):
    random = np.random.default_rng(seed)
    value, chosen = random.integers(0, values, 30).astype(float), random.random(30) < 0.4
    found = oi.mann_whitney_p(value, chosen)
    if not 0 < chosen.sum() < 30 or len(set(value)) < 2:
        assert math.isnan(found)
        return
    expected = stats.mannwhitneyu(value[chosen], value[~chosen], method="asymptotic").pvalue
    assert found == pytest.approx(expected, rel=1e-9)


def test_the_log_ratio_has_katzs_variance():
    random = np.random.default_rng(0)
    has, chosen = random.random(200) < 0.3, random.random(200) < 0.4
    a, n, c, m = (has & chosen).sum(), chosen.sum(), (has & ~chosen).sum(), (~chosen).sum()
    value, part = oi.log_ratio_influence(has, chosen)
    assert value == pytest.approx(math.log(a / n / (c / m)))
    assert (part**2).sum() == pytest.approx(1 / a - 1 / n + 1 / c - 1 / m)
    assert math.isnan(oi.log_ratio_influence(has & chosen, chosen)[0])


def test_a_ratio_of_ratios_has_the_spread_of_resampled_images():
    random = np.random.default_rng(1)
    has = random.random(1500) < 0.2
    shared = random.random(1500) < np.where(has, 0.2, 0.1)
    chosen, control = (shared | (random.random(1500) < np.where(has, extra, 0.05)) for extra in (0.2, 0.05))
    (value, low, high), p = oi.ratio_of_ratios(has, chosen, control, 0.05)
    resampled = []
    for _ in range(600):
        rows = random.integers(0, 1500, 1500)
        resampled.append(math.log(ratio(has[rows], chosen[rows]) / ratio(has[rows], control[rows])))
    assert value == pytest.approx(ratio(has, chosen) / ratio(has, control))
    error = (math.log(high) - math.log(low)) / 2 / stats.norm.ppf(0.975)
    assert error == pytest.approx(np.std(resampled), rel=0.12)
    assert p == pytest.approx(2 * stats.norm.sf(abs(math.log(value)) / error))


def ratio(has, chosen):
    return has[chosen].mean() / has[~chosen].mean()


def test_the_same_pies_cannot_be_told_apart():
    has, chosen = np.arange(20) % 3 == 0, np.arange(20) % 2 == 0
    (value, low, _), p = oi.ratio_of_ratios(has, chosen, chosen, 0.05)
    assert value == 1 and math.isnan(low) and math.isnan(p)


def test_mean_difference_is_welchs():
    random = np.random.default_rng(2)
    values, chosen = random.normal(0, 1, 50) ** 2, random.random(50) < 0.3
    expected = stats.ttest_ind(values[chosen], values[~chosen], equal_var=False).confidence_interval(0.9)
    found = oi.student(*oi.mean_difference(values, chosen), 0.1)
    assert found.value == pytest.approx(values[chosen].mean() - values[~chosen].mean())
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert math.isnan(oi.mean_difference(values, np.arange(50) == 0)[0])


def test_rounding_of_equal_numbers_is_no_spread():
    values, chosen = np.full(30, 0.1), np.arange(30) < 13  # whose mean of 13 or of 17 is not 0.1 to the last digit
    assert values[chosen].mean() != values[~chosen].mean()
    found = oi.student(*oi.mean_difference(values, chosen), 0.05)
    assert found.value == 0 and math.isnan(found.low)


def test_a_difference_of_means_from_parts_is_students():
    values = np.random.default_rng(4).normal(0.3, 1, 12)
    parts = (values - values.mean()) / np.sqrt(12 * 11)
    test = stats.ttest_1samp(values, 0)
    estimate, p = oi.from_parts(values.mean(), parts, 0.05, degrees=11)
    assert p == pytest.approx(test.pvalue) and estimate[1:] == pytest.approx(test.confidence_interval(0.95))
    assert oi.from_parts(values.mean(), parts, 0.05)[1] == pytest.approx(2 * stats.norm.sf(abs(test.statistic)))
