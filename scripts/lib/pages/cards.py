"""The cards of levels that are populations of models."""

import pandas as pd

from scripts.lib.data.kinds import TYPICAL
from scripts.lib.pages.card import CONTROL, Card, paying, promises, right_on
from scripts.lib.pages.gains import gains
from scripts.lib.pages.vocabulary import group_name, p_value, percent
from scripts.lib.tables.certainty import CERTAIN, CERTAINTY, TOO_FEW_TO_SAY

MORE = "pays more than the others"  # the verdict on a group in subgroups.csv


def cards_of_populations(frames: dict[str, pd.DataFrame]) -> list[Card]:
    """The card of every compressed level, in the order of the study; frames: the study's tables by name."""
    rows = frames["pie_summary"]
    return [_of_population(row, frames) for row in rows[rows.level != CONTROL].itertuples()]


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
    forgot = [
        changed,
        f"{right_on(percent(row.dense_top1_all), percent(row.level_top1_all, row.level_top1_all_low, row.level_top1_all_high))}.",
        *_who_pays(row.level, frames),
        *promises(row, frames),
    ]
    return Card(
        row.level,
        row.level,
        0,
        more,
        more_is,
        not paired,
        tuple(forgot),
        gains(row, frames.get("cost_and_forgetting")),
        sure,
        _why(row, sure),
    )


def _why(row, sure: str) -> str:
    """What the word of a population's certainty rests on."""
    models = f"{row.level_models} models of it and {row.dense_models} dense ones"
    if sure == TOO_FEW_TO_SAY:
        return f"It {row.verdict_study} ({models})."
    tested = f"p = {p_value(row.p_holm)}, adjusted for all levels; {models}"
    if row.design == "paired":
        fact = "That it changes the answers below is a fact of these models."
        if sure == CERTAIN:
            place = "further from" if row.excess_rate > 0 else "nearer to"
            return f"It stands {place} networks that are trained anew than the dense ones do ({tested}). {fact}"
        return f"Whether it stands further from networks that are trained anew than the dense ones do cannot be told ({tested}). {fact}"
    if sure == CERTAIN:
        return f"Compression changes {'more' if row.excess_rate > 0 else 'fewer'} answers than training anew does ({tested})."
    return f"What changes could come from training anew alone ({tested}). That is no proof that nothing is forgotten."


def _who_pays(level: str, frames: dict[str, pd.DataFrame]) -> list[str]:
    """The groups and classes of a population that pay more than the others, as far as that can be told."""
    return [
        *_kinds_and_tail(level, frames.get("planted")),
        *_groups(level, frames),
        _classes(level, frames["class_impact"]),
    ]


def _kinds_and_tail(level: str, planted: pd.DataFrame | None) -> list[str]:
    if planted is None:
        return []
    larger = planted[(planted.level == level) & planted.verdict.str.startswith("larger")]
    said = []
    if _has_kinds(planted):
        kinds = [group_name("kind", group) for group in larger.group[larger.grouping == "kind"]]
        said.append(paying("Kinds of images that pay more than typical ones", kinds))
    tails = set(larger.grouping) - {"kind"}
    if tails:
        where = {1: "", 2: ", also on typical images alone"}[len(tails)]
        if tails == {"class_frequency_typical"}:
            where = " on typical images"
        said.append(f"Rare classes (the tail) pay more than frequent ones{where}.")
    return said


def _has_kinds(planted: pd.DataFrame) -> bool:
    return bool(((planted.grouping == "kind") & (planted.group != TYPICAL)).any())


def _groups(level: str, frames: dict[str, pd.DataFrame]) -> list[str]:
    """Where nothing was planted: the groups of the annotations."""
    groups = frames["subgroups"]
    groups = groups[(groups.level == level) & (groups.metric == "top-1")]
    if groups.q.isna().all() or ("planted" in frames and _has_kinds(frames["planted"])):
        return []
    named = [f"{row.grouping} {row.group}" for row in groups[groups.verdict == MORE].itertuples()]
    return [paying("Groups that pay more than the others", named, f" of {groups.q.notna().sum():,} tested")]


def _classes(level: str, classes: pd.DataFrame) -> str:
    own = classes[(classes.level == level) & (classes.examples > 0)]
    worse = own[(own.own_mean_q <= own.significance) & (own.relative_change < 0)].sort_values("relative_change")
    return paying(
        "Classes that pay more than the average class, adjusted for how many there are",
        list(worse["class"]),
        f" of {len(own):,} tested",
    )
