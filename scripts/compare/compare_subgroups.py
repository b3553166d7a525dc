"""subgroups.csv: accuracy, false positive and false negative rate of every level on groups of images, and what changes against dense.

A group's change alone says that compression costs something there; whether it costs more there than elsewhere is the change beyond
that on all other images, which is what is tested.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from scripts.lib.annotations.column import load_columns
from scripts.lib.annotations.groups import EVERYTHING, Grouping, everything, groupings_of
from scripts.lib.audit.crossed import Measure, undefined
from scripts.lib.audit.intervals import UNDEFINED
from scripts.lib.audit.multiple import benjamini_hochberg
from scripts.lib.audit.subgroups import accuracy, false_negative_rate, false_positive_rate, relative_change, share
from scripts.lib.audit.verdicts import against_others
from scripts.lib.data.dataset import load_manifest
from scripts.lib.jobs.job import logged
from scripts.lib.ledger.predictions import Votes, load_population, same_examples, same_seeds
from scripts.lib.tables.table import save_table, with_interval

ACCURACY, FALSE_POSITIVES, FALSE_NEGATIVES = "top-1", "false positive rate", "false negative rate"
# Metric -> the rate of (population, votes, labels, members) for a task.
METRICS = {
    ACCURACY: lambda given, task: accuracy(*given),
    FALSE_POSITIVES: lambda given, task: false_positive_rate(*given, task.classes, task.positive),
    FALSE_NEGATIVES: lambda given, task: false_negative_rate(*given, task.positive),
}


Rates = tuple[Measure, Measure]  # of a population on a group, and on all images outside it that have a group


@dataclass(frozen=True)
class Task:
    """What the rates are about."""

    classes: int
    positive: int | None  # the class that counts as positive; None for the mean over classes
    smallest: int  # images that a rate needs
    significance: float


def measured(metric: str, population: str, votes: Votes, members: np.ndarray, task: Task) -> Measure:
    """A population's rate on the members, bool[N]; undefined for too few images."""
    if members.sum() < task.smallest:
        return undefined(len(members), f"fewer than {task.smallest} images")
    rate = METRICS[metric]((population, votes.votes, votes.label, members), task)
    if not rate.reason and rate.images < task.smallest:
        return undefined(len(members), f"fewer than {task.smallest} images that it is about")
    return rate


def rates_of(metric: str, population: str, votes: Votes, grouping: Grouping, group: str, task: Task) -> Rates:
    """A rate of a population on a group, and on all images outside it that have a group."""
    known = np.array([each is not None for each in grouping.group])
    members = grouping.members(group)
    inside, outside = (measured(metric, population, votes, each, task) for each in (members, known & ~members))
    return inside, outside


def compare_group(
    metric: str, grouping: Grouping, group: str, levels: dict[str, Votes], designs: dict[str, str], task: Task
) -> list[dict]:
    """One row a level for a metric and a group; levels: the votes of `dense`, `control` and all others; designs: of each but `dense`."""
    # Models of a paired level are the dense ones, so what both owe to a model is taken off before it is squared.
    rates = {
        level: rates_of(metric, "dense" if designs.get(level) == "paired" else level, votes, grouping, group, task)
        for level, votes in levels.items()
    }
    (dense, dense_outside), (control, _) = rates["dense"], rates["control"]
    significance, rows = task.significance, []
    of_dense = with_interval("dense", share(dense, significance))
    of_control = with_interval("control_change", (control - dense).estimate(significance))
    for level, design in designs.items():
        own, outside = rates[level]
        change = own - dense
        beyond_others = change - (outside - dense_outside)
        comparable = level != "control" and design != "paired"
        rows.append(
            {
                "level": level,
                "design": design,
                "grouping": grouping.name,
                "group": group,
                "metric": metric,
                "examples": int(grouping.members(group).sum()),
                "counted": own.images,
                "dense_models": len(levels["dense"].seed),
                "level_models": len(levels[level].seed),
                "significance": significance,
                **of_dense,
                **with_interval("rate", share(own, significance)),
                **with_interval("change", change.estimate(significance)),
                **of_control,
                **with_interval("beyond_control", (own - control).estimate(significance) if comparable else UNDEFINED),
                **with_interval("relative_change", relative_change(own, dense, significance)),
                **with_interval("beyond_others", beyond_others.estimate(significance)),
                "p": beyond_others.p_value(),
                "reason": why(grouping, own, outside, beyond_others),
            }
        )
    return rows


def why(grouping: Grouping, own: Measure, outside: Measure, beyond_others: Measure) -> str:
    """Why something in a row is undefined; empty where nothing is."""
    if own.reason:
        return own.reason
    if grouping.name == EVERYTHING:
        return "there are no other images"
    if outside.reason:
        return f"other images: {outside.reason}"
    if not np.isnan(beyond_others.p_value()):
        return ""
    return "no model changes on any image" if beyond_others.value == 0 else "all images and models change alike"


def completed(table: pd.DataFrame) -> pd.DataFrame:
    """With what needs several rows: p adjusted for all groups and levels, the verdict, and the group that fares worst.

    Adjusted by metric, for the control apart from the others, so that its rows show what the test finds where nothing was compressed.
    """
    is_control = table.level == "control"
    table["q"] = np.nan
    for _, rows in table.groupby([is_control, table.metric]):
        table.loc[rows.index, "q"] = benjamini_hochberg(rows.p.to_numpy())
    worse = np.where(table.metric == ACCURACY, -1.0, 1.0)  # of an error rate, more is worse
    table["verdict"] = [
        against_others(row.q, row.beyond_others * sign, row.significance)
        for row, sign in zip(table.itertuples(), worse, strict=True)
    ]
    for name, column in (("worst", "rate"), ("worst_change", "change")):
        table[name] = False
        badness = table[column] * worse
        for _, rows in table[table.grouping != EVERYTHING].groupby(["level", "grouping", "metric"]):
            if badness[rows.index].notna().sum() > 1:
                table.loc[badness[rows.index].idxmax(), name] = True
    return table


def main(input, output, params) -> None:
    """Read the clean suite of all levels and what is known of the images, write subgroups.csv."""
    classes = load_manifest(input.data)["classes"]
    dense, control = (load_population(input.ledger, level)["clean", 0] for level in ("dense", "control"))
    same_examples(dense, control, "control")
    groupings = [
        everything(len(dense.example)),
        *groupings_of(load_columns(input.annotations, dense.example), params.subgroups),
    ]
    for grouping in groupings:
        known = sum(group is not None for group in grouping.group)
        print(f"{grouping.name}: {len(grouping.groups)} groups of {known} of {len(grouping.group)} test images")
    positive = None if params.positive_class is None else classes.index(params.positive_class)
    task = Task(len(classes), positive, params.smallest_group, params.significance)
    levels = {"dense": dense, "control": control}
    for level in params.levels:
        if level != "control":
            levels[level] = load_population(input.ledger, level)["clean", 0]
        votes = levels[level]
        same_examples(dense, votes, level)
        if params.designs[level] == "paired":
            same_seeds(dense, votes, level)
    designs = {level: params.designs[level] for level in params.levels}
    rows = [
        row
        for grouping in groupings
        for group in grouping.groups
        for metric in METRICS
        for row in compare_group(metric, grouping, group, levels, designs, task)
    ]
    rows.sort(key=lambda row: params.levels.index(row["level"]))  # the rows of a level stay together
    table = completed(pd.DataFrame(rows))
    save_table(output.table, table)
    for level, found in table[table.metric == ACCURACY].groupby("level", sort=False):
        print(
            f"{level}: {(found.q <= params.significance).sum()} of {len(found)} groups pay more or less than the others"
        )


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
