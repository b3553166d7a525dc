"""Models dealt at random, and the modes of many subsets against the mode of each."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scripts.lib.audit.deals import deal_anew, modes_of_subsets, swap_pairs
from scripts.lib.audit.modal import TIE_RULES, modal_labels


@pytest.mark.parametrize("tie_rule", TIE_RULES)
@given(
    votes=hnp.arrays(np.int64, st.tuples(st.integers(2, 9), st.integers(1, 8)), elements=st.integers(0, 4)),
    seed=st.integers(0, 99),
)
def test_every_subset_has_the_mode_of_a_population_of_its_own(votes, seed, tie_rule):
    random = np.random.default_rng(seed)
    some = random.random((5, len(votes))) < 0.5
    some[np.arange(5), random.integers(0, len(votes), 5)] = True  # none is empty
    more = np.ones((2, len(votes)), dtype=bool)
    left = np.ones(votes.shape[1], dtype=bool)
    for images, found in modes_of_subsets(votes.astype(np.int16), [some, more], tie_rule):
        left[images] = False
        for members, labels in zip((some, more), found, strict=True):
            for row, subset in zip(labels, members, strict=True):
                assert np.array_equal(row, modal_labels(votes[subset][:, images], tie_rule).label)
    for subset in some:  # what was left out has the same mode in all of them
        assert np.array_equal(modal_labels(votes[subset], tie_rule).label[left], modal_labels(votes).label[left])


def test_a_subset_of_no_model_is_refused():
    with pytest.raises(ValueError, match="no model"):
        next(modes_of_subsets(np.zeros((2, 3), int), [np.array([[True, False], [False, False]])], "largest"))


def test_hundreds_of_models_that_all_disagree_are_counted_exactly():
    votes = np.arange(3000)[:, None].repeat(2, axis=1)  # more than single precision counts in one number
    ((images, (labels,)),) = modes_of_subsets(votes, [np.arange(3000)[None] < 2500], "largest")
    assert images.tolist() == [0, 1] and labels.tolist() == [[2499, 2499]]


def test_deals_are_partitions_and_every_model_is_as_often_in_each():
    first, second = deal_anew(3, 5, 4000, np.random.default_rng(0))
    assert (first != second).all() and (first.sum(axis=1) == 3).all()
    assert first.mean(axis=0) == pytest.approx([3 / 8] * 8, abs=0.04)


def test_swaps_keep_one_of_each_pair_on_each_side_and_are_independent():
    first, second = swap_pairs(4, 4, 4000, np.random.default_rng(0))
    assert (first != second).all() and (first[:, :4] != first[:, 4:]).all()
    stays = first[:, :4].astype(float)
    assert stays.mean(axis=0) == pytest.approx([0.5] * 4, abs=0.04)
    assert np.corrcoef(stays.T) == pytest.approx(np.eye(4), abs=0.06)
    with pytest.raises(ValueError, match="no pairs"):
        swap_pairs(3, 4, 5, np.random.default_rng(0))
