"""Benjamini-Hochberg against scipy, by hand, and by simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from scripts.lib.audit.multiple import benjamini_hochberg


def test_four_tests_by_hand():
    # Sorted 0.01 0.02 0.03 0.9 times 4/1, 4/2, 4/3, 4/4: 0.04 0.04 0.04 0.9.
    assert benjamini_hochberg(np.array([0.03, 0.9, 0.01, 0.02])) == pytest.approx([0.04, 0.9, 0.04, 0.04])


def test_what_was_not_tested_neither_counts_nor_is_adjusted():
    adjusted = benjamini_hochberg(np.array([0.02, np.nan, 0.5]))
    assert np.isnan(adjusted[1]) and adjusted[[0, 2]] == pytest.approx([0.04, 0.5])
    assert benjamini_hochberg(np.array([])).shape == (0,)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_is_scipys(p):
    assert benjamini_hochberg(np.array(p)) == pytest.approx(stats.false_discovery_control(p))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_never_below_p_and_in_the_order_of_p(p):
    adjusted = benjamini_hochberg(np.array(p))
    assert (adjusted >= np.array(p) * (1 - 1e-12)).all() and (adjusted <= 1).all()
    assert (np.diff(adjusted[np.argsort(p)]) >= 0).all()


def test_false_findings_stay_below_the_rate():
    random = np.random.default_rng(0)
    shares = []
    for _ in range(500):
        p = random.random(200)
        p[:40] = stats.norm.sf(random.normal(3, 1, 40))
        found = benjamini_hochberg(p) <= 0.1
        shares.append(found[40:].sum() / max(1, found.sum()))
    assert np.mean(shares) == pytest.approx(0.1 * 160 / 200, abs=0.015)
