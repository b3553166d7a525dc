"""What a level does to each metric that a study may promise something of: the estimate, its test against the margin, and what would decide."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from scripts.lib.audit.crossed import Measure, share_of
from scripts.lib.audit.flips import flips
from scripts.lib.audit.intervals import UNDEFINED, Estimate, rate
from scripts.lib.audit.noninferiority import (
    UNTESTED,
    Test,
    error_of,
    images_to_decide,
    loss_of_pairs,
    no_surer_than_unseen,
    of_all,
    of_normal,
    share,
    unseen,
)
from scripts.lib.audit.paired_proportions import change
from scripts.lib.ledger.predictions import Votes

ONE_NETWORK = 1


@dataclass(frozen=True)
class Found:
    """A metric of a level, held against a margin."""

    estimate: Estimate  # its ends are those of one-sided intervals of 1 - significance each
    test: Test
    images: int
    models: int
    needed: float = math.nan  # images that would decide
    about: str = ""  # the class or group that it hangs on
    reason: str = ""  # why it cannot be judged


def loss(
    dense: Votes, own: Votes, right: str, members: np.ndarray, margin: float, significance: float, paired: bool
) -> Found:
    """The loss of `correct` or `correct_top5` on the members, bool[N]. Of one network each by Tango's test over images, else over images and models."""
    before, after = getattr(dense, right), getattr(own, right)
    n, models = int(members.sum()), len(own.seed)
    if n == 0:
        return Found(UNDEFINED, UNTESTED, 0, models, reason="no images")
    if len(dense.seed) == models == ONE_NETWORK:
        lost, gained = (int((one & ~other)[0, members].sum()) for one, other in ((before, after), (after, before)))
        better, worse = loss_of_pairs(np.array([gained]), np.array([lost]), np.array([n]), margin)
        turned = change(gained, lost, n, 2 * significance)
        spread = math.sqrt(max(0.0, (lost + gained) / n - ((lost - gained) / n) ** 2) / n)
        needed = images_to_decide((lost - gained) / n, spread, margin, n, significance)
        found = Estimate(-turned.value + 0.0, -turned.high, -turned.low)
        return Found(found, Test(float(better[0]), float(worse[0])), n, models, needed)
    measure = share_of("dense", before, members) - share_of("dense" if paired else "level", after, members)
    return _of_measure(measure, n, models, margin, significance)


def flipped(dense: Votes, own: Votes, kind: str, margin: float, significance: float) -> Found:
    """The share of images that flip (`any`) or that go from right to wrong (`lost`), network by network; the exact test for one network each."""
    happened = np.stack(
        [getattr(flips(before, after, dense.label), kind) for before, after in zip(dense.votes, own.votes, strict=True)]
    )
    models, n = happened.shape
    if models == ONE_NETWORK:
        count = int(happened.sum())
        spread = math.sqrt(count / n * (1 - count / n) / n)
        needed = images_to_decide(count / n, spread, margin, n, significance)
        return Found(rate(count, n, 2 * significance), share(count, n, margin), n, models, needed)
    return _of_measure(share_of("pairs", happened, np.ones(n, dtype=bool)), n, models, margin, significance)


def worst(
    dense: Votes,
    own: Votes,
    groups: dict[str, np.ndarray],
    smallest: int,
    margin: float,
    significance: float,
    paired: bool,
) -> Found:
    """The largest loss of top-1 of any group of images, name -> bool[N], with at least `smallest` images.

    The promise is kept if every group keeps it. The estimate is that of the group that is hardest to acquit, its interval its own.
    """
    judged = {
        name: loss(dense, own, "correct", members, margin, significance, paired)
        for name, members in groups.items()
        if members.sum() >= max(smallest, 1)
    }
    models = len(own.seed)
    if not judged:
        return Found(UNDEFINED, UNTESTED, 0, models, reason=f"no group has {smallest} images")
    found = [each.test for each in judged.values()]
    test = of_all(*(np.array([getattr(each, side) for each in found]) for side in ("better", "worse")))
    name, hardest = max(
        judged.items(), key=lambda each: (np.nan_to_num(each[1].test.better, nan=2.0), each[1].estimate.value)
    )
    n = len(dense.label)
    needed = math.ceil(n * hardest.needed / hardest.images) if not math.isnan(hardest.needed) else math.nan
    return Found(hardest.estimate, test, hardest.images, models, needed, name, hardest.reason)


def of_interval(
    estimate: Estimate, margin: float, significance: float, images: int, models: int, reason: str, ratio: bool = False
) -> Found:
    """From an estimate of a table with its central interval of 1 - significance, whose width says the standard error; of ratios that of their logarithm."""
    if math.isnan(estimate.value):
        return Found(estimate, UNTESTED, images, models, reason=reason or "undefined")
    if math.isnan(estimate.low) or math.isnan(estimate.high):
        return Found(
            Estimate(estimate.value, math.nan, math.nan), UNTESTED, images, models, reason=reason or "no interval"
        )
    scale = math.log if ratio else float
    back = math.exp if ratio else float
    ends = Estimate(*(scale(each) for each in estimate))
    error = error_of(ends, significance)
    half = float(-special.ndtri(significance)) * error
    needed = images_to_decide(ends.value, error, scale(margin), images, significance) if images else math.nan
    found = Estimate(estimate.value, back(ends.value - half), back(ends.value + half))
    test = of_normal(ends.value, error, scale(margin))
    if not ratio:
        test = no_surer_than_unseen(test, images, margin)
    return Found(found, test, images, models, needed)


def known(value: float) -> Found:
    """Of a number that nothing is tested of, such as bytes."""
    return Found(Estimate(value, value, value), UNTESTED, 0, 1)


def mce(rows: pd.DataFrame, margin: float, significance: float) -> Found:
    """The mean corruption error from a level's rows of robustness_summary.csv, whose first set is the published one."""
    row = rows[rows.of > 1].iloc[0]
    sizes = int(row.examples), int(row.level_models)
    return of_interval(_with_ends(row, "mce"), margin, significance, *sizes, row.reason, ratio=True)


def corrupted(rows: pd.DataFrame, margin: float, significance: float) -> Found:
    """The loss of top-1 under corruption from the same rows: of the set in which most of the study's corruptions are."""
    sets = rows[rows.of > 1]
    row = sets.loc[sets.found.idxmax()]
    estimate, n, models = _with_ends(row, "error_change"), int(row.examples), int(row.level_models)
    if estimate.value == 0 and math.isnan(estimate.low):  # nothing changed in any resample
        return _unchanged(0.0, n, models, margin, significance)
    return of_interval(estimate, margin, significance, n, models, "")


def _with_ends(row: pd.Series, name: str) -> Estimate:
    return Estimate(*(float(row[f"{name}{end}"]) for end in ("", "_low", "_high")))


def _unchanged(value: float, n: int, models: int, margin: float, significance: float) -> Found:
    """Of what did not vary at all on n images."""
    bound = rate(0, n, 2 * significance).high
    needed = images_to_decide(value, 0.0, margin, n, significance)
    return Found(Estimate(value, value - bound, value + bound), unseen(n, margin), n, models, needed)


def excess_pies(rows: pd.DataFrame, margin: float, significance: float) -> Found:
    """The excess of PIEs over the control, from a level's row of pie_summary.csv."""
    row = rows.iloc[0]
    sizes = int(row.examples), int(row.level_models)
    return of_interval(_with_ends(row, "excess_rate"), margin, significance, *sizes, row.verdict)


def latency(rows: pd.DataFrame, batch_size: int, margin: float, significance: float) -> Found:
    """The time of a batch as a share of the best dense network's, from a level's rows of cost.csv."""
    row = rows[rows.batch_size == batch_size].iloc[0]
    estimate = Estimate(1 / row.speedup, 1 / row.speedup_high, 1 / row.speedup_low)
    reason = row.timing if math.isnan(row.speedup) else f"{row.rounds} rounds are too few for an interval"
    return of_interval(estimate, margin, significance, 0, 1, reason, ratio=True)


def _of_measure(measure: Measure, n: int, models: int, margin: float, significance: float) -> Found:
    """Of a statistic of K models and N images."""
    variance, degrees = measure.variance
    if math.isnan(measure.value) or math.isnan(variance):
        return Found(UNDEFINED, UNTESTED, n, models, reason=measure.reason or "undefined")
    if variance == 0:
        return _unchanged(measure.value, n, models, margin, significance)
    error, of_images = math.sqrt(variance), math.sqrt(float((measure.by_image**2).sum()))
    others = math.sqrt(max(0.0, variance - of_images**2))
    needed = images_to_decide(measure.value, of_images, margin, n, significance, others)
    test = no_surer_than_unseen(of_normal(measure.value, error, margin, degrees), n, margin)
    return Found(measure.estimate(2 * significance), test, n, models, needed)
