"""reliability.svg: how often predictions are right that are about equally sure, level by level beside the dense models."""

import altair as alt
import pandas as pd

from scripts.lib.jobs.job import logged
from scripts.lib.pages.charts import CONTROL_GREY, level_scale, save_chart
from scripts.lib.pages.vocabulary import among, estimate, percent
from scripts.lib.tables.table import coverage, load_table

COLUMNS = 4  # panels beside each other
SIZE = 210  # of a panel, which is square


def reliability(table: pd.DataFrame) -> alt.TopLevelMixin:
    """One panel a level: points with their intervals, the dense models' line in grey, and the diagonal of a calibrated model."""
    if table.empty:
        return alt.Chart(pd.DataFrame({"x": [0]})).mark_point(opacity=0).properties(title="No confidences were brought")
    levels = list(table.level.unique())
    said = [
        f"{row.level}: {row.images} images with a confidence of {percent(row.confidence)}, right: {right}"
        for row, right in zip(table.itertuples(), estimate(table, "accuracy"), strict=True)
    ]
    table = table.assign(said=said)
    diagonal = pd.DataFrame({"confidence": [0.0, 1.0], "accuracy": [0.0, 1.0]})
    x = alt.X(
        "confidence:Q", title="confidence", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%", tickCount=5)
    )
    y = alt.Y("accuracy:Q", title="right", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%", tickCount=5))
    colour = alt.Color("level:N", sort=levels, scale=level_scale(levels), legend=None)
    calibrated = alt.Chart(diagonal).mark_line(color="#888888", strokeDash=[4, 3], strokeWidth=1).encode(x=x, y=y)
    dense = alt.Chart(table[table.level == "dense"]).mark_line(color=CONTROL_GREY, strokeWidth=2).encode(x=x, y=y)
    panels = []
    for level in levels:
        base = alt.Chart(table[table.level == level]).encode(x=x, color=colour)
        bars = base.mark_rule(strokeWidth=1.5).encode(y=alt.Y("accuracy_low:Q", title="right"), y2="accuracy_high:Q")
        points = base.mark_point(size=35, filled=True, opacity=1).encode(y=y, description="said:N")
        layers = [calibrated, *([dense] if level != "dense" else []), bars, points]
        panels.append(alt.layer(*layers).properties(width=SIZE, height=SIZE, title=alt.Title(level, fontSize=13)))
    first = table.iloc[0]
    return (
        alt.concat(*panels, columns=COLUMNS, spacing=20)
        .resolve_scale(color="shared")
        .properties(
            title=alt.Title(
                "How often predictions are right, by how sure they are",
                subtitle=[
                    f"n = {first.examples} test images, K = {among(table.level_models)} models a level, in at most {table.bin.max()} bins of about {table.images.median():.0f} images; below the diagonal: surer than right",
                    f"bars: {coverage(table)} intervals over the images of a bin, as of one model; grey line: the dense models",
                ],
            )
        )
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        save_chart(snakemake.output.figure, reliability(load_table(snakemake.input.table)))  # noqa: F821
