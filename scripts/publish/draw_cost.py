"""cost.svg: what each level gains in speed, against what it forgets."""

import altair as alt
import pandas as pd

from scripts.lib.jobs.job import logged
from scripts.lib.pages.charts import level_scale, save_chart
from scripts.lib.tables.table import coverage, load_table

# Column -> what its axis says.
PANELS = {
    "excess_rate": "PIEs beyond the control, share of images",
    "worst_change": "worst class: recall beyond the level's average",
}


def cost_against_forgetting(table: pd.DataFrame) -> alt.TopLevelMixin:
    """One panel for each way to forget; points with the intervals of both axes, for the largest batch size.

    Levels without a time are named under the title.
    """
    largest = table[table.batch_size == table.batch_size.max()]
    data = largest[largest.speedup.notna()].copy()
    levels, untimed = list(largest.level), list(largest.level[largest.speedup.isna()])
    panels = []
    for column, title in PANELS.items():
        base = alt.Chart(data).encode(
            x=alt.X(
                "speedup:Q", title="times faster than the best dense network", scale=alt.Scale(zero=False, padding=25)
            ),
            color=alt.Color(
                "level:N",
                sort=levels,
                scale=level_scale(levels),
                legend=alt.Legend(title=None, orient="top", columns=4, values=list(data.level)),
            ),
        )
        y = alt.Y(f"{column}:Q", title=title, axis=alt.Axis(format="+%"))
        layers = [
            base.mark_rule(strokeWidth=2).encode(y=alt.Y(f"{column}_low:Q", title=title), y2=f"{column}_high:Q"),
            base.mark_rule(strokeWidth=2).encode(x="speedup_low:Q", x2="speedup_high:Q", y=y),
            base.mark_point(filled=True, size=80, opacity=1).encode(y=y),
            alt.Chart(data).mark_rule(color="#555555").encode(y=alt.datum(0)),
        ]
        panels.append(alt.layer(*layers).properties(width=380, height=280))
    first = data.iloc[0]
    return (
        alt.hconcat(*panels, spacing=30)
        .resolve_scale(color="shared")
        .properties(
            title=alt.Title(
                "What the speed costs",
                subtitle=[
                    f"batches of {first.batch_size}; n = {first.examples} test images, K = {first.models} models a level; bars: {coverage(table)}",
                    "intervals over images and models (left), models (right) and rounds of timing"
                    + (f"; {', '.join(untimed)}: not timed" if untimed else ""),
                ],
            )
        )
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        save_chart(snakemake.output.figure, cost_against_forgetting(load_table(snakemake.input.table)))  # noqa: F821
