"""PIEs and what their number is by chance."""

import numpy as np
import pytest
from scipy import stats

from scripts.lib.audit.modal import modal_labels
from scripts.lib.audit.pies import dealt_pies, identified_exemplars, permutation_test


def plain_pie_count(dense, compressed):
    """The paper's rule in loops: the largest of the most frequent labels, image by image."""
    pies = 0
    for image in range(dense.shape[1]):
        modes = []
        for votes in (dense, compressed):
            column = list(votes[:, image])
            modes.append(max(set(column), key=lambda label, column=column: (column.count(label), label)))
        pies += modes[0] != modes[1]
    return pies


def test_four_images_by_hand():
    dense = np.array([[0, 1, 2, 3], [0, 1, 2, 4], [0, 1, 1, 4]])  # modes 0 1 2 4
    compressed = np.array([[0, 2, 2, 3], [1, 2, 1, 3], [0, 1, 1, 4]])  # modes 0 2 1 3
    pies = identified_exemplars(modal_labels(dense), modal_labels(compressed))
    assert pies.tolist() == [False, True, True, True]


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


def test_permutation_test_counts_as_plain_loops_do():
    first, second = populations(3)
    test = permutation_test(first, second, 30, np.random.default_rng(5))
    assert test.observed == plain_pie_count(first, second)
    pooled, random = np.concatenate([first, second]), np.random.default_rng(5)
    for count in test.null:
        chosen = np.zeros(12, bool)
        chosen[random.permutation(12)[:6]] = True
        assert count == plain_pie_count(pooled[chosen], pooled[~chosen])
    assert test.p_value == (1 + (test.null >= test.observed).sum()) / 31


def test_permutation_test_is_calibrated_and_has_power():
    rejected = sum(
        permutation_test(*populations(seed), 99, np.random.default_rng(seed)).p_value <= 0.05 for seed in range(200)
    )
    low, high = stats.binom.ppf([0.001, 0.999], 200, 0.05)
    assert rejected <= high  # counts are discrete, so the test may be conservative but not liberal
    assert rejected >= low - 5
    found = sum(
        permutation_test(*populations(seed, shift=0.3), 99, np.random.default_rng(seed)).p_value <= 0.05
        for seed in range(50)
    )
    assert found >= 45


def test_unequal_populations_and_unanimous_images():
    first, second = np.zeros((3, 10), int), np.zeros((5, 10), int)
    test = permutation_test(first, second, 20, np.random.default_rng(0))
    assert test.observed == 0 and test.p_value == 1.0 and not test.null.any()


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
