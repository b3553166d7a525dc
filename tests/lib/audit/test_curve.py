"""The PIE count over the number of models, against counts made subset by subset."""

from itertools import combinations

import numpy as np
import pytest

from scripts.lib.audit.curve import count_at, sizes
from scripts.lib.audit.modal import modal_labels
from scripts.lib.audit.pies import identified_exemplars, pies_by_chance


def count(dense, compressed, tie_rule="largest"):
    return int(identified_exemplars(modal_labels(dense, tie_rule), modal_labels(compressed, tie_rule)).sum())


VOTES = np.random.default_rng(0).integers(0, 3, (2, 5, 40))


def test_sizes_are_even_and_odd_in_turn_up_to_all_models():
    assert sizes(1) == [1] and sizes(2) == [1, 2] and sizes(3) == [1, 2, 3]
    assert sizes(10) == [1, 2, 3, 4, 5, 8, 9, 10]
    assert sizes(30) == [1, 2, 3, 4, 5, 8, 9, 10, 11, 16, 17, 22, 23, 28, 29, 30]
    assert len(sizes(1000)) == 36


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_means_are_those_over_all_subsets(size):
    found = count_at(size, *VOTES, 4000, np.random.default_rng(1))
    subsets = [
        (VOTES[0][list(first)], VOTES[1][list(second)])
        for first in combinations(range(5), size)
        for second in combinations(range(5), size)
    ]
    expected = [count(*subset) for subset in subsets]
    assert set(found.pies) <= set(expected)
    assert found.pies.mean() == pytest.approx(np.mean(expected), abs=0.2)
    untied = [count(*subset, "excluded") for subset in subsets]
    assert found.pies_untied.mean() == pytest.approx(np.mean(untied), abs=0.2)
    tied = [np.mean([(modal_labels(a).tied | modal_labels(b).tied).sum()]) for a, b in subsets]
    assert found.tied.mean() == pytest.approx(np.mean(tied), abs=0.2)


def test_pairs_choose_the_same_checkpoints():
    found = count_at(2, *VOTES, 4000, np.random.default_rng(1), "paired")
    pairs = [(VOTES[0][list(chosen)], VOTES[1][list(chosen)]) for chosen in combinations(range(5), 2)]
    assert set(found.pies) == {count(*pair) for pair in pairs}
    swapped = [
        count(np.where(stays, *pair), np.where(stays, *pair[::-1]))
        for pair in pairs
        for stays in np.array([[[0], [0]], [[0], [1]], [[1], [0]], [[1], [1]]], dtype=bool)
    ]
    assert found.null.mean() == pytest.approx(np.mean(swapped), abs=0.2)
    same = count_at(3, VOTES[0], VOTES[0], 20, np.random.default_rng(2), "paired")
    assert not same.pies.any() and not same.null.any()


@pytest.mark.parametrize("design", ["independent", "paired"])
def test_with_all_models_it_is_the_count_by_chance(design):
    found = count_at(5, *VOTES, 4000, np.random.default_rng(1), design)
    test = pies_by_chance(*VOTES, 4000, np.random.default_rng(2), design)
    assert set(found.pies) == {test.observed}
    assert found.null.mean() == pytest.approx(test.null.mean(), abs=0.3)
    assert np.quantile(found.null, [0.1, 0.9]) == pytest.approx(np.quantile(test.null, [0.1, 0.9]), abs=1)


def test_more_models_than_there_are_are_refused():
    with pytest.raises(ValueError, match="6 models of 5 and 5"):
        count_at(6, *VOTES, 10, np.random.default_rng(0))
