"""Brier's score and the negative log-likelihood against scikit-learn."""

import math

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, log_loss

from scripts.lib.audit.proper_scores import brier, negative_log_likelihood

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("classes", [2, 7])
def test_scikit_learn_says_the_same(classes):
    p, labels = RANDOM.dirichlet(np.ones(classes), 200), RANDOM.integers(0, classes, 200)
    p_label, p_squared = p[np.arange(200), labels], (p**2).sum(axis=1)
    every = np.arange(classes)
    expected = brier_score_loss(labels, p, labels=every, scale_by_half=False)
    assert brier(p_label, p_squared).mean() == pytest.approx(expected)
    assert negative_log_likelihood(p_label).mean() == pytest.approx(log_loss(labels, p, labels=every))
    if classes == 2:
        assert brier(p_label, p_squared).mean() == pytest.approx(2 * brier_score_loss(labels, p[:, 1]))


def test_by_hand():
    assert brier(np.array([1, 0.5, 0.0]), np.array([1, 0.5, 1])).tolist() == [0, 0.5, 2]
    found = negative_log_likelihood(np.array([0, 1e-45, 1], dtype=np.float32))
    assert found[0] == found[1] == pytest.approx(149 * math.log(2)) and found[2] == 0  # 2 ** -149 is the smallest
    assert np.isnan(brier(np.array([0.5]), np.array([np.nan]))).all()
