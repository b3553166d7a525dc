"""Several finished studies side by side: a table, and a page with the cost against what is forgotten."""

import json
from pathlib import Path

import altair as alt
import pandas as pd

from scripts.lib.audit.pareto import BEATEN, ON_FRONT
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import write_text
from scripts.lib.jobs.job import logged
from scripts.lib.pages import html_table
from scripts.lib.pages.across import page
from scripts.lib.pages.charts import as_svg, level_scale
from scripts.lib.pages.cost_chart import marks, speed_axis
from scripts.lib.pages.markdown import markdown
from scripts.lib.tables.across import side_by_side
from scripts.lib.tables.table import coverage, save_table

SAME = ("classes", "image_size")  # what studies that are compared have in common, in the manifest of their data


def check_same(manifests: dict[str, dict]) -> None:
    """Raise InputError unless all studies have the same test images and classes; manifests: of each study's data."""
    (first, reference), *others = manifests.items()
    for study, data in others:
        for key in SAME:
            if data.get(key) != reference.get(key):
                raise InputError(
                    f"the studies {first} and {study} differ in `{key}`: compare studies of the same test images."
                )
        if data["sha256"]["test"] != reference["sha256"]["test"]:
            raise InputError(
                f"the studies {first} and {study} have different test images: compare studies of the same ones."
            )


def chart(table: pd.DataFrame) -> alt.TopLevelMixin:
    """One panel for each kind of study and batch size that is timed; the dense network is a cross."""
    studies = list(dict.fromkeys(table.study))
    colour = alt.Color("study:N", sort=studies, scale=level_scale(studies), legend=alt.Legend(title=None, orient="top"))
    panels = []
    for (kind, batch_size), rows in table[table.speedup.notna()].groupby(["kind", "batch_size"], sort=False):
        data = rows.assign(name=rows.study + ", " + rows.level)
        base = alt.Chart(data).encode(x=speed_axis(), color=colour)
        filled = alt.condition(alt.datum.front_speed == ON_FRONT, colour, alt.value("white"))
        opacity = alt.condition(alt.datum.front_speed == BEATEN, alt.value(0.35), alt.value(1))
        rules, y = marks(base.encode(opacity=opacity), "forgotten", "forgotten, share of the test images", "%")
        dense = alt.Chart(pd.DataFrame({"speedup": [1.0], "forgotten": [0.0]})).mark_point(
            shape="cross", filled=True, size=110, color="#333333", opacity=1
        )
        layers = [
            *rules,
            base.mark_point(size=90, strokeWidth=2).encode(y=y, fill=filled, opacity=opacity),
            base.mark_text(dx=8, dy=-8, align="left", fontSize=11).encode(
                y=y, text="name:N", color=alt.value("#333333")
            ),
            dense.encode(x="speedup:Q", y="forgotten:Q"),
        ]
        title = f"{kind}, batches of {batch_size}"
        panels.append(alt.layer(*layers).properties(width=520, height=340, title=title))
    return alt.vconcat(*panels).properties(
        title=alt.Title(
            "What speed costs, study by study",
            subtitle=[
                f"bars: {coverage(table)} intervals; cross: the dense network",
                "filled: surely on the front; pale: surely beaten; hollow: may be beaten",
            ],
        )
    )


def main(input, output, params) -> None:
    """Read the studies' tables, write the comparison in three forms."""
    folders = {study: Path(f"results/{study}") for study in params.studies}
    check_same(
        {
            study: json.loads((folder / "data/manifest.json").read_text(encoding="utf-8"))
            for study, folder in folders.items()
        }
    )
    table = side_by_side({study: folder / "tables" for study, folder in folders.items()})
    save_table(output.table, table)
    declaration = f"Studies: {', '.join(params.studies)}."
    shown = page(table)
    write_text(output.markdown, markdown(shown, declaration))
    figure = as_svg(chart(table)) if table.speedup.notna().any() else ""
    write_text(output.page, html_table.document(shown, declaration, figure))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
