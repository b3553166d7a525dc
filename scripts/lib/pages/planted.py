"""The page of planted.csv: which groups of images are PIEs more than a reference."""

import pandas as pd

from scripts.lib.data.kinds import TYPICAL
from scripts.lib.pages.page import Note, Page
from scripts.lib.pages.paired import groups_of_paired
from scripts.lib.pages.vocabulary import among, estimate, group_name, p_value, sentences
from scripts.lib.tables.table import coverage


def page(table: pd.DataFrame) -> Page:
    """planted.csv has a row for each level and group of images: kinds, and head and tail classes; the page leaves the control's out."""
    shown = table[table.level != "control"]
    cells = pd.DataFrame(
        {
            "level": shown.level,
            "group": [group_name(row.grouping, row.group, row.role) for row in shown.itertuples()],
            "n": shown.examples.astype(str),
            "PIE rate": estimate(shown, "pie_rate"),
            "control's": estimate(shown, "control_rate"),
            "excess": estimate(shown, "excess_rate", sign=True),
            "p (excess)": shown.p_excess.map(p_value),
            "excess beyond the reference's": estimate(shown, "beyond_reference", sign=True),
            "verdict": shown.verdict,
        }
    )
    is_planted = set(table.group[table.grouping == "kind"]) != {TYPICAL}
    title = f"Which images: {'what was planted, and ' if is_planted else ''}what the audit finds"
    return Page(title, _note(table, is_planted), cells)


def _note(table: pd.DataFrame, is_planted: bool) -> Note:
    if is_planted:
        known = "What was planted in each test image is known."
        negative = "Mislabelled images are a negative control: modal disagreement never reads the label."
    else:
        known = "Nothing was planted in these images: typical are all of them."
        negative = ""
    return Note(
        what=f"How often the n test images of each group are PIEs, with K = {among(table.models)} models of each level.",
        evidence=sentences(
            known,
            "The control's PIEs are atypical too, so a group's PIE rate is no evidence.",
            "Evidence is its excess over the control, and whether that is larger than the excess of typical images (kinds) or of head classes (tail).",
            "The tail: the classes with less than the median number of training images, if there are any.",
            negative,
            "p (excess): the larger of that of the interval and that of the group's votes when the level's, the dense and the control models are dealt anew.",
        ),
        brackets=(
            f"{coverage(table)} intervals: of excesses and their differences over images and models; of PIE rates over images (Wilson), the models taken as they are. "
            "Excesses are means over deals of the dense models."
        ),
        limits=sentences("p (excess) is not adjusted for groups or levels.", groups_of_paired(table)),
    )
