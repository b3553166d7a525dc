"""The bins of the reliability diagram by hand."""

import numpy as np
import pytest

from scripts.lib.audit.intervals import rate
from scripts.lib.audit.reliability import reliability


def test_bins_of_one_and_of_two_models():
    confidence = np.array([[0.2, 0.4, 0.6, 0.8], [0.3, 0.3, 0.9, 0.9]])
    correct, places = np.array([[0, 1, 1, 1], [0, 0, 1, 1]], bool), np.array([[0, 0, 1, 1], [0, 0, 1, 1]])
    one = reliability(confidence[:1], correct[:1], places[:1], 0.05)
    assert [each.confidence for each in one] == pytest.approx([0.3, 0.7]) and one[0].accuracy == rate(1, 2, 0.05)
    two = reliability(confidence, correct, places, 0.05)
    assert [each.images for each in two] == [2, 2] and [each.accuracy.value for each in two] == [0.25, 1]
    assert two[0].accuracy.low < rate(1, 4, 0.05).low  # as of two images, not of four predictions


def test_a_model_with_fewer_bins_is_in_those_that_it_has():
    places = np.array([[0, 0, 1, 1], [0, 0, 0, 0]])
    found = reliability(np.full((2, 4), 0.5), np.ones((2, 4), bool), places, 0.05)
    assert [each.images for each in found] == [3, 2]
