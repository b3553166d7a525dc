"""Continuous scores by hand, against scipy, and what must hold for any votes."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial import distance

from scripts.lib.audit.crossed import jackknifed
from scripts.lib.audit.intervals import mean
from scripts.lib.audit.modal import modal_labels
from scripts.lib.audit.pies import identified_exemplars
from scripts.lib.audit.scores import (
    NO_FLIP,
    churn_between,
    churn_within,
    distances,
    jensen_shannon,
    modal_flips,
    paired_churn,
    score_measures,
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


def test_the_part_of_a_model_is_what_leaving_it_out_does():
    random = np.random.default_rng(5)
    dense, compressed = random.integers(0, 3, (4, 30)), random.integers(0, 3, (3, 30))
    dense[:, :5] = compressed[:, :5] = 1
    found = score_measures(dense, compressed, "level")
    for name, values in distances(*vote_counts(dense, compressed)).items():
        measure = found[name]
        assert measure.value == pytest.approx(values.mean())
        assert measure.by_image == pytest.approx((values - values.mean()) / np.sqrt(30 * 29))
        for population, fewer in (
            ("dense", [vote_counts(np.delete(dense, model, axis=0), compressed) for model in range(4)]),
            ("level", [vote_counts(dense, np.delete(compressed, model, axis=0)) for model in range(3)]),
        ):
            means = np.array([distances(*counts)[name].mean() for counts in fewer])
            own = (len(fewer) - 1) * (means.mean() - means)
            assert measure.by_model[population] == pytest.approx(values.mean() + own)
            assert measure.parts[population].sum(axis=1) == pytest.approx(np.zeros(len(fewer)), abs=1e-5)
    agreed = score_measures(np.ones((2, 4), int), np.ones((3, 4), int), "level")
    assert agreed["taxicab"].value == 0 and np.isnan(agreed["taxicab"].estimate(0.05).low)
    few = score_measures(dense[:2], compressed, "level")["churn_excess"]  # one model has no churn within
    assert few.value == few.value and np.isnan(few.estimate(0.05).low)


def test_pairs_are_left_out_together():
    before, after = np.random.default_rng(6).integers(0, 3, (2, 4, 30))
    found = score_measures(before, after, "level", paired=True)
    for name in ("taxicab", "churn_between"):
        means = []
        for pair in range(4):
            left = np.delete(before, pair, axis=0), np.delete(after, pair, axis=0)
            means.append(distances(*vote_counts(*left), paired_churn(*left))[name].mean())
        assert list(found[name].by_model) == ["dense"]
        own = 3 * (np.mean(means) - np.array(means))
        assert found[name].by_model["dense"] == pytest.approx(found[name].value + own)


def test_churn_of_the_same_checkpoints_is_how_often_each_changes_its_mind():
    """Not how much checkpoints of different seeds differ, which is there before anything is compressed."""
    before = np.array([[0, 1, 2, 3], [0, 2, 2, 4], [0, 3, 5, 5]])
    after = np.array([[0, 1, 2, 3], [0, 2, 5, 4], [7, 3, 2, 5]])
    assert paired_churn(before, after).tolist() == pytest.approx([1 / 3, 0, 2 / 3, 0])
    same = {name: each.value for name, each in score_measures(before, before, "level", paired=True).items()}
    assert same["taxicab"] == same["jensen_shannon"] == same["churn_between"] == 0 < same["churn_within"]
    assert np.isnan(same["churn_excess"]) and np.isnan(score_measures(before, after, "x", True)["churn_excess"].value)
    counts = vote_counts(before, after)  # models 2 and 3 change in opposite ways on the third image
    assert taxicab(*counts)[2] == 0 and (taxicab(*counts) <= 2 * paired_churn(before, after) + 1e-12).all()
    with pytest.raises(ValueError, match="not of the same models"):
        paired_churn(before, after[:2])


@pytest.mark.parametrize("models", [2, 10])
def test_a_true_flip_rate_is_the_churn_of_pairs_at_any_number_of_models(models):
    random = np.random.default_rng(9)
    before = random.integers(0, 5, (models, 20_000))
    after = np.where(random.random(before.shape) < 0.05, (before + 1) % 5, before)
    found = score_measures(before, after, "level", paired=True)["churn_between"].estimate(0.001)
    assert found.value == pytest.approx((before != after).mean()) and found.low < 0.05 < found.high


def test_an_interval_over_images_alone_is_students():
    values = np.array([0.2, 0.4, 0.9, 1.0])
    same = {"dense": np.tile(values, (5, 1))}  # the values without each of five models are the same
    assert jackknifed(values, same).estimate(0.05) == pytest.approx(mean(values, 0.05))
    nothing = jackknifed(np.zeros(3), {"dense": np.zeros((2, 3))}).estimate(0.05)
    assert nothing.value == 0 and np.isnan([nothing.low, nothing.high]).all()
    assert np.isnan(jackknifed(values, {"dense": np.array([[0.1] * 4, [np.nan] * 4])}).estimate(0.05).low)


def test_excesses_that_are_none_are_found_at_about_the_rate():
    """Three populations that nothing distinguishes, of models that share their quirks over many images, or that do not."""
    runs, k, n = 60, 6, 120
    for shared in (0.7, 0.0):
        random = np.random.default_rng(6)
        excluded = dict.fromkeys(("taxicab", "jensen_shannon", "churn_between", "churn_within", "churn_excess"), 0)
        by_images = 0
        for _ in range(runs):
            ease = random.normal(0.5, 1, n)
            quirk = random.normal(0, shared, (3 * k, 1)) * random.normal(0, 1, n)
            votes = (ease + quirk + random.normal(0, 0.5, (3 * k, n)) > 0).astype(int)
            dense, control, level = votes[:k], votes[k : 2 * k], votes[2 * k :]
            own, other = score_measures(dense, level, "level"), score_measures(dense, control, "control")
            for name in excluded:
                excluded[name] += (own[name] - other[name]).p_value() <= 0.05
            scores, control_scores = distances(*vote_counts(dense, level)), distances(*vote_counts(dense, control))
            low, high = mean(scores["churn_between"] - control_scores["churn_between"], 0.05)[1:]
            by_images += low > 0 or high < 0
        assert max(excluded.values()) <= 8, excluded  # 3 of 60 expected
        assert not shared or by_images > 8  # what an interval over images alone would claim
