"""The mode of a population's votes, with every tie rule."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scripts.lib.audit.modal import TIE_RULES, UNDECIDED, differ, local_codes, modal_labels


def test_four_images_by_hand():
    # Columns: unanimous 2; two against one for 0; a tie of 1 and 4 (4 is larger); three different labels (the largest, 9).
    votes = np.array([[2, 0, 1, 9], [2, 0, 4, 3], [2, 5, 4, 0], [2, 0, 1, 7]])
    modal = modal_labels(votes)
    assert modal.label.tolist() == [2, 0, 4, 9]
    assert modal.votes.tolist() == [4, 3, 2, 1]
    assert modal.tied.tolist() == [False, False, True, True]
    assert modal_labels(votes, "smallest").label.tolist() == [2, 0, 1, 0]
    assert modal_labels(votes, "excluded").label.tolist() == [2, 0, UNDECIDED, UNDECIDED]


def test_only_decided_labels_differ():
    first, second = np.array([1, 1, UNDECIDED, UNDECIDED]), np.array([1, 2, 2, UNDECIDED])
    assert differ(first, second).tolist() == [False, True, False, False]


# Which of the most frequent labels counts, said once more and plainly.
PLAIN = {"largest": max, "smallest": min, "excluded": lambda labels: labels[0] if len(labels) == 1 else UNDECIDED}


@pytest.mark.parametrize("dtype", [np.int64, np.int16, np.uint8])
@pytest.mark.parametrize("tie_rule", TIE_RULES)
@given(votes=hnp.arrays(np.int64, st.tuples(st.integers(1, 7), st.integers(1, 9)), elements=st.integers(0, 5)))
def test_equals_counting_in_plain_loops(votes, tie_rule, dtype):
    modal = modal_labels(votes.astype(dtype), tie_rule)
    assert modal.label.dtype == np.int64
    for image in range(votes.shape[1]):
        counts = {label: list(votes[:, image]).count(label) for label in set(votes[:, image])}
        most = max(counts.values())
        winners = [label for label, count in counts.items() if count == most]
        assert modal.label[image] == PLAIN[tie_rule](winners)
        assert modal.votes[image] == most
        assert modal.tied[image] == (len(winners) > 1)


@given(
    hnp.arrays(np.int64, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.integers(0, 999)), st.randoms()
)
def test_the_order_of_the_models_does_not_matter(votes, random):
    order = list(range(len(votes)))
    random.shuffle(order)
    assert np.array_equal(modal_labels(votes).label, modal_labels(votes[order]).label)


def test_codes_are_the_ranks_of_an_images_labels():
    votes = np.random.default_rng(0).integers(0, 4, (5, 50))
    codes, values = local_codes(votes)
    for image in range(50):
        labels, ranks = np.unique(votes[:, image], return_inverse=True)
        assert codes[:, image].tolist() == ranks.tolist()
        assert [label for label in values[:, image] if label >= 0] == labels.tolist()


@pytest.mark.parametrize("votes", [np.zeros(3, int), np.zeros((0, 3), int), np.array([[-1]])])
def test_refuses_what_are_no_votes(votes):
    with pytest.raises(ValueError):
        modal_labels(votes)


def test_no_images_is_no_error():
    assert modal_labels(np.zeros((3, 0), int)).label.shape == (0,)


def test_refuses_an_unknown_tie_rule():
    with pytest.raises(ValueError, match="may be one of largest, smallest, excluded"):
        modal_labels(np.zeros((3, 2), int), "first")
