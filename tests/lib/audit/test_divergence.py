"""Divergences of probabilities: two coins by hand, scipy's distance, and what holds for any."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from scripts.lib.audit.divergence import jensen_shannon, kullback_leibler

RANDOM = np.random.default_rng(3)
BEFORE, AFTER = (RANDOM.dirichlet(np.full(7, 0.3), 50).astype(np.float32) for _ in range(2))


def test_two_coins():
    fair, biased = np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]])
    assert kullback_leibler(fair, biased)[0] == pytest.approx(0.5 * np.log(2) + 0.5 * np.log(2 / 3))
    assert kullback_leibler(biased, fair)[0] == pytest.approx(0.25 * np.log(0.5) + 0.75 * np.log(1.5))
    sure = np.array([[1.0, 0.0]])
    assert jensen_shannon(sure, sure[:, ::-1])[0] == pytest.approx(np.log(2))
    assert kullback_leibler(fair, sure)[0] == pytest.approx(
        0.5 * np.log(0.5) + 0.5 * np.log(0.5 / np.finfo(np.float32).tiny)
    )


def test_it_is_the_square_of_scipys_distance():
    ours = jensen_shannon(BEFORE, AFTER)
    assert np.allclose(ours, [jensenshannon(*pair) ** 2 for pair in zip(BEFORE, AFTER, strict=True)], atol=1e-6)


def test_of_equal_probabilities_both_are_0():
    assert (kullback_leibler(BEFORE, BEFORE) == 0).all() and (jensen_shannon(BEFORE, BEFORE) == 0).all()


@given(st.integers(0, 2**32 - 1), st.floats(0.02, 5.0))
def test_bounds_and_symmetry(seed, concentration):
    before, after = np.random.default_rng(seed).dirichlet(np.full(4, concentration), (2, 5))
    found = jensen_shannon(before, after)
    assert ((found >= 0) & (found <= np.log(2))).all() and np.allclose(found, jensen_shannon(after, before))
    assert (kullback_leibler(before, after) >= 0).all()


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match="same N images and C classes"):
        kullback_leibler(BEFORE, AFTER[:, :3])
