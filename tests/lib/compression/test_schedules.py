"""When masks are updated, by hand."""

import pytest

from scripts.lib.compression.schedules import BEFORE, SCHEDULES, Gradual, Once

FRACTIONS = {"begin": 0.2, "end": 1.0, "every": 5}


def test_the_cubic_schedule():
    schedule = Gradual(begin=100, end=300, every=50)
    assert schedule.fraction(0) == schedule.fraction(100) == 0
    assert schedule.fraction(200) == pytest.approx(1 - 0.5**3)
    assert schedule.fraction(250) == pytest.approx(1 - 0.25**3)
    assert schedule.fraction(300) == schedule.fraction(999) == 1
    assert [step for step in range(400) if schedule.updates_at(step)] == [100, 150, 200, 250, 300]


def test_the_end_is_an_update_even_off_the_beat():
    assert [step for step in range(50) if Gradual(0, 25, 10).updates_at(step)] == [0, 10, 20, 25]


def test_once_is_once():
    assert [step for step in range(BEFORE, 9) if Once(4).updates_at(step)] == [4]
    assert [Once(4).fraction(step) for step in (3, 4, 8)] == [0, 1, 1]


def test_fractions_of_the_training_become_steps():
    made = {name: make(100, FRACTIONS, False) for name, make in SCHEDULES.items()}
    assert made == {"gradual": Gradual(20, 99, 5), "one_shot": Once(20, 5), "from_start": Once(BEFORE)}
    assert SCHEDULES["from_start"](100, {}, True) == Once(0)  # the first gradients


def test_gradients_count_since_the_last_update():
    assert [step for step in range(20) if Gradual(6, 10, 3).watches(step)] == [4, 5, 6, 7, 8, 9, 10]
    assert [step for step in range(20) if Once(6, 3).watches(step)] == [4, 5, 6]
    assert [step for step in range(BEFORE, 20) if Once(0).watches(step)] == [0]


def test_a_schedule_without_room_is_refused():
    with pytest.raises(ValueError, match="pruning from step 2 to step 2 of 3 has no room: train longer"):
        SCHEDULES["gradual"](3, {"begin": 0.5, "end": 0.6, "every": 1}, False)
    with pytest.raises(ValueError, match="pruning after step 3 of 4 leaves none to fine-tune: train longer"):
        SCHEDULES["one_shot"](4, {"begin": 0.7, "end": 0.9, "every": 1}, False)
