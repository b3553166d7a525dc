"""The front of speed and forgetting: choices by hand, and what holds for any."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from scripts.lib.audit.pareto import BEATEN, MAYBE, ON_FRONT, front


def certain(values):
    return np.repeat(np.array(values, dtype=float)[:, None], 3, axis=1)


def test_choices_that_are_known_exactly_by_hand():
    gain = certain([1.0, 2.0, 3.0, 2.5, np.nan, 2.0, 2.0])
    loss = certain([0.0, 1.0, 2.0, 3.0, 1.0, 1.5, 1.0])
    # The fourth is slower than the third and loses more, the sixth as fast as the second; the last is the second again.
    assert front(gain, loss) == [ON_FRONT, ON_FRONT, ON_FRONT, BEATEN, "", BEATEN, ON_FRONT]


def test_what_intervals_leave_open_is_said():
    gain = np.array([[2.0, 1.8, 2.2], [1.9, 1.7, 2.1]])
    assert front(gain, np.array([[0.01, 0.005, 0.015], [0.02, 0.01, 0.03]])) == [MAYBE, MAYBE]  # the intervals overlap
    # The first surely loses less. Either may be the faster one, so it is on the front, and the second beaten only if it is not the faster.
    assert front(gain, np.array([[0.01, 0.005, 0.015], [0.03, 0.02, 0.04]])) == [ON_FRONT, MAYBE]
    apart = np.array([[2.0, 1.8, 2.2], [1.5, 1.4, 1.6]])
    assert front(apart, np.array([[0.01, 0.005, 0.015], [0.03, 0.02, 0.04]])) == [ON_FRONT, BEATEN]
    same = certain([2.0, 2.0])  # as many bytes: what is lost decides
    assert front(same, np.array([[0.01, 0.005, 0.015], [0.03, 0.02, 0.04]])) == [ON_FRONT, BEATEN]
    assert front(apart, np.array([[0.01, np.nan, np.nan], [0.01, np.nan, np.nan]])) == [ON_FRONT, BEATEN]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=8))
def test_of_choices_that_are_known_exactly_each_is_on_the_front_or_beaten(choices):
    values = np.array(choices, dtype=float)
    found = front(certain(values[:, 0]), certain(values[:, 1]))
    assert ON_FRONT in found
    for (gain, loss), said in zip(choices, found, strict=True):
        better = [(g >= gain and f <= loss) and (g > gain or f < loss) for g, f in choices]
        assert said == (BEATEN if any(better) else ON_FRONT)


INTERVALS = st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 6)).map(sorted)  # low, value, high


@given(st.lists(st.tuples(INTERVALS, INTERVALS), min_size=1, max_size=6), st.integers(0, 99))
def test_wherever_the_numbers_lie_in_their_intervals_the_verdict_holds(choices, seed):
    intervals = np.array(choices, dtype=float)[:, :, [1, 0, 2]]
    found = front(intervals[:, 0], intervals[:, 1])
    random = np.random.default_rng(seed)
    drawn = random.integers(intervals[..., 1].astype(int), intervals[..., 2].astype(int), endpoint=True)
    truly = front(certain(drawn[:, 0]), certain(drawn[:, 1]))
    assert all(said in (MAYBE, true) for said, true in zip(found, truly, strict=True))
