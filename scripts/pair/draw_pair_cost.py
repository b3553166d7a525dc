"""pair_cost.svg: what each network gains in speed, against the images that flip and its worst class."""

import altair as alt
import pandas as pd

from scripts.lib.jobs.job import logged
from scripts.lib.pages.charts import save_chart
from scripts.lib.pages.cost_chart import cost_chart
from scripts.lib.tables.table import load_table

# Column -> what its axis says, and how it counts.
PANELS = {
    "flip_rate": ("images that flip", "%"),
    "top1_change": ("change of top-1", "+%"),
    "worst_change": ("change of the worst class", "+%"),
}


def draw(table: pd.DataFrame) -> alt.TopLevelMixin:
    """The chart of cost of pairs of files, from pair_cost.csv."""
    return cost_chart(table, PANELS, "over images, and over rounds of timing", (260, 240))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        save_chart(snakemake.output.figure, draw(load_table(snakemake.input.table)))  # noqa: F821
