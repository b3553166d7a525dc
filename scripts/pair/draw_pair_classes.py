"""pair_classes.svg: what each class loses or gains between two networks, with intervals that hold for all classes at once."""

import altair as alt
import pandas as pd

from scripts.lib.jobs.job import logged
from scripts.lib.pages.charts import level_scale, save_chart
from scripts.lib.pages.vocabulary import p_value, percent
from scripts.lib.tables.table import coverage, load_table

MOST = 25  # classes of a panel


def draw(table: pd.DataFrame) -> alt.TopLevelMixin:
    """One panel a network: the classes that change most, the loser first; filled where the adjusted test finds a change."""
    table = table[table.p.notna()].copy()
    levels = list(dict.fromkeys(table.level))
    colours = level_scale(levels)
    panels = []
    for (level, seed), rows in table.groupby(["level", "seed"], sort=False):
        most = rows.loc[rows.change.abs().sort_values(ascending=False, kind="stable").index[:MOST]]
        data = most.sort_values(["change", "class"], kind="stable").copy()
        data["found"] = data.q <= data.significance
        data["said"] = [
            f"{level}, class {name}: {percent(*change, sign=True)}; adjusted p {p_value(q)}"
            for name, q, *change in zip(
                data["class"], data.q, data.change, data.change_together_low, data.change_together_high, strict=True
            )
        ]
        y = alt.Y(
            "class:N", sort=list(data["class"]), title=None, axis=alt.Axis(ticks=False, domain=False, labelLimit=160)
        )
        base = alt.Chart(data).encode(y=y, color=alt.Color("level:N", scale=colours, legend=None))
        bars = base.mark_rule(strokeWidth=2).encode(
            x=alt.X(
                "change_together_low:Q", title="change of the class's top-1", axis=alt.Axis(format="+%", tickCount=5)
            ),
            x2="change_together_high:Q",
        )
        points = base.mark_point(size=60, opacity=1, strokeWidth=2).encode(
            x="change:Q",
            description="said:N",
            fill=alt.condition("datum.found", alt.Color("level:N", scale=colours, legend=None), alt.value("white")),
        )
        zero = alt.Chart(pd.DataFrame({"zero": [0]})).mark_rule(color="#555555").encode(x="zero:Q")
        title = level if seed == 0 else f"{level}, seed {seed}"
        panels.append(
            (zero + bars + points).properties(width=300, height=17 * len(data), title=alt.Title(title, fontSize=13))
        )
    first = table.iloc[0]
    return (
        alt.concat(*panels, columns=3, spacing=25)
        .resolve_scale(x="shared")
        .properties(
            title=alt.Title(
                "What each class loses or gains",
                subtitle=[
                    f"the {MOST} classes that change most; bars: {coverage(table)} intervals that hold for all classes at once, over images",
                    f"filled: the exact test, adjusted for all classes, finds a change (at most {first.significance:g})",
                ],
            )
        )
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        save_chart(snakemake.output.figure, draw(load_table(snakemake.input.table)))  # noqa: F821
