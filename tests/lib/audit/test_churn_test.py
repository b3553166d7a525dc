"""Whether two populations' votes differ by chance."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats
from test_pies import populations

from scripts.lib.audit.churn_test import between_beyond_within, churn_test, disagreement, least_p
from scripts.lib.audit.pies import pies_by_chance
from scripts.lib.audit.scores import churn_between, churn_within, vote_counts


def plain_churn(first, second):
    """Churn between two populations less that within them, the mean over images, as the scores of single images have it."""
    before, after = vote_counts(first, second)
    return (churn_between(before, after) - (churn_within(before) + churn_within(after)) / 2).mean()


def test_the_statistic_is_the_mean_of_the_images_scores():
    random = np.random.default_rng(0)
    first, second = random.integers(0, 4, (5, 60)), random.integers(0, 4, (3, 60))
    groups = np.stack([np.ones(60, bool), np.arange(60) < 20])
    apart = disagreement(first, second, groups)
    members = np.arange(8)[None] < 5
    found = [between_beyond_within(each, members)[0] for each in apart]
    assert found == pytest.approx([plain_churn(first, second), plain_churn(first[:, :20], second[:, :20])])


def test_all_deals_are_counted_where_they_are_few():
    first, second = np.random.default_rng(1).integers(0, 3, (2, 3, 40))
    pooled, observed = np.concatenate([first, second]), plain_churn(first, second)
    others = [[each for each in range(6) if each not in chosen] for chosen in combinations(range(6), 3)]
    churn = [plain_churn(pooled[np.setdiff1d(range(6), rest)], pooled[rest]) for rest in others]
    assert churn_test(first, second, 20, np.random.default_rng(2))[0] == np.mean(np.array(churn) >= observed - 1e-9)
    swaps = [np.array([bits >> pair & 1 for pair in range(3)], bool)[:, None] for bits in range(8)]
    churn = [plain_churn(np.where(swap, second, first), np.where(swap, first, second)) for swap in swaps]
    paired = churn_test(first, second, 8, np.random.default_rng(2), "paired")[0]
    assert paired == np.mean(np.array(churn) >= observed - 1e-9)


@pytest.mark.parametrize(
    "first, second, design, least",
    [
        (4, 2, "independent", 1 / 15),
        (3, 3, "independent", 2 / 20),
        (5, 5, "paired", 2 / 32),
        (30, 30, "paired", 1 / 1001),
    ],
)
def test_the_smallest_p_is_that_of_populations_with_nothing_in_common(first, second, design, least):
    before, after = np.zeros((first, 10), int), np.ones((second, 10), int)
    found = churn_test(before, after, 1000, np.random.default_rng(0), design)
    assert found == pytest.approx(least) == least_p(first, second, 1000, design)


@pytest.mark.parametrize("models", [9, 10])
def test_images_that_all_models_flip_are_seen(models):
    """As PIEs they are not: with an odd number of models they are PIEs in every deal."""
    random = np.random.default_rng(3)
    hard = random.beta(0.3, 1.5, 500)
    first, second = (
        np.where(random.random((models, 500)) < hard, random.integers(1, 5, (models, 500)), 0) for _ in range(2)
    )
    second[:, np.flatnonzero((first == 0).all(axis=0))[:50]] = 1
    chance = pies_by_chance(first, second, 199, np.random.default_rng(4))
    assert models == 10 or np.mean(chance.null >= chance.observed) > 0.05
    assert churn_test(first, second, 199, np.random.default_rng(4))[0] == 1 / 200


def test_a_level_that_is_wrong_everywhere_differs():
    right = np.random.default_rng(0).integers(0, 10, 100)
    first, second = np.tile(right, (9, 1)), np.tile((right + 1) % 10, (9, 1))
    assert churn_test(first, second, 999, np.random.default_rng(0))[0] <= 0.002


def pairs(seed, models=8, images=200, shift=0.0):
    """Votes of checkpoints that differ by much, before and after a compression that changes one vote in ten at random.

    With `shift` it moves that share of the votes of a fifth of the images to the label 2, in all checkpoints alike.
    """
    random = np.random.default_rng(seed)
    checkpoints = (random.random((models, images)) < random.beta(0.4, 1.2, images)).astype(int)
    before, after = (
        np.where(random.random((models, images)) < 0.05, random.integers(0, 2, (models, images)), checkpoints)
        for _ in range(2)
    )
    after[(random.random((models, images)) < shift) & (np.arange(images) % 5 == 0)] = 2
    return before, after


def rejected(draw, design, draws):
    ps = [churn_test(*draw(seed), 99, np.random.default_rng(seed), design)[0] for seed in range(draws)]
    return sum(p <= 0.05 for p in ps)


@pytest.mark.parametrize("draw, design, shift", [(populations, "independent", 0.15), (pairs, "paired", 0.4)])
def test_it_rejects_at_its_level_and_has_power(draw, design, shift):
    low, high = stats.binom.ppf([0.001, 0.999], 300, 0.05)
    assert low <= rejected(draw, design, 300) <= high
    assert rejected(lambda seed: draw(seed, shift=shift), design, 50) >= 45


def test_other_seeds_hide_what_compression_does_to_the_same_checkpoints():
    """The reason for pairs: dealing the models anew has the spread between seeds in its null, and finds less."""
    found = {design: rejected(lambda seed: pairs(seed, shift=0.15), design, 50) for design in ("paired", "independent")}
    assert found["independent"] < found["paired"] - 10
