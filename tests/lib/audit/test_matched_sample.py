"""Images to be shown beside chosen ones."""

import numpy as np
import pytest

from scripts.lib.audit.matched_sample import matched_sample


def matched(margin, chosen, candidates, seed=0):
    return matched_sample(
        np.array(margin), np.array(chosen, int), np.array(candidates, bool), np.random.default_rng(seed)
    )


def test_the_nearest_margin_is_taken_and_of_two_the_smaller():
    assert matched([4, 2, 6, 7], [0], [0, 1, 1, 1]).tolist() == [1]
    assert matched([4, 1, 6, 7], [0], [0, 1, 1, 1]).tolist() == [2]


def test_every_image_is_taken_once_and_all_where_they_are_few():
    found = matched([0, 0, 0, 0, 9], [0, 1], [0, 0, 1, 1, 1])
    assert sorted(found) == [2, 3]
    assert matched([0, 0, 0, 5], [0, 1, 2], [0, 0, 0, 1]).tolist() == [3]
    assert matched([0, 1], [], [1, 1]).tolist() == [] and matched([0, 1], [0], [0, 0]).tolist() == []


def test_all_images_of_a_margin_are_as_probable():
    counts = np.bincount([matched([3, 3, 3, 9], [0], [0, 1, 1, 1], seed)[0] for seed in range(400)], minlength=4)
    assert counts[[0, 3]].tolist() == [0, 0] and counts[1:3].min() > 150  # of 400: five standard errors below 200


def test_a_chosen_image_is_not_its_own_match():
    with pytest.raises(ValueError, match="its own match"):
        matched([1, 1], [0], [1, 1])
