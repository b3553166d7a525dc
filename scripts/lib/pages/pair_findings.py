"""What two files do differently, in sentences: for the head of a report on networks that are compared one with one."""

import math

import pandas as pd

from scripts.lib.pages.vocabulary import p_value, percent
from scripts.lib.tables.pair_table import ALIKE

CONTROL = "control"


def pair_findings(summary: pd.DataFrame, classes: pd.DataFrame) -> list[str]:
    """One sentence for each network, from pair_summary.csv and pair_classes.csv."""
    return [_sentence(row, _worst(row, classes)) for row in summary.itertuples()]


def name_of(row) -> str:
    """The network of a row: its level, and its seed where there are several."""
    return f"{row.level}" if row.seed == 0 else f"{row.level}, seed {row.seed}"


def seen_at_best(smallest: float) -> str:
    """What the images could have shown."""
    if math.isnan(smallest):
        return "these images are too few to show any change"
    return f"these images would have shown a change of {100 * smallest:.1f} points four times of five"


def _sentence(row, worst: str) -> str:
    change = percent(row.top1_change, row.top1_change_low, row.top1_change_high, sign=True)
    said = {ALIKE: "cannot be told from the dense network by its top-1"}.get(row.verdict, row.verdict)
    found = (
        f"{name_of(row)} {said}: {percent(row.level_top1)} after {percent(row.dense_top1)} ({change}; exact p = {p_value(row.p_top1)}"
        f"{'' if math.isnan(row.p_top1_holm) else f', {p_value(row.p_top1_holm)} for all networks (Holm)'})"
    )
    flips = (
        f"{row.flips} of {row.examples} images flip ({percent(row.flip_rate, row.flip_rate_low, row.flip_rate_high)}): {row.lost} from right to wrong, "
        f"{row.gained} from wrong to right, {row.moved} from one wrong class to another"
    )
    parts = [found, flips]
    if not math.isnan(row.flips_beyond):
        beyond = percent(row.flips_beyond, row.flips_beyond_low, row.flips_beyond_high, sign=True)
        parts.append(f"beside the {row.beside_flips:.0f} of {row.beside} that is {beyond}")
    if row.verdict == ALIKE:
        parts.append(seen_at_best(row.smallest_top1_change))
    return "; ".join([*parts, *([worst] if worst else [])]) + "."


def _worst(row, classes: pd.DataFrame) -> str:
    """The class that loses most, where any loses."""
    own = classes[(classes.level == row.level) & (classes.seed == row.seed) & classes.worst]
    if own.empty or not own.change.iloc[0] < 0:
        return ""
    worst = own.iloc[0]
    change = percent(worst.change, worst.change_together_low, worst.change_together_high, sign=True)
    return f"of the classes {worst['class']} loses most, {change} of {worst.examples} images (an interval for all classes at once)"
