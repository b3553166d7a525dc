"""Power of the exact McNemar test: against a sum over all outcomes, by hand, and what searches promise."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from scripts.lib.audit.power import (
    images_needed,
    mcnemar_power,
    rejected_up_to,
    smallest_change,
    smallest_visible_change,
)


def by_every_outcome(n: int, lost: float, gained: float, significance: float) -> float:
    """The sum over all counts of lost and gained images, each tested by scipy."""
    total = 0.0
    for b in range(n + 1):
        for c in range(n + 1 - b):
            if b + c and stats.binomtest(b, b + c).pvalue <= significance:
                total += stats.multinomial.pmf([b, c, n - b - c], n, [lost, gained, 1 - lost - gained])
    return total


@pytest.mark.parametrize(
    ("n", "lost", "gained", "significance"),
    [(12, 0.5, 0.1, 0.05), (25, 0.3, 0.05, 0.05), (20, 0.2, 0.2, 0.2), (9, 1.0, 0.0, 0.05), (15, 0.0, 0.6, 0.01)],
)
def test_it_is_the_sum_over_all_outcomes(n, lost, gained, significance):
    assert mcnemar_power(n, lost, gained, significance) == pytest.approx(
        by_every_outcome(n, lost, gained, significance), abs=1e-9
    )


def test_six_discordant_images_of_one_kind_are_the_fewest_that_show_anything():
    """Five bring p = 2 / 32 at best, six 2 / 64."""
    assert rejected_up_to(np.arange(10), 0.05).tolist() == [-1, -1, -1, -1, -1, -1, 0, 0, 0, 1]
    assert mcnemar_power(5, 1.0, 0.0, 0.05) == 0
    assert mcnemar_power(6, 1.0, 0.0, 0.05) == 1
    assert mcnemar_power(6, 0.5, 0.0, 0.05) == pytest.approx(0.5**6)
    assert images_needed(1.0, 1.0, 0.05) == 6


def test_many_images_are_as_the_normal_approximation_says():
    """Connor 1987: z of the power is (sqrt(n) change - z sqrt(discordance)) / sqrt(discordance - change ** 2)."""
    n, discordance, change = 50_000, 0.06, 0.004
    z = (math.sqrt(n) * change - stats.norm.isf(0.025) * math.sqrt(discordance)) / math.sqrt(discordance - change**2)
    lost, gained = (discordance + change) / 2, (discordance - change) / 2
    assert mcnemar_power(n, lost, gained, 0.05) == pytest.approx(stats.norm.cdf(z), abs=0.01)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5000), st.floats(0.001, 1), st.sampled_from([0.01, 0.05]), st.sampled_from([0.5, 0.8]))
def test_the_smallest_change_has_the_power_and_a_smaller_one_has_not(n, discordance, significance, power):
    def of(change: float) -> float:
        return mcnemar_power(n, (discordance + change) / 2, max(0.0, discordance - change) / 2, significance)

    change = smallest_change(n, discordance, significance, power)
    if math.isnan(change):
        assert of(discordance) < power
    else:
        assert of(change) >= power - 1e-6 and of(0.999 * change) < power


@settings(max_examples=20, deadline=None)
@given(st.floats(0.02, 0.6), st.floats(0.1, 1))
def test_one_image_fewer_than_needed_does_not_do(discordance, share):
    change = share * discordance
    n = images_needed(change, discordance, 0.05)
    rates = (discordance + change) / 2, (discordance - change) / 2
    assert mcnemar_power(n, *rates, 0.05) >= 0.8 > mcnemar_power(n - 1, *rates, 0.05)


def test_both_searches_are_inverse():
    n = images_needed(0.01, 0.08, 0.05)
    assert smallest_change(n, 0.08, 0.05) == pytest.approx(0.01, rel=1e-3)


@given(st.integers(0, 300), st.floats(0, 1), st.sampled_from([0.001, 0.05, 0.3]))
@settings(max_examples=30, deadline=None)
def test_where_nothing_changes_the_test_errs_no_oftener_than_it_says(n, discordance, significance):
    assert mcnemar_power(n, discordance / 2, discordance / 2, significance) <= significance + 1e-9


def test_what_cannot_be():
    assert math.isnan(smallest_change(1000, 0.0, 0.05)) and math.isnan(smallest_change(0, 0.5, 0.05))
    assert math.isnan(smallest_change(100, 0.03, 0.05))  # three discordant images
    with pytest.raises(ValueError, match="cannot be"):
        images_needed(0.1, 0.05, 0.05)
    with pytest.raises(ValueError, match="cannot be"):
        mcnemar_power(10, 0.7, 0.7, 0.05)
    with pytest.raises(ValueError, match="significance"):
        smallest_change(10, 0.5, 0.0)


@pytest.mark.parametrize("n", [60, 3000])
def test_where_nothing_differs_the_smallest_change_is_one_in_a_single_direction(n):
    found = smallest_visible_change(n, 0.0, 0.05)
    assert mcnemar_power(n, found, 0.0, 0.05) >= 0.8 > mcnemar_power(n, 0.98 * found, 0.0, 0.05)
    assert np.isnan(smallest_visible_change(5, 0.0, 0.05))  # five of five images have p = 0.06
    assert smallest_visible_change(n, 0.5, 0.05) == smallest_change(n, 0.5, 0.05)
