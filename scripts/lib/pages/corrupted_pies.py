"""The page of corrupted_pies.csv: PIEs among corrupted images."""

import pandas as pd

from scripts.lib.pages.page import Note, Page
from scripts.lib.pages.paired import groups_of_paired
from scripts.lib.pages.vocabulary import among, estimate, p_value, sentences
from scripts.lib.tables.table import coverage


def page(table: pd.DataFrame) -> Page:
    """corrupted_pies.csv has a row for each level, corruption and severity; the page has a column for each level."""
    control = table[table.level == "control"]
    cells = pd.DataFrame(
        {
            "corruption": control.corruption.to_numpy(),
            "severity": control.severity.astype(str).to_numpy(),
            "control's PIEs": [
                f"{pies}: {shown}" for pies, shown in zip(control.pies, estimate(control, "pie_rate"), strict=True)
            ],
        }
    )
    keys = ["corruption", "severity"]
    significance = control.significance.iloc[0]
    exceeding = []
    for level, rows in table[table.level != "control"].groupby("level", sort=False):
        aligned = control[keys].merge(rows, on=keys, validate="one_to_one")
        cells[level] = [
            f"{pies}; {excess}; {p_value(q)}"
            for pies, excess, q in zip(
                aligned.pies, estimate(aligned, "excess_rate", sign=True), aligned.q_excess, strict=True
            )
        ]
        surely = (aligned.verdict == "exceeds the control") & (aligned.q_excess <= significance)
        exceeding.append(f"{level} {surely[aligned.severity > 0].sum()} of {(aligned.severity > 0).sum()}")
    return Page("PIEs among corrupted images", _note(table, control.iloc[0], exceeding), cells)


def _note(table: pd.DataFrame, first: pd.Series, exceeding: list[str]) -> Note:
    """first: a row of the control. exceeding: `block-0.80 7 of 75`, one for each level."""
    return Note(
        what=f"PIEs among n = {first.examples} test images of each corruption and severity, with K = {first.dense_models} dense and {among(table.level_models)} compressed models; the row clean has the same images uncorrupted.",
        evidence=(
            "The control's PIEs are what seeds alone make of corrupted images, and corruption makes many. "
            f"Of each level: PIEs; the excess over the control in points of PIE rate, the mean over {first.deals} deals of all dense models; and p of the excess. "
            f"p is the larger of the interval's own and of that of the votes when the level's, the dense and the control models are dealt anew ({first.permutations} times). "
            "It is adjusted for the rows of the level (Benjamini-Hochberg). "
            f"Corruptions and severities in which both the interval and the adjusted p say that a level exceeds the control: {', '.join(exceeding) or 'there is no level'}."
        ),
        brackets=f"{coverage(table)} intervals: of the excess over images and models; of the control's rate over images, the models taken as they are.",
        limits=sentences(groups_of_paired(table), "Ties and the dense top-1 on PIEs: corrupted_pies.csv."),
    )
