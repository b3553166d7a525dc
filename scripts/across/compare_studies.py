"""Several finished studies side by side: a table, and a page with the cost against what is forgotten."""

import json
from pathlib import Path

import altair as alt
import pandas as pd

from scripts.lib.audit.pareto import ON_FRONT
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import write_text
from scripts.lib.jobs.job import logged
from scripts.lib.pages import html_table
from scripts.lib.pages.across import page
from scripts.lib.pages.charts import level_scale
from scripts.lib.pages.markdown import markdown
from scripts.lib.tables.across import side_by_side
from scripts.lib.tables.table import save_table

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
    """One panel for each kind of study; filled points are on the front of speed, for the largest batch size that is timed."""
    timed = table[table.speedup.notna()]
    panels = []
    for kind, rows in timed.groupby("kind", sort=False):
        data = rows[rows.batch_size == rows.batch_size.max()].copy()
        data["front"] = data.front_speed == ON_FRONT
        data["name"] = data.study + ", " + data.level
        studies = list(dict.fromkeys(table.study))
        colour = alt.Color(
            "study:N", sort=studies, scale=level_scale(studies), legend=alt.Legend(title=None, orient="top")
        )
        base = alt.Chart(data).encode(
            x=alt.X(
                "speedup:Q", title="times faster than the best dense network", scale=alt.Scale(zero=False, padding=30)
            ),
            y=alt.Y("forgotten:Q", title="forgotten, share of the test images", axis=alt.Axis(format="%")),
            color=colour,
        )
        bars = alt.Chart(data).encode(color=colour)
        layers = [
            bars.mark_rule(strokeWidth=1.5).encode(x="speedup:Q", y="forgotten_low:Q", y2="forgotten_high:Q"),
            bars.mark_rule(strokeWidth=1.5).encode(y="forgotten:Q", x="speedup_low:Q", x2="speedup_high:Q"),
            base.mark_point(size=90, strokeWidth=2, opacity=1).encode(
                fill=alt.condition("datum.front", colour, alt.value("white"))
            ),
            base.mark_text(dx=8, dy=-8, align="left", fontSize=11).encode(text="name:N", color=alt.value("#333333")),
        ]
        title = f"{kind}, batches of {data.batch_size.iloc[0]}"
        panels.append(alt.layer(*layers).properties(width=520, height=340, title=title))
    return alt.vconcat(*panels).properties(
        title=alt.Title(
            "What speed costs, study by study",
            subtitle="filled: on the front, no other level is as good in both and better in one",
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
    drawn = ""
    if table.speedup.notna().any():
        import vl_convert

        drawn = vl_convert.vegalite_to_svg(chart(table).to_json())
    whole = html_table.document(shown, declaration)
    write_text(
        output.page,
        whole.replace(
            '<div class="wide"',
            f'<figure role="img" aria-label="What speed costs">{drawn}</figure>\n<div class="wide"',
            1,
        )
        if drawn
        else whole,
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
