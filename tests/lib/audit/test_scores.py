"""Continuous scores by hand, against scipy, and what must hold for any votes."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial import distance

from scripts.lib.audit.intervals import mean
from scripts.lib.audit.modal import modal_labels
from scripts.lib.audit.pies import identified_exemplars
from scripts.lib.audit.scores import (
    NO_FLIP,
    churn_between,
    churn_within,
    distances,
    jensen_shannon,
    left_out_means,
    mean_over_images_and_models,
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


def test_means_without_a_model_are_those_of_the_other_models():
    random = np.random.default_rng(5)
    dense, compressed = random.integers(0, 3, (4, 30)), random.integers(0, 3, (3, 30))
    dense[:, :5] = compressed[:, :5] = 1
    without_dense, without_compressed = left_out_means(dense, compressed)
    for model in range(4):
        scores = distances(*vote_counts(np.delete(dense, model, axis=0), compressed))
        assert {name: without_dense[name][model] for name in scores} == pytest.approx(
            {name: score.mean() for name, score in scores.items()}
        )
    for model in range(3):
        scores = distances(*vote_counts(dense, np.delete(compressed, model, axis=0)))
        assert {name: without_compressed[name][model] for name in scores} == pytest.approx(
            {name: score.mean() for name, score in scores.items()}
        )
    agreed = left_out_means(np.ones((2, 4), int), np.ones((3, 4), int))
    assert not agreed[0]["taxicab"].any() and np.isnan(agreed[1]["churn_within"]).sum() == 0
    assert np.isnan(left_out_means(dense[:2], compressed)[0]["churn_excess"]).all()  # one model has no churn within


def test_pairs_are_left_out_together():
    before, after = np.random.default_rng(6).integers(0, 3, (2, 4, 30))
    (without,) = left_out_means(before, after, "paired")
    for pair in range(4):
        scores = distances(*vote_counts(np.delete(before, pair, axis=0), np.delete(after, pair, axis=0)))
        assert {name: without[name][pair] for name in scores} == pytest.approx(
            {name: score.mean() for name, score in scores.items()}
        )


def test_an_interval_over_images_alone_is_students():
    values = np.array([0.2, 0.4, 0.9, 1.0])
    assert mean_over_images_and_models(values, [np.full(5, 0.6)], 0.05) == pytest.approx(mean(values, 0.05))
    assert mean_over_images_and_models(np.zeros(3), [np.zeros(2)], 0.05) == (0, 0, 0)
    assert np.isnan(mean_over_images_and_models(values, [np.array([0.1, np.nan])], 0.05).low)


def test_excesses_that_are_none_are_found_at_about_the_rate():
    """Three populations that nothing distinguishes, of models that share their quirks over many images."""
    random = np.random.default_rng(6)
    runs, k, n = 200, 6, 150
    excluded = dict.fromkeys(("taxicab", "jensen_shannon", "churn_between", "churn_within", "churn_excess"), 0)
    by_images = 0
    for _ in range(runs):
        ease = random.normal(0.5, 1, n)
        quirk = random.normal(0, 0.7, (3 * k, 1)) * random.normal(0, 1, n) + random.normal(0, 0.2, (3 * k, 1))
        votes = (ease + quirk + random.normal(0, 0.5, (3 * k, n)) > 0).astype(int)
        dense, control, level = votes[:k], votes[k : 2 * k], votes[2 * k :]
        without, control_without = left_out_means(dense, level), left_out_means(dense, control)
        scores, control_scores = distances(*vote_counts(dense, level)), distances(*vote_counts(dense, control))
        for name in excluded:
            own, other = ([side[name] for side in sides] for sides in (without, control_without))
            values = scores[name] - control_scores[name]
            low, high = mean_over_images_and_models(values, [own[0] - other[0], own[1], other[1]], 0.05)[1:]
            excluded[name] += low > 0 or high < 0
        low, high = mean(scores["churn_between"] - control_scores["churn_between"], 0.05)[1:]
        by_images += low > 0 or high < 0
    assert max(excluded.values()) / runs < 0.09, excluded
    assert by_images / runs > 0.15  # what an interval over images alone would claim
