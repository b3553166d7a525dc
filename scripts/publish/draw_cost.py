"""cost.svg: what each level gains in speed, against what it forgets."""

import altair as alt
import pandas as pd

from scripts.lib.jobs.job import logged
from scripts.lib.pages.charts import save_chart
from scripts.lib.pages.cost_chart import cost_chart
from scripts.lib.tables.table import load_table

# Column -> what its axis says, and how it counts.
PANELS = {
    "excess_rate": ("PIEs beyond the control, share of images", "+%"),
    "worst_change": ("worst class: recall beyond the level's average", "+%"),
}


def cost_against_forgetting(table: pd.DataFrame) -> alt.TopLevelMixin:
    """The chart of cost of populations, from cost_and_forgetting.csv."""
    intervals = "over images and models (left), models (right) and rounds of timing"
    return cost_chart(table, PANELS, intervals, (380, 280))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        save_chart(snakemake.output.figure, cost_against_forgetting(load_table(snakemake.input.table)))  # noqa: F821
