"""Promises about what stands in tables: estimates with their intervals, ratios, and what did not vary."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from scripts.lib.tables import promises

Z = stats.norm.ppf([0.95, 0.975])


def row(**changes):
    """A set of corruptions in robustness_summary.csv."""
    said = {"of": 15, "found": 15, "examples": 400, "level_models": 3, "reason": "none"}
    for name, (value, half) in {"mce": (1.05, 0.02), "error_change": (0.02, 0.0196)}.items():
        said |= {name: value, f"{name}_low": value - half, f"{name}_high": value + half}
    return said | changes


def test_a_loss_under_corruption_is_tested_by_its_intervals_width():
    found = promises.corrupted(pd.DataFrame([row(of=1, found=1, error_change=0.5), row()]), 0.04, 0.05)
    error = 0.0196 / Z[1]
    assert found.estimate == pytest.approx((0.02, 0.02 - Z[0] * error, 0.02 + Z[0] * error))
    assert found.test == pytest.approx((stats.norm.sf(0.02 / error), stats.norm.cdf(0.02 / error)))
    assert (found.images, found.models) == (400, 3)


def test_it_is_of_the_set_in_which_most_of_the_studys_corruptions_are():
    rows = pd.DataFrame([row(found=0, error_change=np.nan), row(of=19, found=2, error_change=0.03)])
    assert promises.corrupted(rows, 0.1, 0.05).estimate.value == 0.03


def test_nothing_that_changed_is_as_sure_as_so_many_images_let_it_be():
    rows = pd.DataFrame([row(error_change=0.0, error_change_low=np.nan, error_change_high=np.nan, examples=100)])
    found = promises.corrupted(rows, 0.02, 0.05)
    assert found.test.better == pytest.approx(0.98**100) and found.needed == 149
    few = promises.corrupted(
        pd.DataFrame([row(error_change_low=0.0199, error_change_high=0.0201, examples=20)]), 0.05, 0.05
    )
    assert few.test.better == pytest.approx(0.95**20)


def test_ratios_are_tested_by_their_logarithms_and_reasons_are_kept():
    found = promises.mce(pd.DataFrame([row(mce=1.05, mce_low=1.0, mce_high=1.05**2)]), 1.2, 0.05)
    error = np.log(1.05) / Z[1]
    assert found.test.better == pytest.approx(stats.norm.sf(np.log(1.2 / 1.05) / error))
    assert found.estimate.low == pytest.approx(1.05 ** (1 - Z[0] / Z[1]))
    unknown = promises.mce(pd.DataFrame([row(mce=np.nan, reason="2 of 15 corruptions, so this is no mCE")]), 1.2, 0.05)
    assert np.isnan(unknown.test.better) and unknown.reason.startswith("2 of 15")


def test_latency_is_the_other_way_round_than_speed():
    cost = {"batch_size": 4, "rounds": 9, "timing": "measured", "speedup": 2.0, "speedup_low": 1.6, "speedup_high": 2.5}
    found = promises.latency(pd.DataFrame([cost]), 4, 0.6, 0.05)
    assert found.estimate.value == 0.5 and found.estimate.low < 0.5 < found.estimate.high
    assert found.test.better == pytest.approx(stats.norm.sf(np.log(0.6 / 0.5) / (np.log(2.5 / 1.6) / 2 / Z[1])))
    short = promises.latency(pd.DataFrame([cost | {"speedup_low": np.nan, "speedup_high": np.nan}]), 4, 0.6, 0.05)
    assert short.reason == "9 rounds are too few for an interval" and np.isnan(short.test.worse)


def test_an_excess_that_is_unknown_says_why():
    pies = {"examples": 50, "level_models": 2, "verdict": "has too few models", "excess_rate": 0.1}
    found = promises.excess_pies(
        pd.DataFrame([pies | {"excess_rate_low": np.nan, "excess_rate_high": np.nan}]), 0.2, 0.05
    )
    assert found.reason == "has too few models" and np.isnan(found.test.better)
