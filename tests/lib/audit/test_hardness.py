"""Averages over splits by hand, against scipy, and the coverage of their intervals over images."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from scripts.lib.audit.hardness import auc, grades, match, matched_mean, mean_of, weighted_mean
from scripts.lib.audit.intervals import mean


def test_two_splits_of_four_images_by_hand():
    weights = np.array([[1, 1, 0, 0], [0, 0, 0, 1]], dtype=np.float32)
    values = np.array([[0, 1, 1, 1], [0, 0, 0, 0.25]], dtype=np.float32)
    average = weighted_mean(weights, values)
    assert average.value == (0.5 + 0.25) / 2 and average.splits == 2
    # In the first split the first two images pull it down and up by 0.5 / 2 each; half of that in the mean of two splits, times n = 4.
    assert average.influence == pytest.approx([-0.5, 0.5, 0, 0])


def test_splits_without_weight_are_left_out():
    weights = np.array([[0, 0], [1, 1]], dtype=np.float32)
    average = weighted_mean(weights, np.array([[0, 0], [0, 1]], dtype=np.float32))
    assert (average.value, average.splits) == (0.5, 1)
    nothing = weighted_mean(weights[:1], weights[:1])
    assert np.isnan(nothing.value) and np.isnan(nothing.estimate(0.05).value)
    assert mean_of([nothing, average]).value == 0.5 and mean_of([nothing, nothing]).splits == 0


def test_parts_of_the_splits_add_up():
    random = np.random.default_rng(0)
    weights, values = random.random((2, 7, 20)).astype(np.float32)
    whole = weighted_mean(weights, values)
    parts = mean_of([weighted_mean(weights[:3], values[:3]), weighted_mean(weights[3:], values[3:])])
    assert parts.value == pytest.approx(whole.value) and parts.influence == pytest.approx(whole.influence, abs=1e-6)


@given(hnp.arrays(np.float64, st.integers(2, 30), elements=st.floats(0, 1)))
def test_of_one_split_with_equal_weights_it_is_students_interval(values):
    assume(np.ptp(values) > 1e-6)
    estimate = weighted_mean(np.ones((1, len(values))), values[None]).estimate(0.05)
    assert estimate == pytest.approx(mean(values, 0.05), abs=1e-9)


def test_influence_is_what_one_more_such_image_does():
    random = np.random.default_rng(1)
    weights, values, scores = random.random((3, 3, 40))
    chosen = scores + values > 1
    step = 1e-6
    plain = weighted_mean(weights, values)
    for image in (0, 17):
        more = weights.copy()
        more[:, image] *= 1 + step
        moved = (weighted_mean(more, values).value - plain.value) / step * 40
        assert moved == pytest.approx(plain.influence[image], rel=1e-3)
    # The others take no weights: every image 500 times, and one of them once more.
    margin = (5 * scores).astype(int)
    for statistic in (
        lambda images: auc(grades(scores[:, images]), chosen[:, images]),
        lambda images: matched_mean(match(chosen[:, images], margin[:, images]), values[:, images]),
    ):
        often = np.repeat(np.arange(40), 500)
        plain = statistic(np.arange(40))
        for image in (5, 6, 7, 8):
            moved = statistic(np.append(often, image)).value - statistic(often).value
            assert moved * (len(often) + 1) == pytest.approx(plain.influence[image], rel=0.01, abs=0.01)


def test_matches_by_hand():
    # Margins 3 3 0 1 and chosen the first: no other has 3 but the second. Then chosen are 3 and 0: 3 has its match, 0 takes the 1.
    margin = np.array([[3, 3, 0, 1], [3, 3, 0, 1]])
    chosen = np.array([[True, False, False, False], [True, False, True, False]])
    assert match(chosen, margin).weights.tolist() == [[0, 1, 0, 0], [0, 1, 0, 1]]
    # Of two equally near the smaller, and equal ones share.
    margin, chosen = np.array([[2, 1, 3, 1]]), np.array([[True, False, False, False]])
    assert match(chosen, margin).weights.tolist() == [[0, 0.5, 0, 0.5]]
    assert not match(np.ones((1, 3), bool), np.array([[1, 2, 3]])).weights.any()


@given(
    hnp.arrays(np.int64, st.tuples(st.integers(1, 3), st.integers(2, 20)), elements=st.integers(0, 5)),
    st.integers(0, 99),
)
def test_matches_have_the_number_of_the_chosen_and_their_margins_where_there_are_any(margin, seed):
    chosen = np.random.default_rng(seed).random(margin.shape) < 0.4
    weights = match(chosen, margin).weights
    for split in range(len(margin)):
        if chosen[split].all():
            assert not weights[split].any()
            continue
        assert weights[split].sum() == pytest.approx(chosen[split].sum(), rel=1e-5)
        assert not weights[split][chosen[split]].any()
        if set(margin[split][chosen[split]]) <= set(margin[split][~chosen[split]]):
            assert (weights[split] * margin[split]).sum() == pytest.approx(margin[split][chosen[split]].sum(), rel=1e-5)


@given(st.integers(0, 99))
def test_the_mean_of_the_matches_is_that_by_their_weights(seed):
    random = np.random.default_rng(seed)
    margin, chosen = random.integers(0, 6, (3, 30)), random.random((3, 30)) < 0.3
    chosen[2] = seed % 2 == 0  # none or all are chosen: the split is left out
    values = random.random((3, 30)).astype(np.float32)
    matching = match(chosen, margin)
    assert matched_mean(matching, values).value == pytest.approx(
        weighted_mean(matching.weights, values).value, rel=1e-5
    )
    assert matched_mean(matching, values).splits == 2


@given(st.integers(0, 200), st.integers(2, 60))
def test_auc_is_scipys_mann_whitney_with_delongs_variance(seed, images):
    random = np.random.default_rng(seed)
    scores, chosen = random.integers(0, 6, images) / 5, random.random(images) < 0.4
    chosen[:2] = [True, False]
    found = auc(grades(scores[None]), chosen[None])
    those, others = scores[chosen], scores[~chosen]
    expected = stats.mannwhitneyu(those, others).statistic / (len(those) * len(others))
    assert found.value == pytest.approx(expected)
    placed = (others < those[:, None]) + 0.5 * (others == those[:, None])
    variance = placed.mean(axis=1).var() / len(those) + placed.mean(axis=0).var() / len(others)
    assert (found.influence**2).sum() / images**2 == pytest.approx(variance, abs=1e-6)


def test_auc_of_what_is_undefined():
    alike = auc(grades(np.ones((1, 4))), np.array([[True, False, False, True]]))
    assert alike.value == 0.5 and np.isnan(alike.estimate(0.05).low)  # equal scores are no certainty
    assert grades(np.array([[0.1, np.nan]])) is None
    assert np.isnan(auc(None, np.array([[True, False]])).value)
    assert np.isnan(auc(grades(np.array([[0.1, 0.2]])), np.array([[True, True]])).value)


def test_intervals_cover_at_about_their_level():
    """Samples of 300 from 30,000 images that the same models judged in the same splits."""
    random = np.random.default_rng(4)
    splits, world, n = 6, 30_000, 300
    difficulty = random.beta(0.6, 1.2, world)
    chosen = random.random((splits, world)) < 0.05 + 0.5 * difficulty
    margin = random.binomial(5, 1 - 0.8 * difficulty, (splits, world))
    right = (random.binomial(5, 1 - difficulty, (splits, world)) / 5 * np.where(chosen, 0.8, 1)).astype(np.float32)

    def statistics_of(images):
        those, margins, shares = chosen[:, images], margin[:, images], right[:, images]
        pies, matched = weighted_mean(those, shares), matched_mean(match(those, margins), shares)
        return {"pies": pies, "matched": matched, "gap": pies - matched, "auc": auc(grades(-margins / 5), those)}

    truth = {name: average.value for name, average in statistics_of(np.arange(world)).items()}
    runs = 400
    covered = dict.fromkeys(truth, 0)
    for _ in range(runs):
        for name, average in statistics_of(random.integers(0, world, n)).items():
            estimate = average.estimate(0.05)
            covered[name] += estimate.low <= truth[name] <= estimate.high
    for name, count in covered.items():
        assert 0.92 <= count / runs <= 0.985, (name, count / runs)
