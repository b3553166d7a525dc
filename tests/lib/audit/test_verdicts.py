"""What may be concluded, case by case."""

import math

import pytest

from scripts.lib.audit.intervals import Estimate
from scripts.lib.audit.verdicts import against_control, against_reference


@pytest.mark.parametrize(
    "low, high, p, verdict",
    [
        (0.01, 0.03, 0.01, "exceeds the control"),
        (-0.03, -0.01, 0.01, "below the control"),
        (0.01, 0.03, 0.06, "cannot be told from the control"),
        (-0.01, 0.03, 0.01, "cannot be told from the control"),
    ],
)
def test_a_level_differs_when_test_and_interval_agree(low, high, p, verdict):
    assert against_control(Estimate((low + high) / 2, low, high), p, 0.05) == verdict


@pytest.mark.parametrize(
    "low, high, p, p_reference, verdict",
    [
        (0.01, 0.03, 0.01, 0.5, "larger excess than typical"),
        (0.01, 0.03, 0.20, 0.5, "cannot be told from typical"),
        (-0.03, -0.01, 0.5, 0.01, "smaller excess than typical"),
        (-0.03, -0.01, 0.01, 0.5, "cannot be told from typical"),
        (-0.01, 0.01, 0.01, 0.01, "cannot be told from typical"),
        (math.nan, math.nan, 0.01, 0.01, "too few images to say"),
    ],
)
def test_an_excess_is_larger_only_if_it_is_one(low, high, p, p_reference, verdict):
    assert against_reference(Estimate(0.0, low, high), p, p_reference, 0.05, "typical") == verdict
