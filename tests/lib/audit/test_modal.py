"""The mode of a population's votes, with the paper's tie rule."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scripts.lib.audit.modal import label_counts, modal_labels


def test_four_images_by_hand():
    # Columns: unanimous 2; two against one for 0; a tie of 1 and 4 (4 is larger); three different labels (the largest, 9).
    votes = np.array([[2, 0, 1, 9], [2, 0, 4, 3], [2, 5, 4, 0], [2, 0, 1, 7]])
    modal = modal_labels(votes)
    assert modal.label.tolist() == [2, 0, 4, 9]
    assert modal.votes.tolist() == [4, 3, 2, 1]
    assert modal.tied.tolist() == [False, False, True, True]


@given(hnp.arrays(np.int64, st.tuples(st.integers(1, 7), st.integers(1, 9)), elements=st.integers(0, 5)))
def test_equals_counting_in_plain_loops(votes):
    modal = modal_labels(votes)
    for image in range(votes.shape[1]):
        counts = {label: list(votes[:, image]).count(label) for label in set(votes[:, image])}
        most = max(counts.values())
        winners = [label for label, count in counts.items() if count == most]
        assert modal.label[image] == max(winners)
        assert modal.votes[image] == most
        assert modal.tied[image] == (len(winners) > 1)


@given(
    hnp.arrays(np.int64, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.integers(0, 999)), st.randoms()
)
def test_the_order_of_the_models_does_not_matter(votes, random):
    order = list(range(len(votes)))
    random.shuffle(order)
    assert np.array_equal(modal_labels(votes).label, modal_labels(votes[order]).label)


def test_counts_are_those_of_numpy():
    votes = np.random.default_rng(0).integers(0, 4, (9, 50))
    values, counts = label_counts(votes)
    for image in range(50):
        expected = np.unique(votes[:, image], return_counts=True)
        used = counts[:, image] > 0
        assert values[used, image].tolist() == expected[0].tolist()
        assert counts[used, image].tolist() == expected[1].tolist()


@pytest.mark.parametrize("votes", [np.zeros(3, int), np.zeros((0, 3), int), np.array([[-1]])])
def test_refuses_what_are_no_votes(votes):
    with pytest.raises(ValueError):
        modal_labels(votes)


def test_no_images_is_no_error():
    assert modal_labels(np.zeros((3, 0), int)).label.shape == (0,)
