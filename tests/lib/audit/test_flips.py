"""Flips: four images by hand, and what holds for any."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.lib.audit.flips import GAINED, LOST, MOVED, flips

LABELS = np.array([0, 1, 2, 3, 4])


def test_each_way_to_change_ones_mind():
    found = flips(np.array([0, 0, 2, 1, 9]), np.array([0, 1, 5, 2, 9]), LABELS)
    assert found.kind.tolist() == ["", GAINED, LOST, MOVED, ""]
    assert found.any.tolist() == [False, True, True, True, False]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30))
def test_flips_add_up(images):
    before, after, labels = np.array(images).T
    found = flips(before, after, labels)
    assert (found.any == (before != after)).all()
    assert found.lost.sum() + found.gained.sum() + found.moved.sum() == found.any.sum()
    assert (after == labels).sum() - (before == labels).sum() == found.gained.sum() - found.lost.sum()
    back = flips(after, before, labels)
    assert (back.lost == found.gained).all() and (back.moved == found.moved).all()


def test_other_images_are_refused():
    with pytest.raises(ValueError, match="same N images"):
        flips(LABELS, LABELS[:4], LABELS)
