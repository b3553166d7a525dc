"""planted.csv: the PIE rate of each planted kind and of head and tail classes, its excess over the control, and how that compares.

The control's PIEs are harder and more atypical too, so a group's PIE rate alone shows nothing: only the excess is evidence.
"""

import math

import numpy as np
import pandas as pd

from scripts.lib.audit.intervals import UNDEFINED, difference, mcnemar, mean, rate
from scripts.lib.audit.verdicts import against_reference
from scripts.lib.data.kinds import PLANTED, TYPICAL
from scripts.lib.dataset import Examples, load_examples
from scripts.lib.errors import InputError
from scripts.lib.job import logged
from scripts.lib.pie_table import compared_counts, design_of, differences
from scripts.lib.tables import load_table, save_table, with_interval

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


def compare_level(level: str, members: pd.DataFrame, models: int, significance: float) -> list[dict]:
    """Rows of one level; members: one row an example and grouping with the flags `pie` and `control_pie`."""
    rows = []
    for grouping, groups in GROUPS.items():
        reference, p_reference = None, None
        for group in groups:
            chosen = members[(members.grouping == grouping) & (members.group == group)]
            if chosen.empty:  # data in which this is not planted, or whose classes are equally frequent
                continue
            pie, control = chosen.pie.to_numpy(), chosen.control_pie.to_numpy()
            excess, p = mean(differences(chosen), significance), mcnemar(*compared_counts(chosen, control))
            beyond = UNDEFINED
            if level == "control":
                excess, p, verdict = UNDEFINED, math.nan, "is the control"
            elif reference is None:
                reference, p_reference, verdict = excess, p, "is the reference"
            else:
                beyond = difference(excess, reference)
                verdict = against_reference(beyond, p, p_reference, significance, groups[0])
            rows.append(
                {
                    "level": level,
                    "design": design_of(members),
                    "grouping": grouping,
                    "group": group,
                    "role": "reference"
                    if group == groups[0]
                    else "negative control"
                    if group == NEGATIVE_CONTROL
                    else "",
                    "examples": len(chosen),
                    "models": models,
                    "significance": significance,
                    "pies": int(pie.sum()),
                    **with_interval("pie_rate", rate(int(pie.sum()), len(pie), significance)),
                    "control_pies": int(control.sum()),
                    **with_interval("control_rate", rate(int(control.sum()), len(pie), significance)),
                    **with_interval("excess_rate", excess),
                    "p_control": p,
                    **with_interval("beyond_reference", beyond),
                    "verdict": verdict,
                }
            )
    return rows


def main(input, output, params) -> None:
    """Read pies.csv and the example table, write planted.csv."""
    groups = groups_of(load_examples(input.examples, "test"))
    pies = load_table(input.pies)
    control = pies[pies.level == "control"].set_index("example").pie.rename("control_pie")
    unknown = set(pies.example) - set(groups.example)
    if unknown:
        raise InputError(
            f"{input.pies} names the example {min(unknown)}, which {input.examples} does not: make both anew."
        )
    members = groups.merge(pies, on="example").join(control, on="example")
    rows = []
    for level in params.levels:
        chosen = members[members.level == level]
        rows += compare_level(level, chosen, int(chosen.level_models.iloc[0]), params.significance)
    save_table(output.table, pd.DataFrame(rows))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
