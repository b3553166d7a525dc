"""Agreement of raters against cases worked out by hand and scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import cohen_kappa_score

from scripts.lib.audit.kappa import agreement, cohen_kappa, fleiss_kappa

FIRST = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0], bool)
SECOND = np.array([1, 1, 1, 0, 1, 0, 0, 0, 0, 0], bool)


def test_cohens_kappa_by_hand():
    # They agree on 8 of 10, and by chance on 0.4 * 0.4 + 0.6 * 0.6 = 0.52.
    assert cohen_kappa(FIRST, SECOND) == pytest.approx((0.8 - 0.52) / 0.48)
    assert cohen_kappa(FIRST, FIRST) == 1 and cohen_kappa(FIRST[:2], ~FIRST[:2]) == 0


def test_fleiss_kappa_by_hand():
    # Three raters, four images with 3, 2, 1 and 0 of yes: of three pairs agree 3, 1, 1 and 3, and half of all answers are yes.
    ratings = np.array([[1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0]], bool)
    assert fleiss_kappa(ratings) == pytest.approx((2 / 3 - 1 / 2) / (1 / 2))


@settings(max_examples=30)
@given(arrays(bool, (2, 7)))
def test_cohens_kappa_is_that_of_scikit_learn(ratings):
    if ratings.any() and not ratings.all():
        assert cohen_kappa(*ratings) == pytest.approx(cohen_kappa_score(*ratings))
    else:
        assert np.isnan(cohen_kappa(*ratings))


@settings(max_examples=30)
@given(arrays(bool, (4, 6)), st.permutations(range(4)))
def test_fleiss_kappa_knows_no_order_of_raters_and_no_name_of_an_answer(ratings, order):
    kappa = fleiss_kappa(ratings)
    assert np.isnan(kappa) == (ratings.all() or not ratings.any())
    for other in (ratings[list(order)], ~ratings):
        assert fleiss_kappa(other) == pytest.approx(kappa, nan_ok=True)


def test_several_resamples_at_once():
    both = np.stack([FIRST, SECOND])
    drawn = both[:, [[0, 1, 4, 5], [0, 3, 6, 7]]]
    assert cohen_kappa(*drawn) == pytest.approx([cohen_kappa(*drawn[:, 0]), cohen_kappa(*drawn[:, 1])])
    assert fleiss_kappa(drawn) == pytest.approx([fleiss_kappa(drawn[:, 0]), fleiss_kappa(drawn[:, 1])])


def test_the_interval_is_about_the_value_and_nothing_is_said_where_nothing_is_known():
    random = np.random.default_rng(0)
    found = agreement(np.stack([FIRST, SECOND]), 500, 0.05, random)
    assert found.low < found.value == cohen_kappa(FIRST, SECOND) < found.high <= 1
    many = agreement(np.tile(np.stack([FIRST, SECOND]), 20), 500, 0.05, random)
    assert many.value == pytest.approx(found.value) and many.high - many.low < (found.high - found.low) / 2
    for nothing in (FIRST[None], np.ones((2, 5), bool), np.ones((3, 0), bool)):
        assert np.isnan(agreement(nothing, 50, 0.05, random)).all()
    with pytest.raises(ValueError, match="two raters"):
        fleiss_kappa(FIRST[None])
