"""One card for each level: what it gained, what it forgot and how sure that is, in words that need no statistics."""

import math
from dataclasses import dataclass

import pandas as pd

from scripts.lib.pages.pair_findings import name_of, seen_at_best
from scripts.lib.pages.vocabulary import group_name, p_value, percent, times
from scripts.lib.tables.certainty import CANNOT_BE_TOLD, CERTAINTY

CONTROL = "control"
NOT_TIMED = "What it costs is not known: there are predictions of it and no network."


@dataclass(frozen=True)
class Card:
    """What a reader is told first of one level.

    more: of 100 images, those that get another answer because of the level, with the ends of the interval; NaN where undefined.
    sure: a word of `certainty`.
    """

    name: str
    level: str
    seed: int
    more: tuple[float, float, float]
    more_is: str
    forgot: tuple[str, ...]
    gained: tuple[str, ...]
    sure: str
    because: str

    @property
    def number(self) -> str:
        """The share of images in one figure."""
        return percent(self.more[0])

    @property
    def ends(self) -> str:
        """The ends of its interval; nothing where there is none."""
        low, high = self.more[1:]
        return "" if math.isnan(low) or math.isnan(high) else f"{percent(low)} and {percent(high)}"


@dataclass(frozen=True)
class Scale:
    """What the whiskers of all cards are drawn on, so that their lengths compare."""

    least: float
    most: float

    def at(self, value: float) -> float:
        """Where a value stands, from 0 to 100."""
        return round(100 * (value - self.least) / (self.most - self.least), 2)


def scale_of(cards: list[Card]) -> Scale | None:
    """A scale with room for 0 and every interval; None where no card has an interval."""
    ends = [end for card in cards if card.ends for end in card.more]
    if not ends:
        return None
    least, most = min(0.0, *ends), max(0.0, *ends)
    margin = 0.03 * (most - least) or 0.01
    return Scale(least - margin, most + margin)


def cards_of(frames: dict[str, pd.DataFrame]) -> list[Card]:
    """The card of every compressed level, in the order of the study; frames: the study's tables by name."""
    return of_files(frames) if "pair_summary" in frames else of_populations(frames)


def of_populations(frames: dict[str, pd.DataFrame]) -> list[Card]:
    """The cards of levels that are populations of models."""
    rows = frames["pie_summary"]
    return [_of_population(row, frames) for row in rows[rows.level != CONTROL].itertuples()]


def of_files(frames: dict[str, pd.DataFrame]) -> list[Card]:
    """The cards of networks that are compared one with one."""
    rows = frames["pair_summary"]
    return [_of_file(row, frames) for row in rows[rows.level != CONTROL].itertuples()]


def _of_population(row, frames: dict[str, pd.DataFrame]) -> Card:
    paired = row.design == "paired"
    sure = CERTAINTY[row.verdict_study]
    changed = f"{row.pies:,} of {row.examples:,} images get another answer; training anew without compression changes {row.control_pies:,}."
    if paired:
        more = (row.pie_rate, row.pie_rate_low, row.pie_rate_high)
        more_is = "of the test images get another answer than before compression"
    else:
        more = (row.excess_rate, row.excess_rate_low, row.excess_rate_high)
        more_is = "of the test images get another answer beyond what training anew changes"
    forgot = [changed, _right(row.dense_top1_all, row.level_top1_all)]
    if sure != CANNOT_BE_TOLD or paired:
        forgot += _who_pays(row.level, frames)
    return Card(
        row.level,
        row.level,
        0,
        more,
        more_is,
        tuple(forgot),
        _gained(row, frames.get("cost_and_forgetting")),
        sure,
        _why(row, sure),
    )


def _why(row, sure: str) -> str:
    """What the word of a population's certainty rests on."""
    models = f"{row.level_models} models of it and {row.dense_models} dense ones"
    p = f"p = {p_value(row.p_holm)}, adjusted for all levels"
    if sure == CANNOT_BE_TOLD:
        return (
            f"What is seen could come from training alone ({p}; {models}). That is no proof that nothing is forgotten."
        )
    if math.isnan(row.p_holm):
        return f"It {row.verdict_study} ({models})."
    return f"It {row.verdict_study} ({p}; {models})."


def _of_file(row, frames: dict[str, pd.DataFrame]) -> Card:
    sure = CERTAINTY[row.verdict]
    change = percent(row.top1_change, row.top1_change_low, row.top1_change_high, sign=True)
    forgot = [
        f"{row.flips:,} of {row.examples:,} images: {row.lost:,} were right and are wrong now, {row.gained:,} were wrong and are right now, "
        f"{row.moved:,} go from one wrong answer to another.",
        f"{_right(row.dense_top1, row.level_top1)[:-1]} ({change}).",
        *_groups_of_file(row, frames),
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
        tuple(forgot),
        _gained(row, frames.get("pair_cost")),
        sure,
        because,
    )


def _right(before: float, after: float) -> str:
    return f"Right on {percent(after)} of all images after {percent(before)} before."


def _who_pays(level: str, frames: dict[str, pd.DataFrame]) -> list[str]:
    """The groups and classes of a population that pay more than the others, as far as that can be told."""
    said = []
    if "planted" in frames:
        groups = frames["planted"]
        larger = groups[(groups.level == level) & groups.verdict.str.startswith("larger")]
        names = dict.fromkeys(group_name(row.grouping, row.group) for row in larger.itertuples())
        said.append(_paying("Images that pay more than typical ones or frequent classes", list(names)))
    elif "subgroups" in frames:
        groups = frames["subgroups"]
        paying = groups[
            (groups.level == level) & (groups.metric == "top-1") & (groups.verdict == "pays more than the others")
        ]
        said.append(
            _paying(
                "Groups that pay more than the others", [f"{row.grouping} {row.group}" for row in paying.itertuples()]
            )
        )
    classes = frames["class_impact"]
    own = classes[(classes.level == level) & (classes.examples > 0)]
    worse = own[(own.own_mean_q <= own.significance) & (own.relative_change < 0)].sort_values("relative_change")
    said.append(
        _paying("Classes that pay more than the average class", list(worse["class"]), f" of {len(own):,} tested")
    )
    return said


def _paying(who: str, names: list[str], of: str = "") -> str:
    """Up to five by name."""
    if not names:
        return f"{who}: none that can be told{of}."
    rest = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"{who}: {', '.join(names[:5])}{rest}{of and f' ({len(names)}{of})'}."


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
            _paying(
                f"{who} that lose",
                [str(each).replace("_", " ") if name == "group" else str(each) for each in losing[name]],
                f" of {len(tested):,} tested",
            )
        )
    return said


def _gained(row, cost: pd.DataFrame | None) -> tuple[str, ...]:
    """Bytes and time beside the dense network, for the smallest and the largest batch."""
    if cost is None:
        return (NOT_TIMED,)
    own = cost[cost.level == row.level]
    if "seed" in own:
        own = own[own.seed == row.seed]
    if own.empty:
        return (NOT_TIMED,)
    own = own.sort_values("batch_size").iloc[[0, -1] if len(own) > 1 else [0]]
    speeds = [
        f"Batches of {each.batch_size}: {_speed(each, shown)}."
        for each, shown in zip(own.itertuples(), times(own, "speedup"), strict=True)
    ]
    if own.timing.nunique() == 1 and own.timing.iloc[0] != "measured":
        speeds = [f"Speed: {own.timing.iloc[0]}."]
    sizes = list(dict.fromkeys(percent(each) for each in own.weights_relative))
    if len(sizes) == 1:
        stored = "as many as dense" if (own.weights_relative == 1).all() else f"{sizes[0]} of the dense ones"
    else:
        stored = ", ".join(
            f"{percent(each.weights_relative)} of the dense ones in batches of {each.batch_size}"
            for each in own.itertuples()
        )
    return (f"Bytes: {stored}.", *speeds)


def _speed(row, shown: str) -> str:
    """`1.80x [1.70, 1.90] as fast as dense`, and whether that can be told from no change."""
    if math.isnan(row.speedup):
        return row.timing
    if math.isnan(row.speedup_low):
        return f"{shown} the dense speed, without an interval"
    if row.speedup_low > 1:
        return f"faster, {shown} the dense speed"
    if row.speedup_high < 1:
        return f"slower, {shown} the dense speed"
    return f"no faster that can be told, {shown} the dense speed"
