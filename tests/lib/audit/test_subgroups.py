"""Rates of groups against plain loops, scipy and sklearn, and their intervals against simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import multilabel_confusion_matrix

from scripts.lib.audit.crossed import Measure, undefined
from scripts.lib.audit.subgroups import accuracy, false_negative_rate, false_positive_rate, relative_change, share


def drawn(seed, models=4, images=60, classes=4, right=0.6):
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, images)
    votes = np.where(random.random((models, images)) < right, labels, random.integers(0, classes, (models, images)))
    return votes, labels, random.random(images) < 0.6


@given(st.integers(0, 10_000), st.sampled_from([None, 0, 2]))
def test_rates_are_those_of_confusion_matrices(seed, positive):
    votes, labels, members = drawn(seed)
    counts = np.bincount(labels[members], minlength=4)
    positives, negatives = [], []
    for model in votes:
        matrices = multilabel_confusion_matrix(labels[members], model[members], labels=range(4))
        both = [
            (fp / (fp + tn) if fp + tn >= 2 else None, fn / (fn + tp) if counts[c] >= 2 else None)
            for c, ((tn, fp), (fn, tp)) in enumerate(matrices)
            if positive in (None, c)
        ]
        positives.append([each for each, _ in both if each is not None])
        negatives.append([each for _, each in both if each is not None])
    if all(map(len, positives)):
        found = false_positive_rate("x", votes, labels, members, 4, positive)
        assert found.value == pytest.approx(np.mean([np.mean(each) for each in positives]))
        assert found.by_model["x"] == pytest.approx([np.mean(each) for each in positives])
        assert found.by_image.sum() == pytest.approx(0, abs=1e-12)
    if all(map(len, negatives)):
        found = false_negative_rate("x", votes, labels, members, positive)
        assert found.value == pytest.approx(np.mean([np.mean(each) for each in negatives]))
        assert found.by_image.sum() == pytest.approx(0, abs=1e-12)
    assert accuracy("x", votes, labels, members).value == pytest.approx((votes == labels)[:, members].mean())


def test_the_variance_over_images_is_that_of_a_t_test_and_of_a_stratified_mean():
    votes, labels, members = drawn(0)
    everybody = (votes == labels).mean(axis=0)
    own = everybody[members]
    assert (accuracy("x", votes, labels, members).by_image ** 2).sum() == pytest.approx(own.var(ddof=1) / len(own))
    stratified = [
        everybody[members & (labels == c)].var(ddof=1) / (members & (labels == c)).sum() / 16 for c in range(4)
    ]
    found = false_negative_rate("x", votes, labels, members)
    assert (found.by_image**2).sum() == pytest.approx(sum(stratified))


def test_the_same_images_are_compared_pair_by_pair_and_others_as_by_welch():
    (votes, labels, members), (other, _, _) = drawn(1), drawn(2)
    first, second = (accuracy(name, each, labels, members) for name, each in (("a", votes), ("b", other)))
    outside = accuracy("a", votes, labels, ~members)
    first, second, outside = (Measure(m.value, m.by_image, {}, {}, m.images) for m in (first, second, outside))
    a, b = ((each == labels).mean(axis=0)[members] for each in (votes, other))
    assert (first - second).p_value() == pytest.approx(stats.ttest_rel(a, b).pvalue)
    low, high = stats.ttest_rel(a, b).confidence_interval(0.9)
    assert (first - second).estimate(0.1)[1:] == pytest.approx((low, high))
    c = (votes == labels).mean(axis=0)[~members]
    assert ((first - outside).by_image ** 2).sum() == pytest.approx(a.var(ddof=1) / len(a) + c.var(ddof=1) / len(c))


def test_models_of_two_populations_are_compared_as_by_welch_and_the_same_models_pair_by_pair():
    random = np.random.default_rng(0)
    before, after = random.random(6), random.random(6)
    nothing = np.zeros(5)
    apart, paired = (
        Measure(after.mean(), nothing, {name: after}, {}, 5) - Measure(before.mean(), nothing, {"dense": before}, {}, 5)
        for name in ("level", "dense")
    )
    assert apart.p_value() == pytest.approx(stats.ttest_ind(after, before, equal_var=False).pvalue)
    assert paired.p_value() == pytest.approx(stats.ttest_rel(after, before).pvalue)


def test_nothing_is_called_different_more_often_than_it_should_be():
    # Two populations of the same kind; models and images both vary.
    random, called, trials = np.random.default_rng(0), 0, 400
    for _ in range(trials):
        labels, members = random.integers(0, 3, 90), np.arange(90) < 40
        difficulty = random.normal(0, 1.5, 90)
        sides = [
            np.where(
                difficulty + random.normal(0, 1, (5, 90)) + random.normal(0, 0.3, (5, 1)) < 0.5, labels, labels + 1
            )
            for _ in range(2)
        ]
        change = {
            inside: accuracy("b", sides[1], labels, chosen) - accuracy("a", sides[0], labels, chosen)
            for inside, chosen in ((True, members), (False, ~members))
        }
        called += (change[True] - change[False]).p_value() <= 0.05
    assert called / trials < 0.05 + 3 * math.sqrt(0.05 * 0.95 / trials)


def test_a_positive_class_by_hand():
    labels, votes = np.array([1, 1, 0, 0, 0]), np.array([[1, 0, 1, 0, 0], [1, 0, 0, 0, 0]])
    everything = np.ones(5, bool)
    assert false_negative_rate("x", votes, labels, everything, 1).value == 0.5
    assert false_positive_rate("x", votes, labels, everything, 2, 1).value == pytest.approx(1 / 6)
    assert false_positive_rate("x", votes, labels, labels == 1, 2, 1).reason == "no image of another class"
    assert false_negative_rate("x", votes, labels, labels == 0, 1).reason == "no image of the positive class"


def test_what_is_undefined_says_why_and_stays_undefined():
    nothing = accuracy("x", np.zeros((2, 3), int), np.zeros(3, int), np.zeros(3, bool))
    something = accuracy("x", np.zeros((2, 3), int), np.zeros(3, int), np.ones(3, bool))
    assert nothing.reason == "no image" and (something - nothing).reason == "no image"
    assert all(map(math.isnan, (nothing - something).estimate(0.05))) and math.isnan(nothing.p_value())
    assert all(map(math.isnan, share(undefined(3, "why"), 0.05)))
    lonely = false_negative_rate("x", np.zeros((2, 3), int), np.array([0, 1, 2]), np.ones(3, bool))
    assert lonely.reason == "no class has 2 images"


def test_rates_without_spread_are_not_certain():
    perfect = accuracy("x", np.zeros((3, 10), int), np.zeros(10, int), np.ones(10, bool))
    expected = stats.binomtest(10, 10).proportion_ci(0.95, method="wilson")
    assert share(perfect, 0.05) == pytest.approx((1, expected.low, expected.high))
    change = perfect - perfect
    assert change.value == 0 and math.isnan(change.estimate(0.05).low) and math.isnan(change.p_value())


def test_relative_change_is_on_the_scale_of_ratios():
    votes, labels, members = drawn(3)
    dense, level = accuracy("a", votes, labels, members), accuracy("b", drawn(4)[0], labels, members)
    value, low, high = relative_change(level, dense, 0.05)
    assert value == pytest.approx(level.value / dense.value - 1) and low < value < high
    assert (1 + low) * (1 + high) == pytest.approx((1 + value) ** 2)
    never = accuracy("b", labels[None] + 1, labels, members)
    assert relative_change(never, dense, 0.05).value == -1 and math.isnan(relative_change(dense, never, 0.05).value)
