"""The pages of pair_classes.csv and pair_groups.csv: which classes and groups of images two networks treat differently."""

import pandas as pd

from scripts.lib.pages.page import Note, Page
from scripts.lib.pages.vocabulary import estimate, p_value, percent
from scripts.lib.tables.table import coverage

MOST = 40  # rows of each network that the page of classes shows


def of_classes(table: pd.DataFrame) -> Page:
    """The page of pair_classes.csv, a row for each network and class: the classes that change most."""
    shown = table[table.examples > 0]
    order = shown.change.abs().sort_values(ascending=False, kind="stable").index
    shown = shown.loc[shown.loc[order].groupby(["level", "seed"], sort=False).head(MOST).index.sort_values()]
    left_out = (
        f"The {MOST} classes of each network that change most. " if len(shown) < (table.examples > 0).sum() else ""
    )
    return Page(
        "Two files: classes", _note(table, "class", f"{left_out}All classes: pair_classes.csv."), _cells(shown, "class")
    )


def of_groups(table: pd.DataFrame) -> Page:
    """The page of pair_groups.csv, a row for each network, grouping and group."""
    return Page(
        "Two files: groups of images",
        _note(table, "group", "Groups overlap where there are several groupings."),
        _cells(table, "group"),
    )


def _cells(table: pd.DataFrame, named: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "level": table.level,
            "seed": table.seed.astype(str),
            **({"grouping": table.grouping} if named == "group" else {}),
            named: table[named],
            "n": table.examples.astype(str),
            "dense top-1": estimate(table, "dense_top1"),
            "its top-1": estimate(table, "level_top1"),
            "flips": table.flips.astype(str),
            "lost": table.lost.astype(str),
            "gained": table.gained.astype(str),
            "change": estimate(table, "change", sign=True),
            "all at once": [
                percent(*ends, sign=True)
                for ends in zip(table.change, table.change_together_low, table.change_together_high, strict=True)
            ],
            "p": table.p.map(p_value),
            "smallest change to be seen": table.smallest_change.map(percent),
            "p (BH)": table.q.map(p_value),
            "verdict": [
                "; ".join(filter(None, (row.verdict, "loses most" * (row.worst and row.change < 0), row.reason)))
                for row in table.itertuples()
            ],
        }
    )


def _note(table: pd.DataFrame, named: str, limits: str) -> Note:
    return Note(
        what=f"What each network makes of the n images of each {named}, beside the dense one.",
        evidence=(
            "Lost: right before and wrong after; gained: the other way round. p is McNemar's exact test of the two; "
            "BH: adjusted for all of the network's that are tested. Smallest change to be seen: what the test, unadjusted, finds four times of five on as many images with as "
            "many of them lost or gained."
        ),
        brackets=(
            f"{coverage(table)} intervals over images, these networks taken as they are. All at once: wide enough to hold for all of them together (Bonferroni), "
            f"and so for the {named} that loses most."
        ),
        limits=limits,
    )
