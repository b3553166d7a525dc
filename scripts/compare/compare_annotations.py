"""over_indexing.csv: what stands out among the PIEs of each level, and whether it stands out more than among the control's.

PIEs are atypical where nothing was compressed too, so that something over-indexes among them is no evidence by itself: that it
does so beyond the control's PIEs is.
"""

import math

import numpy as np
import pandas as pd

from scripts.lib.annotations.column import CATEGORY, FACTOR, NUMBER, Column, load_columns
from scripts.lib.annotations.groups import Grouping, everything, groupings_of
from scripts.lib.audit.hardness import auc
from scripts.lib.audit.intervals import UNDEFINED, difference, median, rate, within
from scripts.lib.audit.multiple import benjamini_hochberg
from scripts.lib.audit.over_indexing import (
    fisher_p,
    from_parts,
    mann_whitney_p,
    mean_difference,
    ratio_of_ratios,
    risk_ratio,
    student,
)
from scripts.lib.audit.verdicts import over_indexing_verdict
from scripts.lib.jobs.job import logged
from scripts.lib.tables.pie_table import design_of
from scripts.lib.tables.table import load_table, save_table, with_interval

# What only properties and what only numbers have; NaN in the rows of the other.
OF_PROPERTIES = ("share_pies", "share_others", "ratio", "control_ratio", "ratio_to_control")
PAIRED = "made of the dense models, which the control's PIEs say nothing of"
OF_NUMBERS = ("mean_difference", "median_difference", "auc", "control_auc", "auc_to_control")


def properties_of(
    columns: dict[str, Column], groupings: list[Grouping]
) -> list[tuple[str, str, str, np.ndarray, np.ndarray]]:
    """What an image has or has not: (column, value, scale, has bool[N], known bool[N]) of the study's groups and its joined columns."""
    found = []
    for grouping in groupings:
        known = np.array([group is not None for group in grouping.group])
        found += [(grouping.name, group, "group", grouping.members(group), known) for group in grouping.groups]
    done = {grouping.name for grouping in groupings}
    for column in columns.values():
        if not column.joined or column.scale == NUMBER or (column.name in done and column.scale in (CATEGORY, FACTOR)):
            continue
        values = [1.0] if column.scale == FACTOR else sorted(set(column.values[column.known]))
        for value in values:
            name = "yes" if column.scale == FACTOR else value
            found.append((column.name, name, column.scale, column.values == value, column.known))
    return found


def property_row(has: np.ndarray, pies: np.ndarray, control: np.ndarray, held: bool, significance: float) -> dict:
    """How much more frequent a property is among PIEs than among other images; has, pies, control: bool[n] of the images known.

    held: whether it is held against the control's.
    """
    ratios, counts = {}, {}
    for name, chosen in (("ratio", pies), ("control_ratio", control)):
        counts[name] = int((has & chosen).sum()), int(chosen.sum()), int((has & ~chosen).sum()), int((~chosen).sum())
        ratios[name] = risk_ratio(*counts[name], significance)
    with_it, of, others_with, others = counts["ratio"]
    to_control, p_control = ratio_of_ratios(has, pies, control, significance) if held else (UNDEFINED, math.nan)
    reason = ""
    if not of or not others:
        reason = "no image is a PIE" if not of else "every image is a PIE"
    elif 0 in (with_it, others_with):
        reason = f"no {'PIE' if with_it == 0 else 'other image'} has it"
    elif held and 0 in (counts["control_ratio"][0], counts["control_ratio"][2]):
        reason = f"no {'PIE' if counts['control_ratio'][0] == 0 else 'other image'} of the control has it"
    elif held and math.isnan(p_control):
        reason = "the control's PIEs are the same images"
    return {
        "pies_with": with_it,
        "others_with": others_with,
        **with_interval("share_pies", rate(with_it, of, significance)),
        **with_interval("share_others", rate(others_with, others, significance)),
        **{name: value for each, ratio in ratios.items() for name, value in with_interval(each, ratio).items()},
        **with_interval("ratio_to_control", to_control),
        "p": fisher_p(*counts["ratio"]) if of and others else math.nan,
        "p_to_control": p_control,
        "over": to_control.value > 1,
        "reason": reason,
    }


def number_row(values: np.ndarray, pies: np.ndarray, control: np.ndarray, held: bool, significance: float) -> dict:
    """How much larger a number is on PIEs than on other images; values float64[n], pies, control: bool[n].

    held: whether it is held against the control's.
    """
    graded = np.unique(values, return_inverse=True)[1].reshape(1, -1)
    own, other = auc(graded, pies[None]), auc(graded, control[None])
    to_control, p_control = UNDEFINED, math.nan
    if held and own.splits and other.splits and len(values) > 1:
        parts = (own - other).influence / math.sqrt(len(values) * (len(values) - 1))
        to_control, p_control = from_parts(own.value - other.value, parts, significance, degrees=len(values) - 1)
    shift = difference(median(values[pies], significance), median(values[~pies], significance))
    reason = "" if own.splits else "all images or none are PIEs"
    if not reason and held and math.isnan(p_control):
        reason = "the control's PIEs are the same images, or all or none"
    return {
        "mean_pies": values[pies].mean() if pies.any() else math.nan,
        "mean_others": values[~pies].mean() if not pies.all() else math.nan,
        **with_interval("mean_difference", student(*mean_difference(values, pies), significance)),
        **with_interval("median_difference", shift),
        **with_interval("auc", within(own.estimate(significance), 0, 1)),
        **with_interval("control_auc", within(other.estimate(significance), 0, 1)),
        **with_interval("auc_to_control", to_control),
        "p": mann_whitney_p(values, pies),
        "p_to_control": p_control,
        "over": to_control.value > 0,
        "reason": reason,
    }


def compare_level(
    level: str,
    rows: pd.DataFrame,
    control: np.ndarray,
    columns: dict[str, Column],
    groupings: list[Grouping],
    significance: float,
) -> list[dict]:
    """Rows of one level; rows: the level's of pies.csv; control: bool[N], the control's PIEs."""
    pies, found = rows.pie.to_numpy(), []
    # The PIEs of a level that is made of the dense models have no luck of other seeds in them; the control's have nothing else.
    held = level != "control" and design_of(rows) != "paired"

    def about(column: str, value: str, scale: str, known: np.ndarray) -> dict:
        return {
            "level": level,
            "design": design_of(rows),
            "column": column,
            "value": value,
            "scale": scale,
            "examples": int(known.sum()),
            "unknown": int((~known).sum()),
            "dense_models": int(rows.dense_models.iloc[0]),
            "level_models": int(rows.level_models.iloc[0]),
            "significance": significance,
            "pies": int((pies & known).sum()),
            "control_pies": int((control & known).sum()),
        }

    nothing = {name: v for each in (*OF_PROPERTIES, *OF_NUMBERS) for name, v in with_interval(each, UNDEFINED).items()}
    made_of_dense = PAIRED if design_of(rows) == "paired" else ""
    nothing |= dict.fromkeys(("pies_with", "others_with", "mean_pies", "mean_others"), math.nan)
    for column, value, scale, has, known in properties_of(columns, groupings):
        row = property_row(has[known], pies[known], control[known], held, significance)
        row["reason"] = row["reason"] or made_of_dense
        found.append(about(column, value, scale, known) | nothing | row)
    for column in columns.values():
        if column.joined and column.scale == NUMBER and column.known.any():
            known = column.known
            row = number_row(column.values[known], pies[known], control[known], held, significance)
            row["reason"] = row["reason"] or made_of_dense
            found.append(about(column.name, "", NUMBER, known) | nothing | row)
    return found


def completed(table: pd.DataFrame) -> pd.DataFrame:
    """With the p-values adjusted for all columns, values and levels (the control's apart), and the verdicts."""
    for name in ("p", "p_to_control"):
        adjusted = pd.Series(np.nan, index=table.index)
        for _, rows in table.groupby(table.level == "control"):
            adjusted[rows.index] = benjamini_hochberg(rows[name].to_numpy())
        table[name.replace("p", "q", 1)] = adjusted
    table["verdict"] = [
        over_indexing_verdict(row.level == "control", row.q_to_control, row.over, row.significance)
        for row in table.itertuples()
    ]
    return table.drop(columns="over")


def main(input, output, params) -> None:
    """Read pies.csv and what is known of the images, write over_indexing.csv."""
    pies = load_table(input.pies)
    rows_of = dict(list(pies.groupby("level")))
    control = rows_of["control"].pie.to_numpy()
    columns = load_columns(input.annotations, rows_of["control"].example.to_numpy())
    groupings = groupings_of(columns, params.subgroups)
    found = []
    for level in params.levels:
        found += compare_level(level, rows_of[level], control, columns, groupings, params.significance)
    # Where nothing is known of the images to compare them by, the table has its columns and no row.
    images = [everything(len(control))]
    columns_only = compare_level("control", rows_of["control"], control, {}, images, params.significance)
    table = completed(pd.DataFrame(found or columns_only).iloc[: len(found)])
    for level, rows in table.groupby("level", sort=False):
        print(
            f"{level}: {(rows.q <= params.significance).sum()} of {len(rows)} properties and numbers stand out among its PIEs"
        )
    save_table(output.table, table)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
