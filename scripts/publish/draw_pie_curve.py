"""pie_curve.svg: how the PIE rate falls with the number of models, level by level beside the control and chance."""

import altair as alt
import pandas as pd

from scripts.lib.jobs.job import logged
from scripts.lib.pages.charts import CONTROL_GREY, level_scale, save_chart
from scripts.lib.pages.vocabulary import percent
from scripts.lib.tables.table import load_table

CHANCE_OPACITY = 0.18


def pie_curve(table: pd.DataFrame) -> alt.TopLevelMixin:
    """One panel a level; points are hollow where the number of models is even, as ties count there."""
    levels = list(table.level.unique())
    data = table[["level", "models"]].copy()
    for name in (
        "pies_mean",
        "pies_low",
        "pies_high",
        "null_mean",
        "null_low",
        "null_high",
        "control_mean",
        "pies_untied_mean",
    ):
        data[name] = table[name] / table.examples
    data["panel"] = [
        level if design == "independent" else f"{level} (same checkpoints)"
        for level, design in zip(table.level, table.design, strict=True)
    ]
    data["parity"] = ["even" if models % 2 == 0 else "odd" for models in data.models]
    data["said"] = [
        f"{row.panel}, K = {row.models}: {percent(row.pies_mean, row.pies_low, row.pies_high)} of the images are PIEs"
        for row in data.itertuples()
    ]
    shown = [level for level in levels if level != "control"] or levels
    data = data[data.level.isin(shown)]
    first = table.iloc[0]
    ticks = [k for k in (1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 500, 1000) if k <= data.models.max()]
    x = alt.X(
        "models:Q",
        title="models of each population, K",
        scale=alt.Scale(type="log", nice=False, padding=8),
        axis=alt.Axis(values=ticks, grid=False, format="d"),
    )
    y = alt.Y("pies_mean:Q", title="PIEs, share of images", axis=alt.Axis(format="%", tickCount=6))
    colour = alt.Color("level:N", scale=level_scale(levels), legend=None)
    base = alt.Chart(data).encode(x=x)
    chance = base.mark_area(opacity=CHANCE_OPACITY).encode(y=alt.Y("null_low:Q"), y2="null_high:Q", color=colour)
    control = base.mark_line(color=CONTROL_GREY, strokeWidth=2).encode(y="control_mean:Q")
    line = base.mark_line(strokeWidth=2).encode(y=y, color=colour)
    spread = base.mark_rule(strokeWidth=1.5).encode(y="pies_low:Q", y2="pies_high:Q", color=colour)
    untied = base.mark_line(strokeWidth=1.5, strokeDash=[2, 3]).encode(y="pies_untied_mean:Q", color=colour)
    points = base.mark_point(size=45, strokeWidth=2, opacity=1).encode(
        y=y, color=colour, description="said:N", fill=alt.condition("datum.parity == 'odd'", colour, alt.value("white"))
    )
    return (
        alt.layer(chance, control, untied, line, spread, points)
        .properties(width=230, height=260)
        .facet(facet=alt.Facet("panel:N", sort=list(dict.fromkeys(data.panel)), title=None), columns=4)
        .properties(
            title=alt.Title(
                "PIEs over the number of models: counts at different K do not compare",
                subtitle=[
                    f"n = {first.examples} test images; mean and central {100 * (1 - first.significance):g} % of {first.subsets} random subsets of the K = {first.level_models} models; hollow: even, with ties (tie rule {first.tie_rule})",
                    "grey line: the control; band: by chance, the models of the subsets exchanged; dotted: without images with ties",
                ],
            )
        )
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        save_chart(snakemake.output.figure, pie_curve(load_table(snakemake.input.table)))  # noqa: F821
