"""Another order of the classes is found where there is one, and is not found where a network is merely bad."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from scripts.lib.audit.class_order import class_order, no_information


def votes_of(labels, classes, right, random):
    """Votes of which a share is right, the others anything."""
    return np.where(random.random(len(labels)) < right, labels, random.integers(0, classes, len(labels)))


def test_four_images_by_hand():
    # Of each class one image chooses the order and one judges it: 0 and 1 are exchanged.
    found = class_order(np.array([1, 0, 1, 0]), np.array([0, 1, 0, 1]), 2)
    assert (found.images, found.top1, found.reordered) == (2, 0.0, 1.0)
    assert found.output.tolist() == [1, 0] and found.p == 1 / 4  # both judges for the other order: 1 / 2 ** 2
    assert found.explains(0.3) and not found.explains(0.2)


@given(st.permutations(range(6)), st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_any_order_is_found(order, seed):
    random = np.random.default_rng(seed)
    order = np.array(order)
    labels = random.permutation(np.repeat(np.arange(6), 12))
    found = class_order(order[labels], labels, 6)
    assert np.array_equal(found.output, order)
    assert found.reordered == pytest.approx(1) and found.top1 == pytest.approx(np.mean(order == np.arange(6)))
    assert found.explains(1e-6) == (
        (order != np.arange(6)).sum() > 3
    )  # of 3 classes there are 18 judges, and 2 ** -18 > 1e-6


def test_numbers_sorted_as_texts_are_an_order():
    """Folders called 0 to 119, read in the order of texts: 0, 1, 10, 100, …; four images of each."""
    random = np.random.default_rng(0)
    order = np.argsort(np.argsort([str(number) for number in range(120)], kind="stable"), kind="stable")
    labels = np.repeat(np.arange(120), 4)
    found = class_order(votes_of(order[labels], 120, 0.7, random), labels, 120)
    assert found.top1 < 0.1 and found.reordered > 0.4 and found.explains(1e-6)


@pytest.mark.parametrize("right", [0.0, 0.1, 0.5, 0.95])
@pytest.mark.parametrize("classes", [2, 10, 100])
def test_no_other_order_is_found_where_the_order_is_right(classes, right):
    random = np.random.default_rng(classes)
    labels = np.repeat(np.arange(classes), 400 // classes)
    assert not class_order(votes_of(labels, classes, right, random), labels, classes).explains(1e-6)


def test_a_network_that_always_says_one_class_has_no_other_order():
    """Renaming its class to the most frequent one makes more images right, but not more classes."""
    labels = np.repeat([0, 1, 2], [900, 90, 10])
    found = class_order(np.full(1000, 2), labels, 3)
    assert found.top1 == pytest.approx(1 / 3) and found.reordered == pytest.approx(1 / 3) and not found.explains(0.5)


def test_classes_without_images_and_single_images():
    found = class_order(np.array([0, 0, 3, 3]), np.array([0, 0, 3, 3]), 5)
    assert found.output.tolist() == [0, 1, 2, 3, 4] and (found.top1, found.reordered, found.p) == (1.0, 1.0, 1.0)
    alone = class_order(np.array([1]), np.array([0]), 2)
    assert alone.images == 0 and np.isnan(alone.top1) and alone.p == 1 and not alone.explains(0.5)
    for votes in ([0, 2], [0]):
        with pytest.raises(ValueError, match="whole numbers from 0 to 1"):
            class_order(np.array(votes), np.array([0, 1]), 2)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=60))
@settings(max_examples=50, deadline=None)
def test_no_information_is_the_binomial_test_against_the_most_frequent_class(pairs):
    votes, labels = np.array(pairs).T
    rate, p = no_information(votes, labels)
    assert rate == np.bincount(labels).max() / len(labels)
    expected = binomtest(int((votes == labels).sum()), len(labels), rate, alternative="greater").pvalue
    assert p == pytest.approx(expected, rel=1e-9)


def test_no_information_without_images():
    assert np.isnan(no_information(np.empty(0, int), np.empty(0, int))).all()
