"""The rows of rater.csv: what people say of PIEs, of control-PIEs and of images as doubtful, and how far they agree."""

import itertools
import math

import numpy as np
import pandas as pd

from scripts.lib.audit.intervals import UNDEFINED, Estimate, difference, fraction_mean, rate
from scripts.lib.audit.kappa import agreement
from scripts.lib.audit.multiple import benjamini_hochberg
from scripts.lib.audit.over_indexing import fisher_p
from scripts.lib.jobs.streams import generator
from scripts.lib.tables.table import with_interval

GROUPS = ("pie", "control_pie", "matched")
# What a group is held against, by the name of the columns.
BESIDE = {"control": "control_pie", "matched": "matched"}


def rater_rows(
    answers: pd.DataFrame, key: pd.DataFrame, questions: list[str], resamples: int, significance: float
) -> pd.DataFrame:
    """One row a question and group.

    answers: `rater`, `image` and a bool column for each question, a row for each image that a rater judged. key: `image`, `group` and
    `dense_margin`, a row for each image and group that it is in. Shares are means over images of the share of its raters who say yes.
    """
    rows = []
    for question in questions:
        said = answers.pivot(index="image", columns="rater", values=question)
        share = said.astype(float).mean(axis=1)  # of the raters who judged the image
        by_all = said.dropna()
        ratings = by_all.to_numpy(dtype=bool).T
        kappa = agreement(ratings, resamples, significance, generator("rater agreement", question))
        members = {group: share.reindex(key.image[key.group == group]).dropna().to_numpy() for group in GROUPS}
        shares = {group: of_images(values, significance) for group, values in members.items()}
        for group in GROUPS:
            margins = key.dense_margin[(key.group == group) & key.image.isin(share.index)]
            row = {
                "question": question,
                "group": group,
                "images": len(members[group]),
                "raters": said.shape[1],
                "dense_margin": margins.mean(),
                **with_interval("share", shares[group]),
            }
            for name, other in BESIDE.items():
                later = GROUPS.index(group) < GROUPS.index(other)  # each pair once
                row |= with_interval(f"less_{name}", difference(shares[group], shares[other]) if later else UNDEFINED)
                row[f"p_{name}"] = fisher(members[group], members[other]) if later else math.nan
            rows.append(row | {"agreed_on": len(by_all), **with_interval("kappa", kappa), "significance": significance})
    table = pd.DataFrame(rows)
    for name, group in itertools.product(BESIDE, GROUPS):
        of_group = table.group == group
        table.loc[of_group, f"p_{name}_bh"] = benjamini_hochberg(table.loc[of_group, f"p_{name}"].to_numpy())
    return table


def of_images(shares: np.ndarray, significance: float) -> Estimate:
    """The mean over images of the share of raters who say yes, float64[n]: Wilson's interval where raters never differ, else Student's."""
    if np.isin(shares, (0.0, 1.0)).all():
        return rate(int(shares.sum()), len(shares), significance)
    return fraction_mean(shares, significance)


def fisher(first: np.ndarray, second: np.ndarray) -> float:
    """Fisher's exact p that most raters say yes of as many images of both groups; shares float64[n] and float64[m]. NaN for an empty group."""
    if not len(first) or not len(second):
        return math.nan
    return fisher_p(int((first > 0.5).sum()), len(first), int((second > 0.5).sum()), len(second))
