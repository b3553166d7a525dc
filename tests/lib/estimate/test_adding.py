"""Adding up by hand."""

import math

import pytest

from scripts.lib.estimate.adding import (
    MEASURED,
    NOT_KNOWN,
    PROBED,
    Entry,
    Seconds,
    computed,
    duration,
    seen,
    share,
    size,
    wall_seconds,
)


def entry(jobs, seconds, on_gpu=False):
    return Entry("train", "dense", jobs, computed(seconds), 0.0, on_gpu)


def test_times_are_their_mean_and_their_range():
    assert seen([1.0, 2.0, 6.0], MEASURED) == Seconds(3.0, 1.0, 6.0, MEASURED, 3)
    assert seen([2.0], PROBED).times(10) == Seconds(20.0, 20.0, 20.0, PROBED, 1)
    assert seen([1.0, 3.0], PROBED).after(computed(5.0)) == Seconds(7.0, 6.0, 8.0, PROBED, 2)
    with pytest.raises(ValueError, match="never taken"):
        seen([], MEASURED)


def test_what_is_not_known_adds_nothing():
    assert Entry("prepare_data", "all", 3, NOT_KNOWN, 0.0, False).seconds == 0.0
    assert entry(4, 2.5).seconds == 10.0


@pytest.mark.parametrize(
    "entries, cores, expected",
    [
        ([entry(4, 10), entry(2, 5)], 2, 25.0),  # 50 s on two cores
        ([entry(1, 40), entry(2, 5)], 2, 40.0),  # no sooner than the longest job
        ([entry(4, 10, on_gpu=True), entry(2, 5)], 2, 40.0),  # one job at a time on the GPU
        ([Entry("a", "b", 9, NOT_KNOWN, 0.0, False), entry(1, 3)], 4, 3.0),
    ],
)
def test_the_least_wall_time(entries, cores, expected):
    assert wall_seconds(entries, cores) == expected


def test_numbers_for_people():
    assert [duration(each) for each in (45, 750, 11_520, 440_640)] == ["45 s", "12.5 min", "3.2 h", "5.1 days"]
    assert duration(math.nan) == "?" and duration(0) == "0 s"
    assert [size(each) for each in (512, 3_200, 1.5e9, 2e12)] == ["512 B", "3.2 kB", "1.5 GB", "2 TB"]
    assert share(1, 4) == 0.25 and share(1, 0) == 0.0
