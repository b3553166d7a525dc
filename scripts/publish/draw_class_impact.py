"""class_impact.svg: each class's change of recall beyond the average, against how often the class was seen in training."""

import altair as alt
import pandas as pd

from scripts.lib.jobs.job import logged
from scripts.lib.pages.charts import level_scale, save_chart
from scripts.lib.pages.vocabulary import count, estimate, percent
from scripts.lib.tables.table import coverage, load_table

ALL_NAMED, NAMED = 30, 6  # classes that all have room for their names in a panel; of more, so many have theirs


def class_impact(table: pd.DataFrame) -> alt.TopLevelMixin:
    """One panel a level; filled points are significant by the paper's test.

    Classes stand at their number of training images, or, where that is not known, at their dense recall. Those without test images are
    left out. Where there are many, those that change most are named.
    """
    table = table[table.examples > 0]
    levels = list(table.level.unique())
    columns = [
        "level",
        "class",
        "class_frequency",
        "dense_recall",
        "relative_change",
        "relative_change_low",
        "relative_change_high",
        "significant",
    ]
    data = table[columns].copy()
    data["verdict"] = data.significant.map({True: "significant", False: "not significant"})
    data["said"] = [
        f"{row.level}, class {name}: {change}, {row.verdict}; dense recall {percent(row.dense_recall)}, training images {count(row.class_frequency)}"
        for row, name, change in zip(
            data.itertuples(), data["class"], estimate(data, "relative_change", sign=True), strict=True
        )
    ]
    strongest = data.relative_change.abs().groupby(data.level).rank(method="first", ascending=False) <= NAMED
    few = data["class"].nunique() <= ALL_NAMED
    data["name"] = data["class"].where(strongest | few, "")
    flagged = data.groupby("level").significant.agg(["sum", "size"])
    data["panel"] = [f"{level}: {flagged.loc[level, 'sum']} of {flagged.loc[level, 'size']}" for level in data.level]
    panels = list(dict.fromkeys(data.panel))
    colour = alt.Color("level:N", scale=level_scale(levels), legend=None)
    by_frequency = alt.X(
        "class_frequency:Q",
        title="training images of the class",
        scale=alt.Scale(type="log", nice=False, padding=18),
        axis=alt.Axis(values=[10, 30, 100, 300, 1000, 3000], grid=False),
    )
    by_recall = alt.X(
        "dense_recall:Q",
        title="dense recall of the class",
        scale=alt.Scale(zero=False, nice=False, padding=18),
        axis=alt.Axis(format="%", tickCount=4, grid=False),
    )
    base = alt.Chart(data).encode(
        x=by_recall if data.class_frequency.isna().any() else by_frequency,
        color=colour,
    )
    zero = alt.Chart(data).mark_rule(color="#555555").encode(y=alt.datum(0))
    bars = base.mark_rule(strokeWidth=2 if few else 1, opacity=1 if few else 0.5).encode(
        y=alt.Y("relative_change_low:Q", title="recall, beyond the level's average", axis=alt.Axis(format="+%")),
        y2="relative_change_high:Q",
    )
    points = base.mark_point(size=70 if few else 15, strokeWidth=2 if few else 1, opacity=1).encode(
        y="relative_change:Q",
        description="said:N",
        fill=alt.condition("datum.significant", colour, alt.value("white")),
    )
    names = base.mark_text(dx=9, dy=-8, fontSize=11, color="#333333").encode(
        y="relative_change:Q", text="name:N", color=alt.value("#333333")
    )
    models = int(table.level_models.iloc[0])
    return (
        alt.layer(zero, bars, points, names)
        .properties(width=200, height=230)
        .facet(facet=alt.Facet("panel:N", sort=panels, title=None), columns=4)
        .properties(
            title=alt.Title(
                "Who pays: recall of each class beyond the average loss",
                subtitle=[
                    f"filled: significant by the paper's Welch test (p at most {table.significance.iloc[0]:g}, uncorrected)",
                    f"K = {models} models a level; bars: {coverage(table)} intervals over models",
                ],
            )
        )
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        save_chart(snakemake.output.figure, class_impact(load_table(snakemake.input.table)))  # noqa: F821
