"""The rows of slices.csv: groups of images that nobody named, chosen on the discovery half and tested on the testing half."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from scripts.lib.audit.intervals import UNDEFINED, rate
from scripts.lib.audit.multiple import benjamini_hochberg
from scripts.lib.audit.over_indexing import risk_ratio
from scripts.lib.audit.slices import NOTHING, Tested, slice_verdict
from scripts.lib.jobs.streams import key
from scripts.lib.tables.table import with_interval

NONE = "none"  # the slice of a level of which nothing was kept
FEWEST = 2  # testing images inside and outside that a test needs


def discovery_half(example: np.ndarray) -> np.ndarray:
    """The positions of the discovery images, int64, in an order that hangs on their ids alone; example: str[N].

    Which half an image is in hangs on its own id, and on no other image's.
    """
    drawn = np.array([key("slices", each) for each in example], dtype=object)
    discovery = np.flatnonzero([each % 2 == 0 for each in drawn])
    return discovery[np.argsort(drawn[discovery])]


@dataclass(frozen=True)
class Compared:
    """A level's images, N of them, against the dense models'."""

    level: str
    models: int
    changed: np.ndarray  # bool[N]: another modal label; of one model, another prediction
    control: np.ndarray | None  # bool[N]: the same of the control, where there is one
    scores: np.ndarray  # float64[N]: how much more than the control each image changes; without one, whether it changes
    dense_right: np.ndarray  # float64[N]: the share of the dense models that are right
    level_right: np.ndarray  # float64[N]


def row_of(
    about: Compared,
    name: str,
    described: str,
    inside: np.ndarray,
    testing: np.ndarray,
    tested: Tested,
    reason: str,
    significance: float,
) -> dict:
    """One slice of a level; inside, testing: bool[N]."""
    side, other = inside & testing, ~inside & testing
    chosen, rest = inside & ~testing, ~inside & ~testing
    counts = [(int(about.changed[each].sum()), int(each.sum())) for each in (side, other)]
    of_control = UNDEFINED
    if about.control is not None:
        of_control = rate(int(about.control[side].sum()), counts[0][1], significance)
    return {
        "level": about.level,
        "slice": name,
        "description": described,
        "models": about.models,
        "controlled": about.control is not None,
        "significance": significance,
        "n_discovery": int(chosen.sum()),
        "n_test": counts[0][1],
        "n_test_others": counts[1][1],
        "found": _mean(about.scores[chosen]) - _mean(about.scores[rest]),
        **with_interval("rate", rate(*counts[0], significance)),
        **with_interval("others_rate", rate(*counts[1], significance)),
        **with_interval("ratio", risk_ratio(*counts[0], *counts[1], significance)),
        **with_interval("control_rate", of_control),
        **with_interval("excess", tested.excess),
        **with_interval("beyond", tested.beyond),
        "dense_top1": _mean(about.dense_right[side]),
        "level_top1": _mean(about.level_right[side]),
        "p": tested.p,
        **with_interval("beyond_unsure", tested.beyond_unsure),
        "p_unsure": tested.p_unsure,
        "reason": reason,
    }


def row_of_nothing(about: Compared, testing: np.ndarray, significance: float) -> dict:
    """The row of a level of which no slice was kept; testing: bool[N]."""
    nobody = np.zeros(len(testing), dtype=bool)
    changes = bool(about.changed[~testing].any())
    why = "no slice of the discovery half stands out" if changes else "no image of the discovery half changes"
    return row_of(about, NONE, "", nobody, testing, NOTHING, why, significance)


def too_small(inside: np.ndarray, testing: np.ndarray) -> bool:
    """Whether a slice bool[N] or its rest has too few testing images, bool[N], to be tested."""
    return min(int((inside & testing).sum()), int((~inside & testing).sum())) < FEWEST


def completed(rows: list[dict], features: str) -> pd.DataFrame:
    """The table, with p adjusted for all slices and levels (Benjamini-Hochberg), the verdicts, and what the features are."""
    table = pd.DataFrame(rows)
    for q, p in (("q", "p"), ("q_unsure", "p_unsure")):
        table[q] = benjamini_hochberg(table[p].to_numpy(dtype=np.float64))
    table["verdict"] = [slice_verdict(row.q, row.q_unsure, row.significance) for row in table.itertuples()]
    table["features"] = features
    return table


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else math.nan
