"""The page of robustness_summary.csv: corruption errors, robustness in one number."""

import pandas as pd

from scripts.lib.pages.page import Note, Page
from scripts.lib.pages.vocabulary import UNDEFINED, among, estimate
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
    note = Note(
        what=f"The errors of each level under corruption, over whole sets of corruptions: n = {first.examples} test images, K = {first.dense_models} dense models and {among(table.level_models)} of each level.",
        evidence=(
            f"CE: the top-1 error under a corruption, summed over severities, as a share of the reference's, here: {first.reference}. "
            "mCE: its mean over the 15 published corruptions, all five severities; relative: errors less those on the same images uncorrupted. "
            "Excess error: what a level loses under corruption beyond what dense loses, less the same on the uncorrupted images. "
            "The control's row is what seeds alone do."
        ),
        brackets=f"{coverage(table)} intervals over models and images ({first.resamples} bootstrap resamples of both).",
        limits="Each corruption by itself: robustness_summary.csv.",
    )
    return Page("Robustness in one number: corruption errors", note, cells)
