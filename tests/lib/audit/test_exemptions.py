"""The search for layers to exempt: what it finds meets the margin, and nothing of it can be spared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.lib.audit.exemptions import MEETS, MISSES, OPEN, most_avoided_first, search, verdict
from scripts.lib.audit.intervals import Estimate


def test_layers_come_by_what_they_avoid_for_a_byte():
    avoided = {"a": 0.10, "b": 0.02, "c": 0.02, "d": -0.01, "e": 0.02}
    saved = {"a": 1000, "b": 10, "c": 100, "d": 1, "e": 10}
    assert most_avoided_first(avoided, saved) == ["b", "e", "c", "a", "d"]
    assert most_avoided_first({"a": 0.001, "b": 0.002}, {"a": 0, "b": -5}) == ["b", "a"]  # they cost nothing


@given(st.data())
def test_what_is_found_is_enough_and_no_layer_of_it_can_be_spared(data):
    """Each layer flips some predictions, which add up; so every superset of a set that meets the margin meets it too."""
    layers = data.draw(st.lists(st.sampled_from("abcdefg"), unique=True, min_size=1))
    flips = {layer: data.draw(st.integers(0, 9)) for layer in layers}
    saved = {layer: data.draw(st.integers(1, 9)) for layer in layers}
    margin = data.draw(st.integers(0, 30))
    order = data.draw(st.permutations(layers))

    def meets(exempt):
        return sum(flips[layer] for layer in layers if layer not in exempt) <= margin

    found = search(order, saved, meets)
    if found is None:
        assert not meets(frozenset(order[:-1]))
    else:
        assert meets(found) and found < set(layers)
        assert not any(meets(found - {layer}) for layer in found)


def test_a_dear_layer_that_turns_out_to_be_dispensable_is_taken_back():
    flips, saved = {"dear": 5, "cheap": 6, "rest": 1}, {"dear": 90, "cheap": 10, "rest": 10}
    asked = []

    def meets(exempt):
        asked.append(set(exempt))
        return sum(flips[layer] for layer in flips if layer not in exempt) <= 6

    assert search(["dear", "cheap", "rest"], saved, meets) == {"cheap"}
    # 12 flips; without the dear one 7; without both 1; the dear one back 6; the cheap one back 12.
    assert asked == [set(), {"dear"}, {"dear", "cheap"}, {"cheap"}, set()]


@pytest.mark.parametrize(
    ("low", "high", "said"), [(0.0, 0.02, MEETS), (0.01, 0.03, OPEN), (0.021, 0.03, MISSES), (0.02, 0.03, OPEN)]
)
def test_an_interval_says_whether_a_margin_is_met(low, high, said):
    assert verdict(Estimate((low + high) / 2, low, high), 0.02) == said
