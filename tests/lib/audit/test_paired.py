"""The exact tests of pairs against all swaps made one by one."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from scripts.lib.audit import paired
from scripts.lib.audit.paired import paired_right_test, paired_taxicab_test


def distance(first, second):
    labels = set(first) | set(second)
    return sum(abs(list(first).count(label) - list(second).count(label)) for label in labels)


def by_every_swap(before, after):
    observed, extreme = distance(before, after), 0
    for swap in product([False, True], repeat=len(before)):
        extreme += distance(np.where(swap, after, before), np.where(swap, before, after)) >= observed
    return extreme / 2 ** len(before)


def test_four_images_by_hand():
    # Four checkpoints. Nothing changes; one changes; all change one way; three change one way and one back.
    before = np.array([[0, 0, 0, 0], [0, 0, 0, 0], [1, 1, 0, 0], [2, 2, 0, 1]])
    after = np.array([[0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 1, 1], [2, 3, 1, 0]])
    assert paired_taxicab_test(before, after).tolist() == [1, 1, 2 / 16, 10 / 16]
    assert paired_right_test(before == 0, after == 0).tolist() == [1, 1, 2 / 16, 10 / 16]


@given(hnp.arrays(np.int64, st.tuples(st.just(2), st.integers(1, 7), st.integers(1, 4)), elements=st.integers(0, 4)))
def test_counts_every_swap(votes):
    before, after = votes
    expected = [by_every_swap(before[:, image], after[:, image]) for image in range(votes.shape[2])]
    assert paired_taxicab_test(before, after) == pytest.approx(expected, abs=1e-12)
    assert paired_taxicab_test(after, before) == pytest.approx(expected, abs=1e-12)


def test_right_ones_are_scipys_binomial_test():
    before, after = np.random.default_rng(0).random((2, 9, 40)) < 0.5
    for p, first, second in zip(paired_right_test(before, after), before.T, after.T, strict=True):
        lost, changed = int((first & ~second).sum()), int((first != second).sum())
        assert p == pytest.approx(stats.binomtest(lost, changed).pvalue if changed else 1)


def test_thirty_pairs_that_all_change_one_way():
    p = paired_taxicab_test(np.zeros((30, 1), int), np.ones((30, 1), int))
    assert p.tolist() == [2.0**-29]


def test_false_positives_are_at_most_as_frequent_as_they_say():
    random = np.random.default_rng(3)
    votes = random.integers(0, 3, (2, 12, 400))
    p = paired_taxicab_test(*votes)
    assert (p <= 0.05).mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


def test_a_count_that_would_take_too_long_is_undefined(monkeypatch):
    before, after = np.array([[0], [1], [2]]), np.array([[1], [2], [0]])
    monkeypatch.setattr(paired, "STATES", 3)
    assert np.isnan(paired_taxicab_test(before, after)).all()


def test_other_models_or_images_are_refused():
    with pytest.raises(ValueError, match="not of the same models"):
        paired_taxicab_test(np.zeros((2, 3), int), np.zeros((3, 3), int))
