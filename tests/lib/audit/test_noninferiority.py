"""One-sided tests against a margin: references, duality with the intervals, and error rates at the margin."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from scripts.lib.audit.intervals import Estimate
from scripts.lib.audit.noninferiority import (
    ACCEPTED,
    INCONCLUSIVE,
    REJECTED,
    error_of,
    images_to_decide,
    loss_of_pairs,
    no_surer_than_unseen,
    of_all,
    of_normal,
    share,
    unseen,
    verdict,
)
from scripts.lib.audit.paired_proportions import change, score


@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 300), st.floats(0.001, 0.3))
def test_a_loss_is_accepted_only_where_the_one_sided_interval_ends_below_the_margin(gained, lost, same, margin):
    n = gained + lost + same
    better, worse = loss_of_pairs(np.array([gained]), np.array([lost]), np.array([n]), margin)
    turned = change(gained, lost, n, 0.1)
    least, most = -turned.high, -turned.low
    if abs(most - margin) > 1e-6 and abs(least - margin) > 1e-6:
        assert most < margin or better[0] > 0.05
        assert least > margin or worse[0] > 0.05


@given(st.integers(0, 30), st.integers(1, 300), st.floats(0.001, 0.3))
def test_where_nothing_is_gained_a_loss_is_tested_at_least_as_strictly_as_a_share(lost, same, margin):
    n = lost + same
    better, worse = loss_of_pairs(np.array([0]), np.array([lost]), np.array([n]), margin)
    exact = share(lost, n, margin)
    assert better[0] >= exact.better - 1e-12 and worse[0] >= exact.worse - 1e-12


@pytest.mark.parametrize(("count", "n", "margin"), [(0, 40, 0.05), (3, 40, 0.05), (7, 40, 0.05), (40, 40, 0.9)])
def test_a_share_is_tested_by_the_exact_binomial_test(count, n, margin):
    found = share(count, n, margin)
    assert found.better == pytest.approx(stats.binomtest(count, n, margin, alternative="less").pvalue)
    assert found.worse == pytest.approx(stats.binomtest(count, n, margin, alternative="greater").pvalue)


def test_an_estimate_with_its_error():
    assert of_normal(0.02, 0.01, 0.05) == pytest.approx((stats.norm.sf(3), stats.norm.cdf(3)))
    assert of_normal(0.02, 0.01, 0.05, 4) == pytest.approx((stats.t.sf(3, 4), stats.t.cdf(3, 4)))
    assert np.isnan(of_normal(0.02, 0.0, 0.05)).all() and np.isnan(share(0, 0, 0.1)).all()
    assert error_of(Estimate(0.0, -1.96, 1.96), 0.05) == pytest.approx(1.0, rel=1e-4)


def test_nothing_that_changed_is_no_certainty():
    assert unseen(58, 0.05).better > 0.05 > unseen(59, 0.05).better
    assert images_to_decide(0.0, 0.0, 0.05, 20, 0.05) == 59
    sure = of_normal(0.001, 0.0001, 0.05)
    assert no_surer_than_unseen(sure, 20, 0.05) == (unseen(20, 0.05).better, sure.worse)
    assert no_surer_than_unseen(of_normal(0.04, 0.01, 0.05), 1000, 0.05) == of_normal(0.04, 0.01, 0.05)


def test_all_must_keep_a_promise_and_any_may_break_it():
    assert of_all(np.array([0.01, 0.2, 0.03]), np.array([0.9, 0.01, 0.5])) == pytest.approx((0.2, 0.03))
    unsure = of_all(np.array([0.01, np.nan]), np.array([0.9, np.nan]))
    assert np.isnan(unsure.better) and unsure.worse == 1.0
    assert of_all(np.array([1.0, np.nan]), np.array([1e-9, np.nan])).worse == pytest.approx(2e-9)  # broken all the same
    assert np.isnan(of_all(np.array([]), np.array([]))).all()


def test_as_many_images_as_are_named_decide():
    n = images_to_decide(0.005, 0.004, 0.01, 1000, 0.05)
    error = 0.004 * np.sqrt(1000 / n)
    assert stats.norm.cdf((0.01 - 0.005) / error - stats.norm.ppf(0.95)) == pytest.approx(0.8, abs=1e-3)
    assert np.isnan(images_to_decide(0.005, 0.004, 0.01, 1000, 0.05, others=0.01))
    assert np.isnan(images_to_decide(0.01, 0.004, 0.01, 1000, 0.05))


def test_verdicts():
    assert [verdict(*p, 0.05) for p in ((0.01, 0.99), (0.97, 0.03), (0.4, 0.6), (np.nan, np.nan))] == [
        ACCEPTED,
        REJECTED,
        INCONCLUSIVE,
        INCONCLUSIVE,
    ]


def test_errors_at_the_margin_are_as_frequent_as_they_may_be():
    n, margin, gained = 1500, 0.01, 0.01
    counts = np.random.default_rng(5).multinomial(n, [gained, margin + gained, 1 - margin - 2 * gained], 6000)
    better, worse = loss_of_pairs(counts[:, 0], counts[:, 1], np.full(6000, n), margin)
    for p in (better, worse):
        assert 0.03 < (p <= 0.05).mean() < 0.07


def test_many_images_are_judged_by_tangos_test():
    better, worse = loss_of_pairs(np.array([80, 80]), np.array([90, 150]), np.array([5000, 5000]), 0.01)
    z = score(np.array([80, 80]), np.array([90, 150]), 5000, -0.01)
    assert better[0] == pytest.approx(stats.norm.sf(z[0])) and worse[1] == pytest.approx(stats.norm.cdf(z[1]))
