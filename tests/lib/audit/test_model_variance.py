"""What of the excess is of models alone, against plain loops and made models whose part in it is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.lib.audit.modal import TIE_RULES, modal_labels
from scripts.lib.audit.model_variance import Halves, halve, halve_reference, twice_excess
from scripts.lib.audit.pies import identified_exemplars


def plain_variance(differences, share):
    """Products of the halves' difference on all pairs of two different images, in loops; differences: [S][N] of the excess."""
    products = [
        split[one] * split[other]
        for split in differences
        for one in range(len(split))
        for other in range(len(split))
        if one != other
    ]
    return np.mean(products) / 2 * share


@given(st.integers(2, 6), st.integers(1, 3), st.integers(0, 99))
def test_the_variance_is_that_of_products_of_different_images(images, splits, seed):
    difference = np.random.default_rng(seed).integers(-4, 5, (splits, images)).astype(float)
    half = np.arange(images) < images // 2 + 1
    groups = np.stack([np.ones(images, bool), half])
    halves = Halves(difference @ groups.T, difference**2 @ groups.T, groups.sum(axis=1), 6, 0.5)
    assert halves.variance(0) == pytest.approx(plain_variance(difference / 2, 0.5))
    if half.sum() > 1:
        assert halves.variance(1) == pytest.approx(plain_variance(difference[:, half] / 2, 0.5))


def test_of_two_models_or_one_image_nothing_is_known():
    assert np.isnan(Halves(np.ones((1, 1)), np.ones((1, 1)), np.array([9]), 2, 0.5).variance(0))
    halves = Halves(np.ones((1, 2)), np.ones((1, 2)), np.array([1, 5]), 6, 0.5)
    assert np.isnan(halves.variance(0)) and np.isnan(halves.variance(1, reference=0))


@pytest.mark.parametrize("design", ["independent", "paired"])
@pytest.mark.parametrize("tie_rule", TIE_RULES)
def test_the_excess_of_an_image_is_that_of_its_pies(design, tie_rule):
    dense, control, level = np.random.default_rng(0).integers(0, 3, (3, 4, 50))
    modes = [modal_labels(votes, tie_rule) for votes in (dense, control, level)]
    against_control, of_control, against_dense = (
        identified_exemplars(*pair).astype(int)
        for pair in ((modes[2], modes[1]), (modes[0], modes[1]), (modes[2], modes[0]))
    )
    expected = against_control - of_control
    if design == "independent":
        expected = (against_control + against_dense) / 2 - of_control
    assert (twice_excess(*(mode.label for mode in modes), design) / 2).tolist() == expected.tolist()


@pytest.mark.parametrize("design", ["independent", "paired"])
@pytest.mark.parametrize("models", [2, 3, 7, 10])
def test_halves_have_no_model_in_common(design, models):
    """Model m votes for the label m, so the largest label of a half says who its last model is, the smallest its first."""
    votes = np.tile(np.arange(models)[:, None], (1, 3))
    dense, control = votes, votes + models
    level = dense if design == "paired" else votes + 2 * models
    ends = []
    for rule in ("smallest", "largest"):
        reference = halve_reference(dense, control, np.random.default_rng(1), design, rule, splits=20)
        halve(reference, level, np.ones((1, 3), bool), np.random.default_rng(2), rule)
        ends.append(np.concatenate([reference.dense, reference.control])[:, :, 0])
        assert reference.share == pytest.approx((models // 2) / models)
    first, last = ends
    if models < 4:  # halves of one model each
        assert np.array_equal(first, last) and all(len(set(split)) == 4 for split in first.T)
    if design == "paired":
        assert reference.pairs.sum(axis=2).tolist() == [[models // 2] * 20] * 2
        assert not (reference.pairs[0] & reference.pairs[1]).any()
        assert (reference.dense < models).all() and (reference.control >= models).all()


def test_where_a_level_is_the_dense_models_they_have_no_part_in_its_excess():
    dense, control = np.random.default_rng(3).integers(0, 3, (2, 6, 80))
    reference = halve_reference(dense, control, np.random.default_rng(4), "paired")
    halves = halve(reference, dense, np.ones((1, 80), bool), np.random.default_rng(5))
    assert halves.variance(0) == 0


def test_the_part_of_models_that_err_alike_is_found():
    """Models err on a share of the images each, at random; that share varies between models, or it does not."""
    random = np.random.default_rng(6)
    found = {}
    for spread in (0.0, 0.25):
        estimates = []
        for _ in range(60):
            share = 0.3 + spread * random.uniform(-1, 1, 18)
            votes = (random.random((18, 600)) < share[:, None]).astype(int)
            reference = halve_reference(votes[:6], votes[6:12], random, splits=10)
            estimates.append(halve(reference, votes[12:], np.ones((1, 600), bool), random).variance(0))
        found[spread] = np.mean(estimates), np.std(estimates) / 60**0.5
    assert abs(found[0.0][0]) < 4 * found[0.0][1]
    assert found[0.25][0] > 4 * found[0.25][1]
