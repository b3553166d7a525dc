"""PIEs and what their number is by chance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scripts.lib.audit.modal import TIE_RULES, modal_labels
from scripts.lib.audit.pies import dealt_pies, identified_exemplars, pies_by_chance


def plain_pies(dense, compressed, tie_rule="largest"):
    """Which images are PIEs, in loops; `largest` is the paper's rule: the largest of the most frequent labels, image by image."""
    pies = []
    for image in range(dense.shape[1]):
        modes = []
        for votes in (dense, compressed):
            column = list(votes[:, image])
            most = max(column.count(label) for label in column)
            modes.append(sorted({label for label in column if column.count(label) == most}))
        if tie_rule == "excluded":
            pies.append(len(modes[0]) == len(modes[1]) == 1 and modes[0] != modes[1])
        else:
            end = -1 if tie_rule == "largest" else 0
            pies.append(modes[0][end] != modes[1][end])
    return pies


def plain_pie_count(dense, compressed, tie_rule="largest"):
    return sum(plain_pies(dense, compressed, tie_rule))


def test_four_images_by_hand():
    dense = np.array([[0, 1, 2, 3], [0, 1, 2, 4], [0, 1, 1, 4]])  # modes 0 1 2 4
    compressed = np.array([[0, 2, 2, 3], [1, 2, 1, 3], [0, 1, 1, 4]])  # modes 0 2 1 3
    pies = identified_exemplars(modal_labels(dense), modal_labels(compressed))
    assert pies.tolist() == [False, True, True, True]


@pytest.mark.parametrize("tie_rule", TIE_RULES)
@given(
    hnp.arrays(np.int64, st.tuples(st.integers(1, 6), st.integers(1, 8)), elements=st.integers(0, 3)),
    st.integers(1, 6),
    st.integers(0, 99),
)
def test_pies_are_those_of_plain_loops(tie_rule, dense, models, seed):
    compressed = np.random.default_rng(seed).integers(0, 4, (models, dense.shape[1]))
    pies = identified_exemplars(modal_labels(dense, tie_rule), modal_labels(compressed, tie_rule))
    assert pies.tolist() == plain_pies(dense, compressed, tie_rule)


def test_never_reads_the_label_and_is_symmetric():
    random = np.random.default_rng(1)
    first, second = random.integers(0, 3, (2, 5, 100))
    a, b = modal_labels(first), modal_labels(second)
    assert np.array_equal(identified_exemplars(a, b), identified_exemplars(b, a))
    assert not identified_exemplars(a, a).any()


def test_refuses_populations_that_judge_different_images():
    with pytest.raises(ValueError, match="3 and 4 images"):
        identified_exemplars(modal_labels(np.zeros((2, 3), int)), modal_labels(np.zeros((2, 4), int)))


def populations(seed, models=6, images=200, shift=0.0):
    """Votes for images of varying difficulty; `shift` makes the second population prefer label 2 by that much."""
    random = np.random.default_rng(seed)
    difficulty = random.beta(0.4, 1.2, images)
    first = (random.random((models, images)) < difficulty).astype(int)
    second = (random.random((models, images)) < difficulty).astype(int)
    second[random.random((models, images)) < shift] = 2
    return first, second


@pytest.mark.parametrize("tie_rule", TIE_RULES)
def test_chance_counts_as_plain_loops_do(tie_rule):
    first, second = populations(3)
    test = pies_by_chance(first, second, 30, np.random.default_rng(5), tie_rule=tie_rule)
    assert test.observed == plain_pie_count(first, second, tie_rule)
    pooled, random, share = np.concatenate([first, second]), np.random.default_rng(5), np.zeros(200)
    for count in test.null:
        chosen = np.zeros(12, bool)
        chosen[random.permutation(12)[:6]] = True
        pies = plain_pies(pooled[chosen], pooled[~chosen], tie_rule)
        assert count == sum(pies)
        share += np.array(pies) / 30
    assert test.share == pytest.approx(share) and test.share.sum() == pytest.approx(test.null.mean())


def test_paired_chance_swaps_within_pairs_as_plain_loops_do():
    first, second = populations(4)
    test = pies_by_chance(first, second, 30, np.random.default_rng(5), "paired")
    for count, stays in zip(test.null, np.random.default_rng(5).random((30, 6)) < 0.5, strict=True):
        swapped = np.where(stays[:, None], first, second), np.where(stays[:, None], second, first)
        assert count == plain_pie_count(*swapped)
    assert test.observed == plain_pie_count(first, second)


def test_where_compression_changes_no_vote_nothing_is_found():
    dense = populations(1)[0]
    test = pies_by_chance(dense, dense, 99, np.random.default_rng(0), "paired")
    assert test.observed == 0 and not test.null.any() and not test.share.any()


def test_unequal_populations_and_unanimous_images():
    first, second = np.zeros((3, 10), int), np.zeros((5, 10), int)
    test = pies_by_chance(first, second, 20, np.random.default_rng(0))
    assert test.observed == 0 and not test.null.any()


def test_dealt_pies_count_as_plain_loops_do():
    random = np.random.default_rng(2)
    dense, control, compressed = random.integers(0, 3, (3, 4, 20))
    labels = np.stack([modal_labels(votes).label for votes in (compressed, control)])
    (pie, of_control), chance = dealt_pies(dense, control, labels, 25, np.random.default_rng(9))
    pooled, random = np.concatenate([dense, control]), np.random.default_rng(9)
    expected = np.zeros((3, 20))
    for _ in range(25):
        chosen = np.zeros(8, bool)
        chosen[random.permutation(8)[:4]] = True
        for image in range(20):
            column = slice(image, image + 1)
            expected[0, image] += plain_pie_count(pooled[chosen][:, column], compressed[:, column]) / 25
            expected[1, image] += plain_pie_count(pooled[chosen][:, column], control[:, column]) / 25
            expected[2, image] += plain_pie_count(pooled[chosen][:, column], pooled[~chosen][:, column]) / 25
    assert pie == pytest.approx(expected[0]) and of_control == pytest.approx(expected[1])
    assert chance == pytest.approx(expected[2])


def test_where_all_dense_models_agree_only_the_compressed_ones_decide():
    dense = np.array([[1, 1], [1, 1]])
    pies, chance = dealt_pies(dense, dense, np.array([[1, 0]]), 5, np.random.default_rng(0))
    assert pies.tolist() == [[0, 1]] and chance.tolist() == [0, 0]
