"""robustness.svg: what each level loses of top-1 under every corruption, beside what it loses on the same images uncorrupted."""

import altair as alt
import pandas as pd

from scripts.lib.jobs.job import logged
from scripts.lib.pages.charts import level_scale, save_chart
from scripts.lib.pages.vocabulary import percent
from scripts.lib.tables.corruption_summary import CLEAN
from scripts.lib.tables.table import coverage, load_table

COLUMNS = 6  # panels beside each other


def robustness(table: pd.DataFrame) -> alt.TopLevelMixin:
    """One panel a level, one point with its interval a corruption, filled where the loss surely differs from that on clean images."""
    data = table[(table.level != "dense") & (table.of == 1)].copy()
    for end, of in (("change", "error_change"), ("low", "error_change_high"), ("high", "error_change_low")):
        data[end] = -data[of]
    data["name"] = data.corruption.str.replace("_", " ")
    data["beyond"] = (data.excess_error_low > 0) | (data.excess_error_high < 0)
    data["said"] = [
        f"{row.level}, {row.name}: top-1 {percent(row.change, row.low, row.high, sign=True)}"
        for row in data.itertuples(index=False)
    ]
    names, levels = list(data.name.unique()), list(data.level.unique())
    colours = level_scale(levels)
    panels = []
    for place, level in enumerate(levels):
        part = data[data.level == level]
        first = place % COLUMNS == 0
        base = alt.Chart(part).encode(
            y=alt.Y(
                "name:N",
                sort=names,
                title=None,
                axis=alt.Axis(ticks=False, labels=first, domain=False, grid=True, labelLimit=200),
            ),
            color=alt.Color("level:N", sort=levels, scale=colours, legend=None),
        )
        bars = base.mark_rule(strokeWidth=2).encode(
            x=alt.X("low:Q", title="change of top-1", axis=alt.Axis(format="+%", tickCount=4)), x2="high:Q"
        )
        points = base.mark_point(size=55, opacity=1, strokeWidth=2).encode(
            x="change:Q",
            description="said:N",
            fill=alt.condition(
                "datum.beyond", alt.Color("level:N", sort=levels, scale=colours, legend=None), alt.value("white")
            ),
        )
        clean = (
            alt.Chart(part[part.corruption == CLEAN])
            .mark_rule(strokeDash=[4, 3], strokeWidth=1.5)
            .encode(x="change:Q", color=alt.Color("level:N", sort=levels, scale=colours, legend=None))
        )
        zero = alt.Chart(pd.DataFrame({"zero": [0]})).mark_rule(color="#888888").encode(x="zero:Q")
        panels.append(
            (zero + clean + bars + points).properties(
                width=150, height=20 * len(names), title=alt.Title(level, fontSize=13)
            )
        )
    about = data.iloc[0]
    return (
        alt.concat(*panels, columns=COLUMNS, spacing=20)
        .resolve_scale(x="shared", color="shared")
        .properties(
            title=alt.Title(
                "Top-1 that is lost under corruption, beside what is lost on the same images uncorrupted (dashed)",
                subtitle=[
                    f"n = {about.examples} test images, {_models(about.dense_models)}, means over severities{'; the control is what seeds alone do' if 'control' in levels else ''}",
                    f"bars: {coverage(table)} bootstrap intervals over {'images' if about.dense_models == 1 else 'models and images'}; filled: that of the excess error excludes 0",
                ],
            )
        )
    )


def _models(models: int) -> str:
    return "one network a level" if models == 1 else f"K = {models} models a level"


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        save_chart(snakemake.output.figure, robustness(load_table(snakemake.input.table)))  # noqa: F821
