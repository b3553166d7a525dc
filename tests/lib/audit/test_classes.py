"""The paper's class test against scipy and by hand."""

import numpy as np
import pytest
from scipy import stats

from scripts.lib.audit.classes import class_impact, recall


def test_recall_of_four_images_by_hand():
    votes, labels = np.array([[0, 1, 1, 0], [0, 0, 1, 1]]), np.array([0, 0, 1, 1])
    assert recall(votes, labels, 2).tolist() == [[0.5, 0.5], [1.0, 1.0]]


def test_a_class_without_images_has_neither_recall_nor_test():
    found = recall(np.array([[0, 1, 2], [0, 0, 2]]), np.array([0, 0, 2]), 3)
    assert np.isnan(found[:, 1]).all() and found[:, [0, 2]].tolist() == [[0.5, 1], [1, 1]]
    impact = class_impact(found, found * 0.9, 0.9, 0.81, 0.05)
    assert np.isnan([impact.change[1], impact.p[1], impact.low[1]]).all() and impact.p[0] > 0.05


def test_equals_scipys_welch_test_on_shifted_recall():
    random = np.random.default_rng(0)
    dense, compressed = random.normal(0.8, 0.02, (10, 5)), random.normal(0.7, 0.05, (7, 5))
    compressed[:, 3] -= 0.2
    impact = class_impact(dense, compressed, dense.mean(), compressed.mean(), 0.05)
    for c in range(5):
        expected = stats.ttest_ind(dense[:, c] - dense.mean(), compressed[:, c] - compressed.mean(), equal_var=False)
        assert impact.t[c] == pytest.approx(expected.statistic)
        assert impact.p[c] == pytest.approx(expected.pvalue)
        assert impact.degrees[c] == pytest.approx(expected.df)
        low, high = expected.confidence_interval(0.95)
        assert (impact.low[c], impact.high[c]) == pytest.approx((-high, -low))
        assert impact.error[c] == pytest.approx(abs(impact.change[c] / impact.t[c]))
    assert (
        impact.t[3] > 0 > impact.change[3]
    )  # the paper's sign: positive where the dense population is relatively better


def test_an_equal_loss_of_every_class_is_no_impact():
    dense = np.random.default_rng(1).normal(0.8, 0.02, (6, 4))
    impact = class_impact(dense, dense - 0.1, dense.mean(), dense.mean() - 0.1, 0.05)
    assert impact.change == pytest.approx(np.zeros(4))


@pytest.mark.parametrize("models", [2, 10, 30])
def test_rounding_never_makes_a_verdict(models):
    for n in (7, 93, 300):
        same = np.tile(np.arange(n + 1) / n, (models, 1))  # every recall there can be, no spread, no difference
        impact = class_impact(same, same, 0.7613, 0.7613, 0.05)
        assert np.isnan(impact.p).all() and not impact.change.any()
        shifted = class_impact(same, same, 0.7613, 0.7591, 0.05)
        assert np.isnan(shifted.p).all() and shifted.change == pytest.approx(np.full(n + 1, 0.0022))


def test_no_spread_is_undefined_and_one_model_refused():
    impact = class_impact(np.full((3, 1), 0.5), np.full((3, 1), 0.7), 0.5, 0.5, 0.05)
    assert np.isnan([impact.t[0], impact.p[0], impact.low[0]]).all() and impact.change[0] == pytest.approx(0.2)
    with pytest.raises(ValueError, match="two models"):
        class_impact(np.zeros((1, 2)), np.zeros((3, 2)), 0, 0, 0.05)


def test_what_rounding_leaves_of_equal_changes_is_no_spread():
    top1 = np.array([0.1, 0.2, 0.7])[:, None]
    alike = [np.array([[0.4], [0.5], [1.0]]) - top1, np.array([[0.2], [0.3], [0.8]]) - top1]
    assert np.ptp(alike[0]) > 0 and np.isnan(class_impact(*alike, 0.0, 0.0, 0.05).p).all()
