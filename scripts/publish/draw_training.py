"""training.svg: the training loss of each level over its epochs."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.job import logged
from scripts.lib.pages.charts import level_scale, save_chart


def load_epochs(paths: Sequence[str]) -> pd.DataFrame:
    """One row an epoch of a model: level, seed, epoch, steps, learning_rate, loss; InputError for a damaged file."""
    tables = []
    for path in paths:
        try:
            tables.append(pd.read_csv(path, dtype={"level": str}))
        except (ValueError, OSError) as error:
            raise InputError(f"{path} cannot be read ({error}): delete it, and snakemake makes it again.") from None
    return pd.concat(tables, ignore_index=True)


def training_loss(epochs: pd.DataFrame, levels: Sequence[str]) -> alt.TopLevelMixin:
    """A panel for each trained level: the mean loss of its models, the smallest and largest behind it, and the dense mean in grey.

    epochs: as `load_epochs`. levels: all of the study's, which fix the colours.
    """
    by = epochs.groupby(["level", "epoch"], sort=False).loss
    data = by.agg(["mean", "min", "max"]).reset_index()
    shown = [level for level in levels if level in set(data.level)]
    dense = data[data.level == shown[0]].drop(columns="level")
    models = epochs.groupby("level").seed.nunique().max()
    x = alt.X(
        "epoch:Q", title="epoch", axis=alt.Axis(grid=False, tickMinStep=1, format="d"), scale=alt.Scale(nice=False)
    )
    y = alt.Y("mean:Q", title="training loss", scale=alt.Scale(zero=False))
    colour = alt.Color("level:N", scale=level_scale(list(levels)), legend=None)
    panels = []
    for level in shown:
        own = data[data.level == level]
        reference = alt.Chart(dense).mark_line(color="#bbbbbb", strokeWidth=1.5).encode(x=x, y=y)
        spread = alt.Chart(own).mark_area(opacity=0.25).encode(x=x, y=alt.Y("min:Q"), y2="max:Q", color=colour)
        line = alt.Chart(own).mark_line(strokeWidth=2, point=len(own) == 1).encode(x=x, y=y, color=colour)
        panels.append(
            alt.layer(reference, spread, line).properties(
                width=200, height=150, title=alt.Title(level, fontSize=13, anchor="middle", offset=2)
            )
        )
    return (
        alt.concat(*panels, columns=4)
        .resolve_scale(y="shared", x="shared")
        .properties(
            title=alt.Title(
                "Training loss",
                subtitle=f"mean, smallest and largest of up to K = {models} models; the mean of an epoch's batches, in training mode; grey: {shown[0]}",
            )
        )
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        epochs = load_epochs(snakemake.input.epochs)  # noqa: F821
        save_chart(snakemake.output.figure, training_loss(epochs, snakemake.params.levels))  # noqa: F821
