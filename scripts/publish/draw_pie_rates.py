"""pie_rates.svg: the PIE rate of each planted kind, of head and of tail classes, level by level beside the control."""

import altair as alt
import pandas as pd

from scripts.lib.data.kinds import TYPICAL
from scripts.lib.jobs.job import logged
from scripts.lib.pages.charts import level_scale, save_chart
from scripts.lib.pages.vocabulary import estimate
from scripts.lib.tables.table import coverage, load_table

# Grouping -> what its axis says; of data in which nothing is planted, "all images" stands for the kinds.
PANELS = {
    "kind": "what was planted in the image",
    "class_frequency": "its class in training",
    "class_frequency_typical": "the same, typical images",
}


def pie_rates(table: pd.DataFrame) -> alt.TopLevelMixin:
    """Points with their intervals; one column of points a level in each group."""
    levels = list(table.level.unique())
    groups = list(dict.fromkeys(table.group))
    data = table[["level", "grouping", "group", "pie_rate", "pie_rate_low", "pie_rate_high", "examples"]].copy()
    planted = set(data.group[data.grouping == "kind"]) != {TYPICAL}
    shown = {group: group.replace("_", " ") if planted or group != TYPICAL else "all images" for group in groups}
    data["name"] = data.group.map(shown)
    data["said"] = [
        f"{row.level}, {row.name}: {rate} of {row.examples} images are PIEs"
        for row, rate in zip(data.itertuples(index=False), estimate(data, "pie_rate"), strict=True)
    ]
    panels = []
    for grouping, axis_title in PANELS.items():
        part = data[data.grouping == grouping]
        if part.empty:
            continue
        title = axis_title if planted or grouping != "kind" else "nothing was planted"
        here = [name for name in shown.values() if name in set(part.name)]
        base = alt.Chart(part).encode(
            x=alt.X(
                "name:N",
                sort=here,
                title=title,
                scale=alt.Scale(paddingInner=0.3, paddingOuter=0.15),
                axis=alt.Axis(labelAngle=0, ticks=False),
            ),
            xOffset=alt.XOffset("level:N", sort=levels),
            color=alt.Color(
                "level:N", sort=levels, scale=level_scale(levels), legend=alt.Legend(title=None, orient="top")
            ),
        )
        axis = (
            alt.Axis(format="%", tickCount=6)
            if grouping == "kind"
            else alt.Axis(format="%", tickCount=6, labels=False, ticks=False)
        )
        points = base.mark_point(filled=True, size=55, opacity=1).encode(
            y=alt.Y("pie_rate:Q", title="PIE rate" if grouping == "kind" else None, axis=axis), description="said:N"
        )
        bars = base.mark_rule(strokeWidth=2).encode(y="pie_rate_low:Q", y2="pie_rate_high:Q")
        panels.append(
            (bars + points).properties(width=max(160, (100 if grouping == "kind" else 90) * len(here)), height=280)
        )
    models = int(table.models.iloc[0])
    total = int(table[(table.level == levels[0]) & (table.grouping == "kind")].examples.sum())
    return (
        alt.hconcat(*panels, spacing=25)
        .resolve_scale(y="shared", color="shared")
        .properties(
            title=alt.Title(
                f"PIEs{' by what was planted' if planted else ''}: evidence is what stands above the grey control",
                subtitle=f"n = {total} test images, K = {models} models a level; bars: {coverage(table)} Wilson intervals over images",
            )
        )
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        save_chart(snakemake.output.figure, pie_rates(load_table(snakemake.input.table)))  # noqa: F821
