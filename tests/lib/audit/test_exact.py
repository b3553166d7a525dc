"""The exact tests against scipy, against counting all deals, and on populations that do not differ."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from scripts.lib.audit import exact
from scripts.lib.audit.exact import fisher_exact, taxicab_test
from scripts.lib.audit.multiple import benjamini_hochberg
from scripts.lib.audit.scores import taxicab, vote_counts


def p_of_all_deals(dense, compressed):
    """Share of the ways to choose the dense models among all that bring at least the observed distance."""
    pooled, first = np.concatenate([dense, compressed])[:, None], len(dense)
    observed = taxicab(*vote_counts(pooled[:first], pooled[first:]))[0]
    distances = []
    for chosen in itertools.combinations(range(len(pooled)), first):
        inside = np.isin(np.arange(len(pooled)), chosen)
        distances.append(taxicab(*vote_counts(pooled[inside], pooled[~inside]))[0])
    return np.mean(np.array(distances) >= observed - 1e-9)


def test_four_images_by_hand():
    # Three and three models: unanimous; no label in common, as only 2 of the 20 deals have it; one vote moved, as every
    # deal of a lonely vote does; 3:0 against 1:2, where the two lonely ones must be on one side: 2 x 4 of 20.
    dense = np.array([[0, 1, 2, 5], [0, 1, 2, 5], [0, 1, 2, 5]])
    compressed = np.array([[0, 3, 2, 5], [0, 3, 2, 6], [0, 3, 4, 7]])
    assert taxicab_test(*vote_counts(dense, compressed)) == pytest.approx([1, 2 / 20, 1, 8 / 20])


@settings(max_examples=60)
@given(st.lists(st.integers(0, 3), min_size=5, max_size=8), st.integers(2, 4))
def test_taxicab_counts_all_deals(votes, first):
    dense, compressed = np.array(votes[:first]), np.array(votes[first:])
    p = taxicab_test(*vote_counts(dense[:, None], compressed[:, None]))
    assert p == pytest.approx([p_of_all_deals(dense, compressed)])


def test_many_images_are_as_each_of_them(monkeypatch):
    random = np.random.default_rng(0)
    counts = vote_counts(random.integers(0, 4, (6, 200)), random.integers(0, 5, (6, 200)))
    p = taxicab_test(*counts)
    assert p == pytest.approx([taxicab_test(counts[0][:, [i]], counts[1][:, [i]])[0] for i in range(200)])
    monkeypatch.setattr(exact, "ROOM", 1)  # one set of counts at a time
    assert np.array_equal(taxicab_test(*counts), p)


def test_of_two_labels_it_is_fishers_test_by_distance():
    # With two labels and K = L the distance orders tables as their probability does, so both tests are one.
    dense, compressed = np.arange(31) < np.arange(31)[:, None], np.arange(30)[:, None] < np.arange(31)[::-1]
    right = dense[:30].sum(axis=0), compressed.sum(axis=0)
    p = taxicab_test(*vote_counts(dense[:30].astype(int), compressed.astype(int)))
    assert p == pytest.approx(fisher_exact(right[0], 30, right[1], 30))


def test_hundreds_of_models_do_not_overflow():
    counts = np.array([[500], [0]]), np.array([[0], [500]])
    assert taxicab_test(*counts)[0] == pytest.approx(2 / math.comb(1000, 500), rel=1e-9, abs=0)
    counts = np.array([[1000]]), np.array([[1000]])
    assert taxicab_test(*counts)[0] == 1


def test_refuses_images_of_more_or_fewer_votes_and_takes_none():
    with pytest.raises(ValueError, match="every image"):
        taxicab_test(np.array([[2, 1]]), np.array([[1, 1]]))
    assert taxicab_test(np.zeros((1, 0), int), np.zeros((1, 0), int)).shape == (0,)


@pytest.mark.parametrize("models", [(1, 1), (3, 5), (10, 10), (30, 7)])
def test_fisher_is_scipys(models):
    first, second = models
    before, after = (grid.ravel() for grid in np.meshgrid(np.arange(first + 1), np.arange(second + 1)))
    p = fisher_exact(before, first, after, second)
    for i in range(0, len(p), 3):
        table = [[before[i], first - before[i]], [after[i], second - after[i]]]
        assert p[i] == pytest.approx(stats.fisher_exact(table).pvalue)


def test_populations_that_do_not_differ_are_found_at_most_at_the_rate():
    random = np.random.default_rng(2)
    difficulty = random.beta(0.5, 0.5, (1, 20_000))
    votes = np.where(random.random((20, 20_000)) < difficulty, 0, random.integers(1, 4, (20, 20_000)))
    p_votes = taxicab_test(*vote_counts(votes[:10], votes[10:]))
    p_right = fisher_exact((votes[:10] == 0).sum(axis=0), 10, (votes[10:] == 0).sum(axis=0), 10)
    for p in (p_votes, p_right):
        for level in (0.2, 0.05, 0.01):
            # Exact but discrete: at most the level, within three standard errors of the simulation.
            assert (p <= level).mean() <= level + 3 * np.sqrt(level * (1 - level) / len(p))
    contested = np.abs(difficulty[0] - 0.5) < 0.1
    assert (p_votes[contested] <= 0.2).mean() > 0.06  # and not empty of power


def test_after_adjusting_nothing_is_found_where_nothing_differs_and_much_where_it_does():
    random = np.random.default_rng(3)
    wrong = 0
    for _ in range(100):
        difficulty = random.beta(0.5, 0.5, (1, 300))
        votes = (random.random((20, 300)) < difficulty).astype(int)
        wrong += (benjamini_hochberg(taxicab_test(*vote_counts(votes[:10], votes[10:]))) <= 0.05).any()
    assert wrong <= stats.binom.ppf(0.999, 100, 0.05)
    changed = votes.copy()
    changed[10:, :60] = 2
    found = benjamini_hochberg(taxicab_test(*vote_counts(changed[:10], changed[10:]))) <= 0.05
    assert found[:60].mean() > 0.95 and found[60:].sum() <= 6
