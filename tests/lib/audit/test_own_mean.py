"""The test of classes that holds for few models: by hand, against a search for the likelihood, and where every class is hit alike."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from scripts.lib.audit.multiple import benjamini_hochberg
from scripts.lib.audit.own_mean import own_mean_impact, turned_variance


def one(lost, found, change):
    return turned_variance(*(np.array([each], dtype=float) for each in (lost, found, change)))[0]


def test_variances_under_a_condition_by_hand():
    assert one(0, 0, -0.04) == pytest.approx(0.04 * 0.96)  # nothing seen: four in a hundred are lost, no one is found
    assert one(0, 0, 0) == 0
    assert one(0.1, 0.1, 0) == pytest.approx(0.2)  # the condition holds already
    assert one(0.2, 0, 0) == pytest.approx(0.2)  # McNemar: as many are turned over, half of them either way
    assert one(0.04, 0, -0.04) == pytest.approx(0.04 * 0.96)


@settings(max_examples=50)
@given(st.integers(0, 10), st.integers(0, 10), st.floats(-0.9, 0.9))
def test_the_shares_have_the_largest_likelihood_under_the_condition(lost, found, change):
    stays = 20 - lost - found

    def unlikely(share_lost):
        shares = share_lost, share_lost + change, 1 - 2 * share_lost - change
        counts = lost, found, stays
        return -sum(n * np.log(max(share, 1e-300)) for n, share in zip(counts, shares, strict=True) if n)

    low, high = max(0.0, -change), (1 - change) / 2
    best = optimize.minimize_scalar(unlikely, bounds=(low, high), method="bounded", options={"xatol": 1e-10}).x
    candidates = [best, low, high]
    best = min(candidates, key=unlikely)
    mine = (one(lost / 20, found / 20, change) + change**2 - change) / 2
    assert unlikely(mine) <= unlikely(best) + 1e-6


def uniform(models, classes, images, seed, paired, harm=0.04):
    """Predictions right or not before and after; every class and model loses `harm` of its predictions."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), images)
    ease = np.clip(random.beta(3, 1, classes * images) * 1.02, 0, 1)
    before, after = random.random((2, models, len(labels))) < ease
    return before, (before if paired else after) & (random.random(before.shape) >= harm), labels


@pytest.mark.parametrize("models", [2, 3, 10])
@pytest.mark.parametrize("paired", [True, False])
def test_uniform_harm_is_no_classs_harm(models, paired):
    before, after, labels = uniform(models, 400, 50, 7, paired)
    found = own_mean_impact(before, after, labels, 400, 0.05, paired)
    assert (
        0.001 <= (found.p <= 0.05).mean() <= 0.09
    )  # nominal 0.05; few whole predictions cannot reach it from both sides
    assert not (benjamini_hochberg(found.p) <= 0.05).any()
    assert ((found.p <= 0.05) == ((found.low > 0) | (found.high < 0))).all()
    assert (found.low <= found.change).all() and (found.change <= found.high).all()


def test_a_class_that_pays_is_found_with_three_pairs():
    before, after, labels = uniform(3, 100, 50, 1, True)
    pays = labels < 5
    after[:, pays] &= np.random.default_rng(2).random((3, pays.sum())) >= 0.3
    q = benjamini_hochberg(own_mean_impact(before, after, labels, 100, 0.05, True).p)
    assert (q[:5] <= 0.05).all() and (q[5:] <= 0.05).sum() <= 2


def test_models_that_differ_over_whole_classes_widen_the_intervals():
    """What a model loses in one class and finds in another is luck of that model, however many images show it."""
    random = np.random.default_rng(3)
    labels = np.repeat(np.arange(20), 2000)
    flags = {True: 0, False: 0}
    for of_models in flags:
        for _ in range(10):
            before = random.random((4, len(labels))) < 0.7
            quirk = random.normal(0, 0.04 * of_models, (4, 20))[:, labels]
            after = np.where(random.random(before.shape) < 0.2, random.random(before.shape) < 0.7 + quirk, before)
            flags[of_models] += (own_mean_impact(before, after, labels, 20, 0.05, True).p <= 0.05).sum()
    assert all(count <= 22 for count in flags.values()), flags  # 10 of 200 expected


def test_of_pairs_only_what_changes_counts():
    random = np.random.default_rng(8)
    labels = np.arange(300) % 3
    right = random.random((6, 300)) < random.uniform(0.3, 0.9, (6, 1))  # models that differ a lot
    same = own_mean_impact(right, right, labels, 3, 0.05, paired=True)
    assert (same.change == 0).all() and np.isnan([same.p, same.low, same.t, same.error]).all()
    changed = right.copy()
    changed[:, :6] ^= True
    pairs, apart = (own_mean_impact(right, changed, labels, 3, 0.05, paired) for paired in (True, False))
    assert (pairs.high - pairs.low < (apart.high - apart.low) / 2).all()


def test_classes_without_images_and_alone():
    before, after, labels = uniform(3, 6, 30, 0, True)
    full = own_mean_impact(before, after, labels, 6, 0.05, True)
    sparse = own_mean_impact(before, after, labels * 2, 12, 0.05, True)
    for name in ("change", "low", "high", "t", "degrees", "p", "error"):
        assert np.array_equal(getattr(sparse, name)[::2], getattr(full, name))
        assert np.isnan(getattr(sparse, name)[1::2]).all()
    alone = own_mean_impact(before, after, labels * 0, 1, 0.05, True)
    assert alone.change == [0] and np.isnan([alone.p, alone.low]).all()
    with pytest.raises(ValueError, match="two of each level"):
        own_mean_impact(before[:1], after, labels, 6, 0.05)
