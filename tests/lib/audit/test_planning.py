"""Power of the audit's interval: against studies drawn by its own model of the errors, and what searches promise."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from scripts.lib.audit.error_parts import ErrorParts, assumed
from scripts.lib.audit.planning import Plan, power_of_t

PARTS = ErrorParts(np.array([1, 3]), np.array([0.12, 0.07]), 6e-5, 9)
PLAN = Plan(PARTS, "independent", 2000, 0.05)


def realised(plan: Plan, excess: float, models: int, images: int, studies: int = 40_000) -> float:
    """How often Welch's interval leaves 0 out, where images and models add normal errors whose variances are estimated."""
    random = np.random.default_rng(0)
    parts = plan.variances(excess, models, images)
    freedoms = images - 1, models - 1
    found = excess + sum(random.normal(0, math.sqrt(part), studies) for part in parts)
    of_images, of_models = (
        part * random.chisquare(freedom, studies) / freedom for part, freedom in zip(parts, freedoms, strict=True)
    )
    total = of_images + of_models
    freedom = total**2 / (of_images**2 / freedoms[0] + of_models**2 / freedoms[1])
    return float((found > stats.t.isf(plan.significance / 2, freedom) * np.sqrt(total)).mean())


@pytest.mark.parametrize(
    ("excess", "models", "images"), [(0.012, 10, 3000), (0.02, 6, 1500), (0.006, 30, 20_000), (0.011, 10, 50_000)]
)
def test_the_power_is_that_of_studies_drawn(excess, models, images):
    """The degrees of freedom are those of the expected variances, hence the band."""
    assert PLAN.power(excess, models, images) == pytest.approx(realised(PLAN, excess, models, images), abs=0.03)


def test_images_alone_are_a_one_sample_t_test():
    """statsmodels' and every textbook's power: noncentral t with n - 1 degrees of freedom."""
    plan = Plan(ErrorParts(np.array([1]), np.array([0.09]), 0.0, math.inf), "independent", 2000, 0.05)
    variance = 0.09 / 3 + 0.1 * 0.9  # at nine models, and that of the excess
    limit = stats.t.isf(0.025, 99)
    assert plan.power(0.1, 9, 100) == pytest.approx(stats.nct.sf(limit, 99, 0.1 / math.sqrt(variance / 100)), abs=1e-3)


@pytest.mark.parametrize("freedom", [2, 5, 30, 1e4, 1e8])
@pytest.mark.parametrize("distance", [0.0, 2.0, 5.0, 30.0])
def test_it_is_the_noncentral_t_distribution(freedom, distance):
    limit = stats.t.isf(0.025, freedom)
    assert power_of_t(distance, freedom, 0.05) == pytest.approx(stats.nct.sf(limit, freedom, distance), abs=2e-3)


def test_far_from_0_everything_is_shown():
    assert all(power_of_t(distance, 7.0, 0.0125) == pytest.approx(1) for distance in (50.0, 500.0, 1e6))


@settings(max_examples=30, deadline=None)
@given(st.integers(3, 100), st.integers(50, 10**6))
def test_the_smallest_excess_has_the_power_and_a_smaller_one_has_not(models, images):
    smallest = PLAN.smallest_excess(models, images)
    if math.isnan(smallest):
        assert PLAN.power(1.0, models, images) < 0.8
    else:
        assert PLAN.power(smallest, models, images) >= 0.8 > PLAN.power(0.99 * smallest, models, images)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.002, 0.2), st.integers(100, 10**5))
def test_one_model_or_image_fewer_than_needed_does_not_do(excess, images):
    models = PLAN.models_needed(excess, images)
    if not math.isnan(models):
        assert PLAN.power(excess, int(models), images) >= 0.8 > PLAN.power(excess, int(models) - 1, images)
    needed = PLAN.images_needed(excess, 20)
    if not math.isnan(needed):
        assert PLAN.power(excess, 20, int(needed)) >= 0.8 > PLAN.power(excess, 20, int(needed) - 1)


def test_more_images_do_not_help_against_the_part_of_models():
    floor = math.sqrt(PARTS.models / 10)  # the standard error that remains
    assert PLAN.smallest_excess(10, 10**8) > 2 * floor
    assert math.isnan(PLAN.images_needed(2 * floor, 10)) and PLAN.models_needed(2 * floor, 10**6) > 10


def test_at_the_balance_both_parts_are_equal():
    images = PLAN.balance(10)
    of_images, of_models = PLAN.variances(0.0, 10, round(images))
    assert of_images == pytest.approx(of_models, rel=1e-3)
    assert math.isinf(Plan(ErrorParts(np.array([1]), np.array([0.1]), -1e-6, 9), "independent", 2000, 0.05).balance(5))


def test_too_few_models_have_no_power():
    """Two models have no interval; the test of the votes of five pairs has p = 2 / 32 at best, that of six 2 / 64."""
    assert PLAN.power(0.5, 2, 10**6) == 0 and PLAN.power(0.5, 3, 10**6) > 0
    paired = Plan(PARTS, "paired", 2000, 0.05)
    assert paired.power(0.5, 5, 10**6) == 0 and paired.power(0.5, 6, 10**6) > 0
    assert math.isnan(paired.smallest_excess(5, 10**6))


def test_the_range_holds_the_smallest_excess_and_an_assumed_law_has_none():
    low, high = PLAN.range_of_smallest(10, 20_000)
    assert low < PLAN.smallest_excess(10, 20_000) < high
    assert all(map(math.isnan, Plan(assumed(0.1), "independent", 2000, 0.05).range_of_smallest(10, 20_000)))
