"""The page of several studies' levels side by side."""

import pandas as pd

from scripts.lib.pages.page import Note, Page
from scripts.lib.pages.vocabulary import estimate, percent, times
from scripts.lib.tables.table import coverage


def page(table: pd.DataFrame) -> Page:
    """A row for each study, level and batch size."""
    cells = pd.DataFrame(
        {
            "study": table.study,
            "level": table.level,
            "batch": table.batch_size.astype(str),
            "n": table.examples.astype(str),
            "K": table.models.astype(str),
            "times faster": times(table, "speedup"),
            "bytes of weights": table.weights_relative.map("{:.0%}".format),
            "forgotten": estimate(table, "forgotten", sign=True),
            "change of top-1": [percent(change, sign=True) for change in table.top1_change],
            "front of speed": table.front_speed,
            "front of bytes": table.front_bytes,
            "verdict": table.verdict,
        }
    )
    note = Note(
        what="Levels of several studies, n test images and K models each, by what they gain and what they forget.",
        evidence=(
            "Forgotten: of populations the share of PIEs beyond the control, of pairs of files the share of images that flip; each kind and batch size has fronts of its own. "
            "A level beats another one that is no faster (or smaller) than it, forgets no less, and is worse in one of the two. Beaten: some level, or the dense network itself, does so wherever in "
            "their intervals the numbers lie. May be beaten: some does so somewhere in them. On the front: none can."
        ),
        brackets=f"{coverage(table)} intervals: of times over rounds, of what is forgotten over images (of populations also over models).",
        limits="Times of studies that ran on different machines do not compare. Levels without a time stand on no front of speed.",
    )
    return Page("Studies side by side", note, cells)
