"""Effect sizes by hand and the coverage of their intervals."""

import numpy as np
import pytest
from scipy import stats

from scripts.lib.audit.classes import class_impact, recall
from scripts.lib.audit.effects import bootstrap_intervals, hedges_g, relative_changes


def test_hedges_g_by_hand():
    # Means 0.6 and 0.4 with variances 0.02 each: d = -0.2 / sqrt(0.02); J = 1 - 3 / (4 * 2 - 1) is its usual approximation.
    dense, compressed = np.array([[0.5], [0.7]]), np.array([[0.3], [0.5]])
    g = hedges_g(np.array([-0.2]), dense, compressed)
    assert g == pytest.approx([-0.2 / np.sqrt(0.02) * 0.5642], rel=1e-3)  # J(2) = Gamma(1) / (Gamma(1/2) * 1)
    assert np.isnan(hedges_g(np.array([0.1]), dense[:1].repeat(2, axis=0), compressed[:1].repeat(2, axis=0)))


def test_hedges_g_is_unbiased():
    random = np.random.default_rng(0)
    dense, compressed = random.normal(0, 1, (20_000, 4, 1)), random.normal(0.8, 1, (20_000, 5, 1))
    g = hedges_g((compressed.mean(axis=1) - dense.mean(axis=1)), dense, compressed)
    assert g.mean() == pytest.approx(0.8, abs=4 * g.std() / np.sqrt(20_000))


def test_relative_changes_are_those_of_the_papers_test():
    random = np.random.default_rng(1)
    labels = random.integers(0, 5, 200)
    dense, compressed = (random.integers(0, 5, (6, 200)) for _ in range(2))
    recalls = recall(dense, labels, 5), recall(compressed, labels, 5)
    expected = class_impact(*recalls, (dense == labels).mean(), (compressed == labels).mean(), 0.05).change
    assert relative_changes(*recalls, np.bincount(labels) / 200) == pytest.approx(expected, abs=1e-9)


def test_intervals_need_spread_and_repeat_with_their_stream():
    labels = np.repeat([0, 1], 20)
    right = np.random.default_rng(0).random((5, 40)) < 0.7
    right[:, labels == 1] = True
    first, second = (
        bootstrap_intervals(right, right[:, ::-1], labels, 2, 120, 0.1, np.random.default_rng(3)) for _ in range(2)
    )
    assert np.array_equal(first[0], second[0]) and (first[0][0] < first[0][1]).all()
    everything = bootstrap_intervals(right | True, right | True, labels, 2, 120, 0.1, np.random.default_rng(3))
    assert not everything[0].any() and np.isnan(everything[1]).all()


def test_intervals_cover_over_models_and_images():
    """Models and images drawn anew each time; the true change is known, and that of g from very many of both."""
    random = np.random.default_rng(2)
    classes, n, models = 3, 40, 8

    def draw(models, n):
        labels = np.repeat(np.arange(classes), n)
        ease = np.repeat([0.5, 1.0, 1.5], n) + random.normal(0, 1, classes * n)
        skill = random.normal(0, 0.3, (2, models, classes))[:, :, labels] - np.array([0, 0.6])[:, None, None] * (
            labels == 0
        )
        return ease + skill + random.normal(0, 0.5, (2, models, classes * n)) > 0, labels

    def effects(right, labels):
        recalls = [recall(np.where(side, labels, -1), labels, classes) for side in right]
        change = relative_changes(*recalls, np.full(classes, 1 / classes))
        return change, hedges_g(change, *recalls)

    # Without the luck of images the truth of the change is a matter of the normal distribution.
    spread = np.sqrt(1 + 0.3**2 + 0.5**2)
    before, after = stats.norm.cdf([0.5, 1.0, 1.5] / spread), stats.norm.cdf([-0.1 / spread, 1 / spread, 1.5 / spread])
    truth = (after - before) - (after - before).mean()
    truth_g = np.mean([effects(*draw(models, n))[1] for _ in range(1500)], axis=0)
    runs, covered = 150, np.zeros((2, classes))
    for _ in range(runs):
        right, labels = draw(models, n)
        change, effect = bootstrap_intervals(*right, labels, classes, 200, 0.05, random)
        covered += [(change[0] <= truth) & (truth <= change[1]), (effect[0] <= truth_g) & (truth_g <= effect[1])]
    assert ((covered / runs >= 0.9) & (covered / runs <= 1)).all(), covered / runs


def test_of_pairs_whole_pairs_are_drawn():
    random = np.random.default_rng(8)
    labels = np.arange(300) % 3
    right = random.random((6, 300)) < random.uniform(0.3, 0.9, (6, 1))  # models that differ a lot
    change, _ = bootstrap_intervals(right, right, labels, 3, 100, 0.05, random, paired=True)
    apart, _ = bootstrap_intervals(right, right, labels, 3, 100, 0.05, random)
    assert (change == 0).all() and (apart[1] - apart[0] > 0.02).all()
