"""Benjamini-Hochberg and Holm against scipy, by hand, and by simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from scripts.lib.audit.multiple import benjamini_hochberg, holm


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


def test_holm_by_hand():
    # Sorted 0.01 0.02 0.03 0.9 times 4, 3, 2, 1: 0.04 0.06 0.06 0.9, never falling.
    found = holm(np.array([0.03, 0.9, np.nan, 0.01, 0.02]))
    assert found[[0, 1, 3, 4]] == pytest.approx([0.06, 0.9, 0.04, 0.06]) and np.isnan(found[2])
    assert holm(np.array([])).shape == (0,) and holm(np.array([0.4, 0.7])).tolist() == [0.8, 0.8]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.sampled_from([0.01, 0.05, 0.2]))
def test_holm_rejects_as_step_by_step(p, alpha):
    p = np.array(p)
    rejected, left = set(), sorted(range(len(p)), key=lambda place: p[place])
    while left and p[left[0]] * len(left) <= alpha:
        rejected.add(left.pop(0))
    assert set(np.flatnonzero(holm(p) <= alpha)) == rejected


def test_holm_bounds_the_chance_of_any_false_finding():
    random = np.random.default_rng(0)
    false = sum(holm(np.concatenate([random.random(8), np.zeros(2)]))[:8].min() <= 0.05 for _ in range(2000))
    assert false <= stats.binom.ppf(0.999, 2000, 0.05)
