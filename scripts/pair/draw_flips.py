"""flips.svg: on how many images each network says something else than the dense one, and which way."""

import altair as alt
import pandas as pd

from scripts.lib.audit.flips import GAINED, LOST, MOVED
from scripts.lib.jobs.job import logged
from scripts.lib.pages.charts import save_chart
from scripts.lib.pages.pair_findings import name_of
from scripts.lib.tables.table import load_table

# Flip -> its column in the table and its colour; what is lost stands left of 0.
FLIPS = {LOST: ("lost", "#d1495b"), GAINED: ("gained", "#3a7d44"), MOVED: ("moved", "#9a9a9a")}


def draw(table: pd.DataFrame) -> alt.TopLevelMixin:
    """A row for each network: images lost to the left, gained and moved to the right, as shares of the images, with their numbers."""
    names = [name_of(row) for row in table.itertuples()]
    bars = []
    for row, name in zip(table.itertuples(), names, strict=True):
        start = 0.0
        for flip, (column, _) in FLIPS.items():
            count = getattr(row, column)
            share = count / row.examples
            ends = (-share, 0.0) if flip == LOST else (start, start + share)
            start = start if flip == LOST else ends[1]
            bars.append(
                {
                    "network": name,
                    "flip": flip,
                    "from": ends[0],
                    "to": ends[1],
                    "count": count,
                    "said": f"{name}: {count} of {row.examples} images, {flip}",
                }
            )
    data = pd.DataFrame(bars)
    base = alt.Chart(data).encode(
        y=alt.Y("network:N", sort=names, title=None, axis=alt.Axis(ticks=False, domain=False, labelLimit=250))
    )
    shown = base.mark_bar(height=18).encode(
        x=alt.X("from:Q", title="share of the test images", axis=alt.Axis(format=".1%", tickCount=8)),
        x2="to:Q",
        description="said:N",
        color=alt.Color(
            "flip:N",
            sort=list(FLIPS),
            scale=alt.Scale(domain=list(FLIPS), range=[colour for _, colour in FLIPS.values()]),
            legend=alt.Legend(title=None, orient="top"),
        ),
    )
    left = (
        base.transform_filter(alt.datum.flip == LOST).mark_text(align="right", dx=-5).encode(x="from:Q", text="count:Q")
    )
    right = (
        base.transform_filter(alt.datum.flip == MOVED)
        .mark_text(align="left", dx=5)
        .encode(x="to:Q", text=alt.Text("beside:N"))
        .transform_lookup(
            lookup="network",
            from_=alt.LookupData(
                pd.DataFrame(
                    {"network": names, "beside": [f"{row.gained} + {row.moved}" for row in table.itertuples()]}
                ),
                "network",
                ["beside"],
            ),
        )
    )
    zero = alt.Chart(pd.DataFrame({"zero": [0]})).mark_rule(color="#555555").encode(x="zero:Q")
    first = table.iloc[0]
    return (shown + zero + left + right).properties(
        width=620,
        height=32 * len(names),
        title=alt.Title(
            "Images on which each network says something else than the dense one",
            subtitle=f"n = {first.examples} test images; numbers: lost | gained + moved",
        ),
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        save_chart(snakemake.output.figure, draw(load_table(snakemake.input.table)))  # noqa: F821
