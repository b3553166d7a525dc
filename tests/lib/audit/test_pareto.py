"""The front of speed and forgetting: five choices by hand, and what holds for any."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from scripts.lib.audit.pareto import BEATEN, MAYBE, ON_FRONT, front


def certain(values):
    return np.repeat(np.array(values, dtype=float)[:, None], 3, axis=1)


def test_five_choices_by_hand():
    gain = certain([1.0, 2.0, 3.0, 2.5, np.nan])
    loss = certain([0.0, 1.0, 2.0, 3.0, 1.0])
    assert front(gain, loss) == [ON_FRONT, ON_FRONT, ON_FRONT, BEATEN, ""]


def test_what_intervals_leave_open_is_said():
    gain = np.array([[2.0, 1.8, 2.2], [1.9, 1.7, 2.1]])
    loss = np.array([[0.01, 0.005, 0.015], [0.02, 0.01, 0.03]])
    assert front(gain, loss) == [ON_FRONT, MAYBE]
    assert front(gain, np.array([[0.01, np.nan, np.nan], [0.01, np.nan, np.nan]])) == [ON_FRONT, MAYBE]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=8))
def test_somebody_is_on_the_front_and_nobody_there_is_beaten(choices):
    values = np.array(choices, dtype=float)
    found = front(certain(values[:, 0]), certain(values[:, 1]))
    assert ON_FRONT in found
    for (gain, loss), said in zip(choices, found, strict=True):
        better = [(g >= gain and f <= loss) and (g > gain or f < loss) for g, f in choices]
        assert (said == ON_FRONT) == (not any(better))
        assert (said == BEATEN) == any(g > gain and f < loss for g, f in choices)
