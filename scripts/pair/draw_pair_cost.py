"""pair_cost.svg: what each network gains in speed, against the images that flip and its worst class."""

import altair as alt
import pandas as pd

from scripts.lib.jobs.job import logged
from scripts.lib.pages.charts import level_scale, save_chart
from scripts.lib.tables.table import coverage, load_table

# Column -> what its axis says, and how it counts.
PANELS = {
    "flip_rate": ("images that flip", "%"),
    "top1_change": ("change of top-1", "+%"),
    "worst_change": ("change of the worst class", "+%"),
}


def draw(table: pd.DataFrame) -> alt.TopLevelMixin:
    """One panel for each way to forget, for the largest batch size; levels without a time are named under the title."""
    largest = table[table.batch_size == table.batch_size.max()]
    data = largest[largest.speedup.notna()].copy()
    levels, untimed = list(largest.level), list(largest.level[largest.speedup.isna()])
    colours = level_scale(levels)
    panels = []
    for column, (title, form) in PANELS.items():
        base = alt.Chart(data).encode(
            x=alt.X(
                "speedup:Q", title="times faster than the best dense network", scale=alt.Scale(zero=False, padding=25)
            ),
            color=alt.Color(
                "level:N",
                sort=levels,
                scale=colours,
                legend=alt.Legend(title=None, orient="top", columns=4, values=list(data.level)),
            ),
        )
        y = alt.Y(f"{column}:Q", title=title, axis=alt.Axis(format=form))
        layers = [
            base.mark_rule(strokeWidth=2).encode(y=alt.Y(f"{column}_low:Q", title=title), y2=f"{column}_high:Q"),
            base.mark_rule(strokeWidth=2).encode(x="speedup_low:Q", x2="speedup_high:Q", y=y),
            base.mark_point(filled=True, size=80, opacity=1).encode(y=y),
            alt.Chart(data).mark_rule(color="#555555").encode(y=alt.datum(0)),
        ]
        panels.append(alt.layer(*layers).properties(width=260, height=240))
    first = largest.iloc[0]
    return (
        alt.hconcat(*panels, spacing=25)
        .resolve_scale(color="shared")
        .properties(
            title=alt.Title(
                "What the speed costs",
                subtitle=f"batches of {first.batch_size}; n = {first.examples} test images; bars: {coverage(table)} intervals over images, and over rounds of timing"
                + (f"; {', '.join(untimed)}: not timed" if untimed else ""),
            )
        )
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        save_chart(snakemake.output.figure, draw(load_table(snakemake.input.table)))  # noqa: F821
