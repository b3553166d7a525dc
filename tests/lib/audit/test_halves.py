"""Halves of a population against the same counts made half by half."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scripts.lib.audit.halves import deal_halves, everybody, right_shares, tally_halves
from scripts.lib.audit.modal import TIE_RULES, modal_labels
from scripts.lib.audit.scores import churn_within


def test_four_images_by_hand():
    # Two of four models choose. Columns: all agree; the members agree; they differ (4 is the larger); only they differ.
    votes = np.array([[2, 1, 3, 5], [2, 1, 4, 0], [2, 0, 3, 0], [2, 7, 3, 0]])
    members = np.array([[True, True, False, False]])
    inside, outside = tally_halves(votes, (members, ~members))
    assert inside.label.tolist() == [[2, 1, 4, 5]] and outside.label.tolist() == [[2, 7, 3, 0]]
    assert inside.margin.tolist() == [[2, 2, 0, 0]] and outside.margin.tolist() == [[2, 0, 2, 2]]
    assert inside.entropy[0] == pytest.approx([0, 0, math.log(2), math.log(2)], abs=1e-6)
    assert outside.disagreement.tolist() == [[0, 1, 0, 0]]


@given(
    hnp.arrays(np.int64, st.tuples(st.integers(2, 9), st.integers(1, 8)), elements=st.integers(0, 4)),
    st.integers(0, 9),
    st.sampled_from(list(TIE_RULES)),
)
def test_each_half_is_counted_as_a_population_of_its_own(votes, seed, tie_rule):
    sides = deal_halves(len(votes), 4, np.random.default_rng(seed))
    for tally, chosen in zip(tally_halves(votes, sides, tie_rule), sides, strict=True):
        for split, models in enumerate(chosen):
            half = votes[models]
            counts = np.stack([(half == label).sum(axis=0) for label in range(5)])
            ranked = np.sort(counts, axis=0)
            shares = np.where(counts > 0, counts / len(half), 1)
            assert np.array_equal(tally.label[split], modal_labels(half, tie_rule).label)
            assert np.array_equal(tally.margin[split], ranked[-1] - ranked[-2])
            assert tally.entropy[split] == pytest.approx(-(shares * np.log(shares)).sum(axis=0), abs=2e-6)
            assert tally.disagreement[split] == pytest.approx(churn_within(counts), abs=1e-6, nan_ok=True)


def test_the_right_ones_of_both_halves():
    correct = np.array([[1, 0], [1, 1], [0, 1]], dtype=bool)
    members = np.array([[True, False, False]])
    inside, outside = right_shares(correct, (members, ~members))
    assert inside.tolist() == [[1, 0]] and outside.tolist() == [[0.5, 1]]


@pytest.mark.parametrize("models", [2, 3, 7, 8])
def test_halves_are_as_large_and_every_model_is_in_each_as_often(models):
    halves = deal_halves(models, 4000, np.random.default_rng(0))
    assert not (halves[0] & halves[1]).any()
    for half in halves:  # of an odd number one model sits out
        assert (half.sum(axis=1) == models // 2).all()
        assert half.mean(axis=0) == pytest.approx([(models // 2) / models] * models, abs=0.04)
    with pytest.raises(ValueError, match="two models"):
        deal_halves(1, 5, np.random.default_rng(0))


def test_all_models_may_choose_and_splits_of_different_size_are_refused():
    votes = np.random.default_rng(0).integers(0, 3, (5, 30))
    assert np.array_equal(tally_halves(votes, everybody(5))[0].label[0], modal_labels(votes).label)
    members = np.array([[1, 1, 0, 0, 0], [1, 0, 0, 0, 0]], bool)
    with pytest.raises(ValueError, match="same number"):
        tally_halves(votes, (members, ~members))
