"""The page of natural.csv: top-1 on natural test sets."""

import pandas as pd

from scripts.lib.pages.page import Note, Page
from scripts.lib.pages.vocabulary import among, estimate
from scripts.lib.tables.table import coverage


def page(table: pd.DataFrame) -> Page:
    """natural.csv has a row for each natural set, choice of classes to answer from, and level."""
    cells = pd.DataFrame(
        {
            "natural set": table.natural,
            "answered from": [f"{scored} ({n})" for scored, n in zip(table.scored_on, table.classes, strict=True)],
            "level": table.level,
            "top-1": estimate(table, "top1"),
            "less dense's": estimate(table, "top1_change", sign=True),
            "n": table.examples.astype(str),
            "top-1, clean images": estimate(table, "clean_top1"),
            "less dense's, clean images": estimate(table, "clean_top1_change", sign=True),
            "n, clean": table.clean_examples.astype(str),
            "change beyond clean": estimate(table, "top1_change_beyond_clean", sign=True),
        }
    )
    note = Note(
        what=f"Top-1 on natural sets, which show n other photographs of the same classes, with K = {table.dense_models.iloc[0]} dense models and {among(table.level_models)} of each level.",
        evidence=(
            "Clean images: the study's own test images of the set's classes, scored in the same way. "
            "Change beyond clean: the level's change against dense on the natural set less its change on those, below 0 where it loses more on the natural set. "
            "The control's is what seeds alone do."
        ),
        brackets=f"{coverage(table)} intervals over images and models. There are none where nothing varies.",
        limits=(
            "Answered from all classes: plain argmax. From the set's classes: every other class is ruled out, as the authors of ImageNet-A and -R score theirs. "
            "So the two do not compare with each other. Top-5: natural.csv."
        ),
    )
    return Page("Natural test sets", note, cells)
