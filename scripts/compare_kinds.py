"""planted.csv: the PIE rate of each planted kind and of head and tail classes, its excess over the control, and how that compares.

The control's PIEs are harder and more atypical too, so a group's PIE rate alone shows nothing: only the excess is evidence.
"""

import numpy as np
import pandas as pd

from scripts.lib.audit.intervals import Estimate, difference, mcnemar, mean, rate
from scripts.lib.audit.verdicts import against_reference
from scripts.lib.data.kinds import PLANTED, TYPICAL
from scripts.lib.dataset import Examples, load_examples
from scripts.lib.errors import InputError
from scripts.lib.job import logged
from scripts.lib.tables import load_table, save_table

NEGATIVE_CONTROL = "mislabelled"  # modal disagreement never reads the label, so these must not stand out


# Grouping -> its groups; the first is what the others are compared with.
GROUPS = {
    "kind": (TYPICAL, *PLANTED),
    "class_frequency": ("head", "tail"),
    "class_frequency_typical": ("head", "tail"),  # of typical images only, so that kinds do not mix in
}


def groups_of(examples: Examples) -> pd.DataFrame:
    """Long table of (example, grouping, group). Tail: the classes with less than the median number of training images.

    The class is the one that the image shows: PIEs do not depend on its label.
    """
    frequencies = pd.Series(examples.class_frequency, index=examples.shown).groupby(level=0).first()
    side = np.where(examples.class_frequency < frequencies.median(), "tail", "head")
    by_frequency = pd.DataFrame({"example": examples.example, "grouping": "class_frequency", "group": side})
    typical = by_frequency[examples.kind == TYPICAL].assign(grouping="class_frequency_typical")
    by_kind = pd.DataFrame({"example": examples.example, "grouping": "kind", "group": examples.kind})
    return pd.concat([by_kind, by_frequency, typical])


def compare_level(level: str, members: pd.DataFrame, models: int, significance: float) -> list[dict]:
    """Rows of one level; members: one row an example and grouping with the flags `pie` and `control_pie`."""
    rows = []
    for grouping, groups in GROUPS.items():
        excess: dict[str, Estimate] = {}
        p: dict[str, float] = {}
        for group in groups:
            chosen = members[(members.grouping == grouping) & (members.group == group)]
            pie, control = chosen.pie.to_numpy(), chosen.control_pie.to_numpy()
            n = len(chosen)
            share, control_share = rate(int(pie.sum()), n, significance), rate(int(control.sum()), n, significance)
            excess[group] = mean((chosen.dealt_pie - chosen.dealt_control).to_numpy(), significance)
            p[group] = mcnemar(pie, control)
            reference = excess[groups[0]]
            beyond = difference(excess[group], reference)
            is_reference = group == groups[0]
            nothing = Estimate(float("nan"), float("nan"), float("nan"))
            own, against = (
                (nothing, nothing) if level == "control" else (excess[group], nothing if is_reference else beyond)
            )
            rows.append(
                {
                    "level": level,
                    "grouping": grouping,
                    "group": group,
                    "role": "reference" if is_reference else "negative control" if group == NEGATIVE_CONTROL else "",
                    "examples": n,
                    "models": models,
                    "significance": significance,
                    "pies": int(pie.sum()),
                    "pie_rate": share.value,
                    "pie_rate_low": share.low,
                    "pie_rate_high": share.high,
                    "control_pies": int(control.sum()),
                    "control_rate": control_share.value,
                    "control_rate_low": control_share.low,
                    "control_rate_high": control_share.high,
                    "excess_rate": own.value,
                    "excess_rate_low": own.low,
                    "excess_rate_high": own.high,
                    "p_control": float("nan") if level == "control" else p[group],
                    "beyond_reference": against.value,
                    "beyond_reference_low": against.low,
                    "beyond_reference_high": against.high,
                    "verdict": "is the control"
                    if level == "control"
                    else "is the reference"
                    if is_reference
                    else against_reference(beyond, p[group], p[groups[0]], significance, groups[0]),
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
