"""What may be concluded, case by case."""

import math

import pytest

from scripts.lib.audit.intervals import Estimate
from scripts.lib.audit.verdicts import against_control, against_reference, of_study


@pytest.mark.parametrize(
    "low, high, p, least, verdict",
    [
        (0.01, 0.03, 0.01, 0.001, "exceeds the control"),
        (-0.03, -0.01, 0.01, 0.001, "below the control"),
        (0.01, 0.03, 0.06, 0.001, "cannot be told from the control"),
        (-0.01, 0.03, 0.01, 0.001, "cannot be told from the control"),
        (0.01, 0.03, 0.25, 0.25, "has too few models to be told from the control"),
        (math.nan, math.nan, 0.01, 0.001, "has too few images to be told from the control"),
    ],
)
def test_a_level_differs_when_test_and_interval_agree(low, high, p, least, verdict):
    assert against_control(Estimate((low + high) / 2, low, high), p, least, 0.05) == verdict


@pytest.mark.parametrize(
    "verdict, p, left",
    [
        ("exceeds the control", 0.04, "exceeds the control"),
        ("exceeds the control", 0.06, "cannot be told from the control"),
        ("below the control", 0.06, "cannot be told from the control"),
        ("has too few models to be told from the control", 0.5, "has too few models to be told from the control"),
        ("is the control", math.nan, "is the control"),
    ],
)
def test_a_study_says_what_remains_with_the_adjusted_p(verdict, p, left):
    assert of_study(verdict, p, 0.05) == left


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
    assert against_reference(Estimate(0.0, low, high), p, p_reference, 0.001, 0.05, "typical") == verdict


def test_an_excess_of_too_few_models_is_neither():
    assert against_reference(Estimate(0.02, 0.01, 0.03), 0.5, 0.5, 0.25, 0.05, "typical") == "too few models to say"
