"""layers.svg: how many predictions flip when each layer is compressed alone, and when it alone is not."""

import altair as alt
import pandas as pd

from scripts.lib.jobs.job import logged
from scripts.lib.pages.charts import LEVEL_COLOURS, save_chart
from scripts.lib.pages.vocabulary import estimate
from scripts.lib.tables.table import coverage, load_table

ALONE, LEFT_OUT = "this layer alone compressed", "all but this layer compressed"
SHOWN = {"alone": ALONE, "left_out": LEFT_OUT}


def flips_of_layers(table: pd.DataFrame) -> alt.TopLevelMixin:
    """A panel for each level, a row for each layer in the order of the network; a line where all layers are compressed."""
    panels = []
    for level, rows in table.groupby("level", sort=False):
        data = rows[rows.experiment.isin(SHOWN)].assign(shown=lambda each: each.experiment.map(SHOWN))
        data["said"] = [
            f"{layer}, {shown}: {flips} of the predictions flip"
            for layer, shown, flips in zip(data.layer, data.shown, estimate(data, "flips"), strict=True)
        ]
        base = alt.Chart(data).encode(
            y=alt.Y(
                "layer:N",
                sort=list(data.layer[data.experiment == "alone"]),
                title=None,
                axis=alt.Axis(ticks=False, domain=False, grid=True, labelLimit=250),
            ),
            yOffset=alt.YOffset("shown:N", sort=[ALONE, LEFT_OUT], scale=alt.Scale(paddingOuter=0.4)),
            color=alt.Color(
                "shown:N",
                scale=alt.Scale(domain=[ALONE, LEFT_OUT], range=LEVEL_COLOURS[:2]),
                legend=alt.Legend(title=None, orient="top", columns=2),
            ),
        )
        bars = base.mark_rule(strokeWidth=2).encode(
            x=alt.X("flips_low:Q", title="predictions that flip", axis=alt.Axis(format="%", tickCount=5)),
            x2="flips_high:Q",
        )
        points = base.mark_point(filled=True, size=45, opacity=1).encode(x="flips:Q", description="said:N")
        whole = (
            alt.Chart(rows[rows.experiment == "all"])
            .mark_rule(strokeDash=[4, 3], strokeWidth=1.5, color="#555555")
            .encode(x="flips:Q")
        )
        how = rows.how.iloc[0]
        panels.append(
            (whole + bars + points).properties(
                width=330, height=max(60, 24 * data.layer.nunique()), title=alt.Title(f"{level} ({how})", fontSize=13)
            )
        )
    first = table.iloc[0]
    return (
        alt.concat(*panels, columns=2, spacing=30)
        .resolve_scale(x="independent", y="independent", color="shared")
        .properties(
            title=alt.Title(
                "Which layer is to blame",
                subtitle=[
                    f"n = {first.examples:,} test images, K = {first.models} models; dashed: all layers compressed",
                    f"bars: {coverage(table)} intervals over images and, of three models or more, models",
                ],
            )
        )
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        save_chart(snakemake.output.figure, flips_of_layers(load_table(snakemake.input.table)))  # noqa: F821
