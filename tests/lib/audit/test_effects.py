"""Effect sizes by hand and the coverage of their intervals."""

import numpy as np
import pytest
from scipy import stats

from scripts.lib.audit.classes import class_impact, recall
from scripts.lib.audit.effects import hedges_g, hedges_g_interval, relative_changes
from scripts.lib.audit.own_mean import own_mean_impact


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


def test_without_images_recall_of_the_other_classes_gives_top1():
    recalls = np.array([[0.5, np.nan, 0.7], [0.7, np.nan, 0.9]])
    changes = relative_changes(recalls, recalls - 0.1 * np.array([1, 1, 3]), np.array([0.5, 0, 0.5]))
    assert changes[[0, 2]] == pytest.approx([0.1, -0.1]) and np.isnan(changes[1])


def test_the_interval_of_g_is_that_of_two_samples_of_models():
    random = np.random.default_rng(3)
    dense, compressed = random.normal(0.8, 0.05, (6, 1)), random.normal(0.7, 0.05, (6, 1))
    test = stats.ttest_ind(compressed[:, 0], dense[:, 0])
    change = compressed.mean(axis=0) - dense.mean(axis=0)
    low, high = hedges_g_interval(change, change / test.statistic, dense, compressed, 0.05)[:, 0]
    scale = float(hedges_g(change, dense, compressed)[0]) / test.statistic  # of the noncentrality
    assert stats.nct.cdf(test.statistic, 10, low / scale) == pytest.approx(0.975, abs=1e-5)
    assert stats.nct.cdf(test.statistic, 10, high / scale) == pytest.approx(0.025, abs=1e-5)
    assert np.isnan(hedges_g_interval(change, change * np.nan, dense, compressed, 0.05)).all()


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
    truth_g = np.mean([effects(*draw(models, n))[1] for _ in range(400)], axis=0)
    runs, covered = 150, np.zeros((2, classes))
    for _ in range(runs):
        right, labels = draw(models, n)
        own = own_mean_impact(*right, labels, classes, 0.05)
        change = own.low, own.high
        recalls = [recall(np.where(side, labels, -1), labels, classes) for side in right]
        effect = hedges_g_interval(own.change, own.error, *recalls, 0.05)
        covered += [(change[0] <= truth) & (truth <= change[1]), (effect[0] <= truth_g) & (truth_g <= effect[1])]
    assert ((covered / runs >= 0.9) & (covered / runs <= 1)).all(), covered / runs
