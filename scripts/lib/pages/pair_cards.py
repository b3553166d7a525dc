"""The cards of networks that are compared one with one."""

import math

import pandas as pd

from scripts.lib.pages.card import CONTROL, Card, paying, promises, right_on
from scripts.lib.pages.gains import gains
from scripts.lib.pages.pair_findings import name_of, seen_at_best
from scripts.lib.pages.vocabulary import p_value, percent
from scripts.lib.tables.certainty import CANNOT_BE_TOLD, CERTAINTY


def cards_of_files(frames: dict[str, pd.DataFrame]) -> list[Card]:
    """The card of every network beside the dense one, in the order of the study; frames: the study's tables by name."""
    rows = frames["pair_summary"]
    return [_of_file(row, frames) for row in rows[rows.level != CONTROL].itertuples()]


def _of_file(row, frames: dict[str, pd.DataFrame]) -> Card:
    sure = CERTAINTY[row.verdict]
    change = percent(row.top1_change, row.top1_change_low, row.top1_change_high, sign=True)
    forgot = [
        f"{row.flips:,} of {row.examples:,} images: {row.lost:,} were right and are wrong now, {row.gained:,} were wrong and are right now, "
        f"{row.moved:,} go from one wrong answer to another.",
        f"{right_on(percent(row.dense_top1), percent(row.level_top1))} ({change}).",
        *_groups_of_file(row, frames),
        *promises(row, frames),
    ]
    p = "" if math.isnan(row.p_top1_holm) else f"exact p = {p_value(row.p_top1_holm)}, adjusted for all networks"
    because = {
        CANNOT_BE_TOLD: f"Whether it is right less often cannot be told ({p or f'exact p = {p_value(row.p_top1)}'}): {seen_at_best(row.smallest_top1_change)}."
    }.get(sure, f"About how often it is right: {row.verdict}{f' ({p})' if p else ''}.")
    return Card(
        name_of(row),
        row.level,
        int(row.seed),
        (row.flip_rate, row.flip_rate_low, row.flip_rate_high),
        "of the test images get another answer than before",
        True,
        tuple(forgot),
        gains(row, frames.get("pair_cost")),
        sure,
        because,
    )


def _groups_of_file(row, frames: dict[str, pd.DataFrame]) -> list[str]:
    """The classes and groups that lose, after adjustment for how many there are."""
    said = []
    for table, name, who in (("pair_groups", "group", "Groups"), ("pair_classes", "class", "Classes")):
        if table not in frames:
            continue
        rows = frames[table]
        own = rows[(rows.level == row.level) & (rows.seed == row.seed)]
        if table == "pair_groups":
            own = own[own.grouping != "all images"]
        tested = own[own.q.notna()]
        if tested.empty:
            continue
        losing = tested[(tested.q <= tested.significance) & (tested.change < 0)].sort_values("change")
        said.append(
            paying(
                f"{who} that lose",
                [str(each).replace("_", " ") if name == "group" else str(each) for each in losing[name]],
                f" of {len(tested):,} tested",
            )
        )
    return said
