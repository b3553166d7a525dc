"""planted.csv: the PIE rate of each planted kind and of head and tail classes, its excess over the control, and how that compares.

The control's PIEs are harder and more atypical too, so a group's PIE rate alone shows nothing: only the excess is evidence.
"""

import math

import numpy as np
import pandas as pd

from scripts.lib.audit.excess import UNKNOWN, Excesses
from scripts.lib.audit.intervals import UNDEFINED, mcnemar, rate
from scripts.lib.audit.verdicts import against_reference
from scripts.lib.data.dataset import Examples, load_examples
from scripts.lib.data.kinds import PLANTED, TYPICAL
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.job import logged
from scripts.lib.ledger.predictions import load_population
from scripts.lib.tables.pie_table import (
    compared_counts,
    design_of,
    excess_columns,
    excesses_of,
    same_order,
    uncompressed_of,
)
from scripts.lib.tables.table import load_table, save_table, with_interval

NEGATIVE_CONTROL = "mislabelled"  # modal disagreement never reads the label, so these must not stand out


# Grouping -> its groups; the first is what the others are compared with.
GROUPS = {
    "kind": (TYPICAL, *PLANTED),
    "class_frequency": ("head", "tail"),
    "class_frequency_typical": ("head", "tail"),  # of typical images only, so that kinds do not mix in
}


def groups_of(examples: Examples) -> pd.DataFrame:
    """Long table of (example, grouping, group). Tail: the classes with less than the median number of training images.

    The class is the one that the image shows: PIEs do not depend on its label. Without training images there is neither head nor tail.
    """
    by_kind = pd.DataFrame({"example": examples.example, "grouping": "kind", "group": examples.kind})
    if pd.isna(examples.class_frequency).any():
        return by_kind
    frequencies = pd.Series(examples.class_frequency, index=examples.shown).groupby(level=0).first()
    side = np.where(examples.class_frequency < frequencies.median(), "tail", "head")
    by_frequency = pd.DataFrame({"example": examples.example, "grouping": "class_frequency", "group": side})
    trained = ~np.isnan(examples.class_frequency.astype(float))  # not where a study names no training images
    typical = by_frequency[trained & (examples.kind == TYPICAL)].assign(grouping="class_frequency_typical")
    by_frequency = by_frequency[trained]
    if len(typical) == len(by_frequency):  # nothing is planted
        typical = typical[:0]
    return pd.concat([by_kind, by_frequency, typical])


Groups = dict[tuple[str, str], np.ndarray]  # (grouping, group) -> which of the N images are in it, bool[N]


def masks_of(groups: pd.DataFrame, examples: np.ndarray) -> Groups:
    """The groups that have images, each grouping's reference first; groups: as of `groups_of`, examples: the ids of the N images."""
    masks = {
        (grouping, group): np.isin(
            examples, groups.example[(groups.grouping == grouping) & (groups.group == group)].to_numpy()
        )
        for grouping, names in GROUPS.items()
        for group in names
    }  # empty: data in which this is not planted, or whose classes are equally frequent
    return {key: inside for key, inside in masks.items() if inside.any()}


def compare_level(
    level: str,
    table: pd.DataFrame,
    control_pies: np.ndarray,
    groups: Groups,
    found: Excesses | None,
    significance: float,
) -> list[dict]:
    """Rows of one level.

    table: its rows of pies.csv; control_pies: bool[N]; found: the excesses of the groups, None of the control.
    """
    pies = table.pie.to_numpy()
    rows = []
    references: dict[str, int] = {}
    for place, ((grouping, group), inside) in enumerate(groups.items()):
        reference = references.setdefault(grouping, place)
        excess = UNKNOWN if found is None else found.of(place)
        beyond, p_counts = UNDEFINED, math.nan
        if found is None:
            verdict = "is the control"
        elif reference == place:
            verdict = "is the reference"
        else:
            beyond = found.beyond(place, reference)
            ps = excess.p, found.of(reference).p
            verdict = against_reference(beyond, *ps, found.least_p, significance, list(groups)[reference][1])
        if found is not None:
            p_counts = mcnemar(*compared_counts(table[inside], control_pies[inside]))
        n, own, of_control = int(inside.sum()), int(pies[inside].sum()), int(control_pies[inside].sum())
        rows.append(
            {
                "level": level,
                "design": design_of(table),
                "grouping": grouping,
                "group": group,
                "role": "reference" if reference == place else "negative control" if group == NEGATIVE_CONTROL else "",
                "examples": n,
                "models": int(table.level_models.iloc[0]),
                "significance": significance,
                "pies": own,
                **with_interval("pie_rate", rate(own, n, significance)),
                "control_pies": of_control,
                **with_interval("control_rate", rate(of_control, n, significance)),
                **excess_columns(excess),
                "p_these_models": p_counts,
                **with_interval("beyond_reference", beyond),
                "verdict": verdict,
            }
        )
    return rows


def main(input, output, params) -> None:
    """Read pies.csv, the example table and the clean suite of all levels, write planted.csv."""
    known = groups_of(load_examples(input.examples, "test"))
    pies = load_table(input.pies)
    unknown = set(pies.example) - set(known.example)
    if unknown:
        raise InputError(
            f"{input.pies} names the example {min(unknown)}, which {input.examples} does not: make both anew."
        )
    rows_of = dict(list(pies.groupby("level")))
    dense, control = (load_population(input.ledger, level)["clean", 0] for level in ("dense", "control"))
    same_order(input.pies, rows_of["control"], dense)
    groups = masks_of(known, dense.example)
    inside = np.stack(list(groups.values()))
    reference = uncompressed_of(dense, control, pies.design, params.tie_rule)
    rows = []
    for level in params.levels:
        table, found = rows_of[level], None
        if level != "control":
            compressed = load_population(input.ledger, level)["clean", 0]
            found = excesses_of(level, table, reference, compressed, inside, params.permutations, params.significance)
        rows += compare_level(level, table, rows_of["control"].pie.to_numpy(), groups, found, params.significance)
    save_table(output.table, pd.DataFrame(rows))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
