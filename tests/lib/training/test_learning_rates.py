"""Learning rates by hand."""

import math

import pytest

from scripts.lib.training.schedules import learning_rate_factor


def test_linear():
    # 20 steps, 4 of warm-up: 1/4, 2/4, 3/4, 1, then down from (20 - 4) / 16.
    factors = [learning_rate_factor(step, 20, 0.2) for step in range(20)]
    assert factors[:5] == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert factors[12] == 0.5 and factors[19] == 1 / 16
    assert learning_rate_factor(0, 20, 0.0) == 1.0


def test_cosine():
    factors = [learning_rate_factor(step, 20, 0.2, "cosine") for step in range(20)]
    assert factors[:5] == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert factors[12] == pytest.approx(0.5)  # half of the way down
    assert factors[8] == pytest.approx((1 + math.cos(math.pi / 4)) / 2)
    assert 0 < factors[19] < 0.01


def test_step():
    factors = [learning_rate_factor(step, 100, 0.05, "step", [0.3, 0.6, 0.8], 0.1) for step in range(100)]
    assert factors[:6] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0])
    assert factors[29:31] == pytest.approx([1, 0.1])
    assert factors[59:61] == pytest.approx([0.1, 0.01])
    assert factors[79:81] == pytest.approx([0.01, 0.001])
    assert factors[99] == pytest.approx(0.001)
