"""Continuous scores by hand, against scipy, and what must hold for any votes."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial import distance

from scripts.lib.audit.modal import modal_labels
from scripts.lib.audit.pies import identified_exemplars
from scripts.lib.audit.scores import (
    NO_FLIP,
    churn_between,
    churn_within,
    jensen_shannon,
    modal_flips,
    taxicab,
    vote_counts,
)

# Columns: the same votes in another order; one vote of four moves; no label in common; 2:2 against 4:0.
DENSE = np.array([[0, 5, 1, 3], [0, 5, 1, 3], [7, 5, 1, 8], [0, 5, 1, 8]])
COMPRESSED = np.array([[0, 5, 2, 3], [7, 5, 2, 3], [0, 5, 2, 3], [0, 9, 2, 3]])
VOTES = hnp.arrays(np.int64, st.tuples(st.just(5), st.integers(1, 6)), elements=st.integers(0, 4))


def shares(column, labels=10):
    return np.bincount(column, minlength=labels) / len(column)


def test_four_images_by_hand():
    counts = vote_counts(DENSE, COMPRESSED)
    assert counts[0].tolist() == [[3, 4, 4, 2], [1, 0, 0, 2]] and counts[1].tolist() == [[3, 3, 0, 4], [1, 1, 4, 0]]
    assert taxicab(*counts).tolist() == [0, 0.5, 2, 1]
    # Entropy of the mixture 1/4, 3/4 is 0.811278 bits; of it 1 bit / 2 belongs to the dense population's 2:2.
    assert jensen_shannon(*counts)[[0, 2, 3]] == pytest.approx([0, 1, 0.811278 - 0.5], abs=1e-6)
    assert churn_between(*counts) == pytest.approx([1 - 10 / 16, 1 / 4, 1, 1 / 2])
    assert churn_within(counts[0]) == pytest.approx([3 / 6, 0, 0, 4 / 6])
    assert churn_within(counts[1]) == pytest.approx([3 / 6, 3 / 6, 0, 0])


def test_flips_of_five_images_by_hand():
    dense, after = modal_labels(np.array([[1, 1, 1, 1, 1]])), modal_labels(np.array([[1, 2, 2, 2, 1]]))
    flips = modal_flips(dense, after, np.array([1, 1, 2, 3, 3]))
    assert flips.tolist() == [NO_FLIP, "right to wrong", "wrong to right", "wrong to other wrong", NO_FLIP]


@given(VOTES, VOTES)
def test_against_scipy_and_plain_loops(dense, compressed):
    n = min(dense.shape[1], compressed.shape[1])
    dense, compressed = dense[:, :n], compressed[:3, :n]  # populations of 5 and 3
    counts = vote_counts(dense, compressed)
    for image in range(n):
        first, second = shares(dense[:, image]), shares(compressed[:, image])
        assert taxicab(*counts)[image] == pytest.approx(distance.cityblock(first, second))
        expected = distance.jensenshannon(first, second, 2) ** 2
        assert jensen_shannon(*counts)[image] == pytest.approx(np.nan_to_num(expected), abs=1e-9)
        pairs = itertools.product(dense[:, image], compressed[:, image])
        assert churn_between(*counts)[image] == pytest.approx(np.mean([a != b for a, b in pairs]))
        pairs = itertools.combinations(dense[:, image], 2)
        assert churn_within(counts[0])[image] == pytest.approx(np.mean([a != b for a, b in pairs]))


@given(VOTES)
def test_the_same_votes_are_no_distance(votes):
    counts = vote_counts(votes, votes[::-1])
    assert not taxicab(*counts).any() and not jensen_shannon(*counts).any()


@given(VOTES, VOTES, st.randoms())
def test_neither_the_order_of_populations_nor_the_names_of_labels_matter(first, second, random):
    n = min(first.shape[1], second.shape[1])
    first, second = first[:, :n], second[:, :n]
    names = list(range(5))
    random.shuffle(names)
    renamed = vote_counts(np.array(names)[second], np.array(names)[first])
    for score in (taxicab, jensen_shannon, churn_between):
        assert score(*renamed) == pytest.approx(score(*vote_counts(first, second)))


def test_images_that_flip_are_the_pies():
    random = np.random.default_rng(0)
    first, second = random.integers(0, 3, (2, 5, 300))
    modes = modal_labels(first), modal_labels(second)
    assert np.array_equal(modal_flips(*modes, random.integers(0, 3, 300)) != NO_FLIP, identified_exemplars(*modes))


def test_churn_beyond_within_is_half_the_squared_distance_without_bias():
    random = np.random.default_rng(1)
    first, second = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.3, 0.6])
    votes = [random.choice(3, (4, 40_000), p=p) for p in (first, second)]
    before, after = vote_counts(*votes)
    beyond = churn_between(before, after) - (churn_within(before) + churn_within(after)) / 2
    assert beyond.mean() == pytest.approx(((first - second) ** 2).sum() / 2, abs=4 * beyond.std() / 200)


def test_one_model_has_no_churn_within_and_other_images_are_refused():
    assert np.isnan(churn_within(vote_counts(DENSE[:1], COMPRESSED)[0])).all()
    with pytest.raises(ValueError, match="must be the same"):
        vote_counts(DENSE, COMPRESSED[:, :2])
