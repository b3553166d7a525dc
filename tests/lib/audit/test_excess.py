"""The excess with both its errors."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from benchmarks.calibration import audit
from benchmarks.made_studies import draw_study
from scripts.lib.audit.excess import excesses, uncompressed
from scripts.lib.audit.verdicts import against_control


def of_level(differences, dense, control, level, design, groups, deals=999):
    random = np.random.default_rng(0)
    reference = uncompressed(dense, control, {design: random}, "largest")
    return excesses(differences, reference, level, design, groups, deals, (random, random), 0.05)


@pytest.mark.parametrize("models", [5, 6])
def test_a_level_that_is_wrong_everywhere_exceeds_the_control(models):
    right = np.random.default_rng(1).integers(0, 10, 100)
    dense, level = np.tile(right, (models, 1)), np.tile((right + 1) % 10, (models, 1))
    for design in ("independent", "paired"):
        found = of_level(np.ones(100), dense, dense, level, design, np.ones((1, 100), bool))
        excess = found.of(0)
        assert excess.estimate.low > 0.9 and excess.estimate.high == 1 and excess.p_interval < 1e-20
        least = 2.0 ** (1 - models) if design == "paired" else 1 / 1000
        assert excess.p == excess.p_permutation == found.least_p == pytest.approx(least)


def test_of_groups_and_their_difference_by_hand():
    """All models of a population agree, so only images vary, and Welch's test says what the differences do."""
    random = np.random.default_rng(2)
    dense = np.zeros((6, 60), int)
    inside = np.arange(60) < 20
    level = np.tile((random.random(60) < np.where(inside, 0.5, 0.2)).astype(int), (6, 1))
    differences = level[0].astype(float)
    found = of_level(differences, dense, dense, level, "independent", np.stack([inside, ~inside]))
    expected = stats.ttest_1samp(differences[inside], 0)
    assert found.of(0).p_interval == pytest.approx(expected.pvalue, rel=1e-3)
    expected = stats.ttest_ind(differences[inside], differences[~inside], equal_var=False).confidence_interval(0.95)
    difference = found.beyond(0, 1)
    assert difference.low == pytest.approx(expected.low, rel=0.2) and difference.high == pytest.approx(
        expected.high, rel=0.2
    )


@pytest.mark.parametrize("value", [0.0, 1.0, -0.25])
def test_an_excess_that_all_images_have_alike_reaches_0_at_its_p(value):
    votes = np.zeros((4, 40), int)
    found = of_level(np.full(40, value), votes, votes, votes, "paired", np.ones((1, 40), bool))
    p = found.of(0).p_interval
    edge = replace(found, significance=min(p, 0.999999)).of(0).estimate
    assert (p == 1) == (value == 0) and min(abs(edge.low), abs(edge.high)) == pytest.approx(0, abs=1e-6)


def test_one_image_has_an_excess_and_no_interval():
    votes = np.random.default_rng(3).integers(0, 3, (3, 4, 10))
    alone = np.arange(10) == 3
    found = of_level(np.linspace(0, 1, 10), *votes, "independent", np.stack([alone, ~alone, np.zeros(10, bool)]))
    assert (
        found.of(0).estimate.value == pytest.approx(3 / 9) and np.isnan([found.of(0).estimate.low, found.of(0).p]).all()
    )
    assert np.isnan(found.beyond(1, 0).low) and np.isnan(found.of(2).estimate.value)


def test_two_models_have_no_interval_and_no_verdict():
    votes = np.random.default_rng(4).integers(0, 3, (3, 2, 30))
    for significance in (0.05, 0.5):
        found = of_level(np.ones(30), *votes, "independent", np.ones((1, 30), bool))
        estimate = found.of(0).estimate
        assert (
            estimate.value == 1
            and np.isnan([estimate.low, found.of(0).p]).all()
            and not np.isnan(found.of(0).se_images)
        )
        verdict = against_control(estimate, found.of(0).p_permutation, found.least_p, significance)
        assert verdict == "has too few models to be told from the control"


def test_of_networks_that_err_alike_on_similar_images_it_is_calibrated():
    """Eight thousand images, three models, errors that are all linear in the images' features: nothing is compressed.

    An interval over images alone leaves the truth out far too often; what is asked of ours, it fails.
    """
    said = []
    for seed in range(30):
        random = np.random.default_rng(seed)
        study = draw_study(8000, 3, 1.0, random, ("same", "same again"))
        said += audit(*study, random).values()
    lowest = stats.binom.ppf(0.001, len(said), 0.95)
    covered = sum(row["low"] <= 0 <= row["high"] for row in said)
    of_images_alone = sum(row["images_low"] <= 0 <= row["images_high"] for row in said)
    assert of_images_alone < lowest <= covered
    for rejected in (
        "verdict",
        "votes differ (permutation test)",
        "difference of two groups' excesses: interval excludes 0",
    ):
        assert sum(row[rejected] for row in said) <= stats.binom.ppf(0.999, len(said), 0.05)
