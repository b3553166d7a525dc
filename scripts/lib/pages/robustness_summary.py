"""The page of robustness_summary.csv: corruption errors, robustness in one number."""

import pandas as pd

from scripts.lib.pages.page import Note, Page
from scripts.lib.pages.vocabulary import UNDEFINED, among, estimate, sentences
from scripts.lib.tables.table import coverage


def page(table: pd.DataFrame) -> Page:
    """robustness_summary.csv has a row for each level and corruption or set of corruptions; the page shows the sets."""
    sets = table[table.of > 1]
    cells = pd.DataFrame(
        {
            "level": sets.level,
            "corruptions": [
                title if found == of else f"{found} of {title}"
                for title, found, of in zip(sets.corruption, sets.found, sets.of, strict=True)
            ],
            "mCE": estimate(sets, "mce"),
            "relative mCE": estimate(sets, "relative_mce"),
            "mean CE over these": estimate(sets, "ce"),
            "mean error": estimate(sets, "error"),
            "less dense's": estimate(sets, "error_change", sign=True),
            "excess error": estimate(sets, "excess_error", sign=True),
            "what is undefined": sets.reason.replace("none", UNDEFINED),
        }
    )
    first = table.iloc[0]
    control = "The control's row is what seeds alone do." if (table.level == "control").any() else ""
    note = Note(
        what=f"The errors of each level under corruption, over whole sets of corruptions: n = {first.examples} test images, K = {first.dense_models} dense models and {among(table.level_models)} of each level.",
        evidence=sentences(
            f"CE: the top-1 error under a corruption, summed over severities, as a share of the reference's, here: {first.reference}. "
            "mCE: its mean over the 15 published corruptions, all five severities; relative: errors less those on the same images uncorrupted. "
            "Excess error: what a level loses under corruption beyond what dense loses, less the same on the uncorrupted images.",
            control,
        ),
        brackets=f"{coverage(table)} intervals over {_drawn(first)}.",
        limits="Each corruption by itself: robustness_summary.csv.",
    )
    return Page("Robustness in one number: corruption errors", note, cells)


def _drawn(first) -> str:
    """What the intervals are over: of one network each there are no others to draw."""
    if first.dense_models == 1:
        return f"images, these networks taken as they are ({first.resamples} bootstrap resamples)"
    return f"models and images ({first.resamples} bootstrap resamples of both)"
