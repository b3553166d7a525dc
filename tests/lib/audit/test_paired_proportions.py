"""Tango's interval: closed forms, a likelihood maximised by scipy, McNemar at no difference, and its coverage."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, special, stats

from scripts.lib.audit.intervals import mcnemar, mcnemar_of
from scripts.lib.audit.paired_proportions import change, change_bounds, score


def most_likely(gained, lost, n, difference):
    """The score statistic with the nuisance share found by scipy: the variance at the most likely table given the difference."""
    least, most = max(0.0, -difference), (1 - difference) / 2

    def surprise(lost_share):
        shares = lost_share + difference, lost_share, 1 - 2 * lost_share - difference
        return -sum(
            special.xlogy(count, max(share, 1e-300))
            for count, share in zip((gained, lost, n - gained - lost), shares, strict=True)
        )

    found = optimize.minimize_scalar(surprise, bounds=(least, most), method="bounded", options={"xatol": 1e-13}).x
    return (gained - lost - n * difference) / np.sqrt(n * (2 * found + difference * (1 - difference)))


@pytest.mark.parametrize(("gained", "lost", "n"), [(3, 9, 50), (12, 1, 44), (20, 25, 300), (0, 6, 80)])
@pytest.mark.parametrize("difference", [-0.2, -0.05, 0.03, 0.15])
def test_the_score_is_that_of_the_most_likely_table(gained, lost, n, difference):
    assert score(gained, lost, n, difference) == pytest.approx(most_likely(gained, lost, n, difference), rel=1e-4)


def test_at_no_difference_it_is_mcnemars_statistic():
    assert score(9, 4, 100, 0.0) == pytest.approx(5 / np.sqrt(13))


def test_where_nothing_differs_the_ends_have_a_closed_form():
    z2 = stats.norm.ppf(0.975) ** 2
    assert change(0, 0, 10, 0.05) == pytest.approx((0.0, -z2 / (10 + z2), z2 / (10 + z2)))


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 60))
def test_ends_lie_around_the_change_and_turn_with_it(gained, lost, same):
    n = gained + lost + same
    if n == 0:
        assert np.isnan(change(0, 0, 0, 0.05)).all()
        return
    value, low, high = change(gained, lost, n, 0.05)
    assert -1 <= low <= value <= high <= 1
    assert change(lost, gained, n, 0.05) == pytest.approx((-value, -high, -low), abs=1e-9)
    narrower = change(gained, lost, n, 0.2)
    assert low - 1e-9 <= narrower.low and narrower.high <= high + 1e-9
    for end in (low, high):
        if abs(end) < 1:
            assert abs(score(gained, lost, n, end)) == pytest.approx(stats.norm.ppf(0.975), abs=1e-6)


def test_coverage():
    random, misses = np.random.default_rng(8), []
    for n, lost, gained in ((2000, 0.02, 0.015), (200, 0.05, 0.02), (60, 0.1, 0.1)):
        counts = random.multinomial(n, [gained, lost, 1 - gained - lost], 4000)
        low, high = change_bounds(counts[:, 0], counts[:, 1], np.full(4000, n), 0.05)
        misses.append(((low > gained - lost) | (high < gained - lost)).mean())
    assert max(misses) < 0.07 and np.mean(misses) > 0.03, misses


def test_counts_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="no more than n"):
        change(3, 3, 5, 0.05)


@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemars_exact_test_is_the_binomial_one(only_first, only_second):
    expected = stats.binomtest(only_first, only_first + only_second).pvalue if only_first + only_second else 1.0
    assert mcnemar_of(only_first, only_second) == pytest.approx(expected)
    first = np.repeat([True, False], [only_first, only_second])
    assert mcnemar(first, ~first) == pytest.approx(expected)
