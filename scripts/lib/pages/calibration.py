"""The page of calibration.csv: how sure the models are beside how often they are right."""

import math

import pandas as pd

from scripts.lib.pages.page import Note, Page
from scripts.lib.pages.vocabulary import UNDEFINED, among, estimate, estimated_number, percent, sentences
from scripts.lib.tables.table import coverage

ZEROS = 103.3  # nats that a probability of 0 counts


def page(table: pd.DataFrame) -> Page:
    """calibration.csv has a row for each level, the dense one first."""
    cells = pd.DataFrame(
        {
            "level": table.level,
            "ECE (if calibrated)": [
                UNDEFINED if math.isnan(plain) else f"{percent(plain)} ({percent(calibrated)})"
                for plain, calibrated in zip(table.ece, table.ece_if_calibrated, strict=True)
            ],
            "calibration error": estimate(table, "calibration_error"),
            "its square, change x 1000": [  # plain text: the file has it as it is
                str(each)
                for each in estimated_number(_times(table, "squared_calibration_error_change"), "shown", sign=True)
            ],
            "overconfidence": estimate(table, "overconfidence", sign=True),
            "change": estimate(table, "overconfidence_change", sign=True),
            "Brier": estimated_number(table, "brier"),
            "change of Brier": estimated_number(table, "brier_change", sign=True),
            "NLL": estimated_number(table, "negative_log_likelihood"),
            "change of NLL": estimated_number(table, "negative_log_likelihood_change", sign=True),
            "confidence when wrong": estimate(table, "confidence_when_wrong"),
            "change when wrong": estimate(table, "confidence_when_wrong_change", sign=True),
            "classes in a set": estimated_number(table, "lac_set_size"),
            "change of classes": estimated_number(table, "lac_set_size_change", sign=True),
            "coverage with dense's thresholds": estimate(table, "lac_coverage_kept"),
            "what is undefined": table.reason.replace("", UNDEFINED),
        }
    )
    first = table.iloc[0]
    zeros = table.p_label_zeros.sum()
    note = Note(
        what=f"How sure the models of each level are of n = {first.examples} test images beside how often they are right: K = {first.dense_models} dense models and {among(table.level_models)} of each level.",
        evidence=(
            f"ECE: the mean distance of confidence and share of right answers in {first.bins} bins of equal mass, as published; a perfectly calibrated model has the number in parentheses, "
            "because distances do not cancel, so only what is beyond it says something. "
            "Calibration error: the root of the mean squared distance, without that bias; 0 in its bracket is a model that may be calibrated. "
            "Changes are against dense, of the square because it alone is without bias; the control's are what seeds alone do. "
            "Overconfidence: mean confidence less top-1. Brier: from 0 to 2, summed over classes. NLL: nats. "
            f"Classes in a set: of conformal sets that hold the label of {100 * first.target:g} % of images, thresholds from one half of the images and sets of the other, {first.splits} splits. "
            "With dense's thresholds: what coverage is left if the level takes the place of the dense models and nothing is calibrated anew."
        ),
        brackets=f"{coverage(table)} intervals over images and models; over images alone where a level is one model.",
        limits=sentences(
            "Bins see no more than their mean, so a calibration error is a lower bound of the true one.",
            "Intervals are not adjusted for the number of levels and columns.",
            f"{zeros} probabilities of the label were rounded to 0 and count as the smallest number above it, {ZEROS:g} nats each."
            if zeros
            else "",
            "Confidence on right answers, adaptive sets and coverage by own thresholds: calibration.csv.",
        ),
    )
    return Page("Calibration: are the models as sure as they are right?", note, cells)


def _times(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """A column with its ends times 1000, as `shown`."""
    return pd.DataFrame({f"shown{end}": 1000 * table[f"{name}{end}"] for end in ("", "_low", "_high")})
