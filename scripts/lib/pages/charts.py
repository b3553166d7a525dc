"""What the figures share: colours, type, and how they become SVG."""

import io
from pathlib import Path

import altair as alt

from scripts.lib.jobs.files import write_text

CONTROL_GREY = "#9a9a9a"
# These have colours of their own, so that a compressed level's is the same in figures with and without them.
UNCOMPRESSED = {"dense": "#333333", "control": CONTROL_GREY}
LEVEL_COLOURS = ["#0b6e99", "#d1495b", "#e09f3e", "#3a7d44", "#6a4c93", "#8d5b4c"]


def level_scale(levels: list[str]) -> alt.Scale:
    """The dense models black, the control grey, the other levels in colours that differ for colour-blind readers too."""
    others = iter(LEVEL_COLOURS * (1 + len(levels) // len(LEVEL_COLOURS)))
    return alt.Scale(domain=levels, range=[UNCOMPRESSED.get(level) or next(others) for level in levels])


def as_svg(chart: alt.TopLevelMixin) -> str:
    """The chart in the type and the colours that all have, as SVG."""
    # Where a reader has none of these fonts the next one is wider: room for it at the sides and between the entries of a legend.
    chart = chart.configure(
        font="Helvetica, Arial, sans-serif",
        background="white",
        padding={"left": 25, "right": 60, "top": 5, "bottom": 5},
    ).configure_view(stroke=None)
    chart = chart.configure_axis(
        labelFontSize=12, titleFontSize=12, titleFontWeight="normal", gridColor="#e8e8e8", domainColor="#888888"
    )
    chart = chart.configure_title(fontSize=15, anchor="start", subtitleFontSize=12, subtitleColor="#555555", offset=10)
    chart = chart.configure_legend(labelFontSize=12, labelLimit=300, columnPadding=24).configure_header(
        labelFontSize=13, labelFontWeight="bold"
    )
    file = io.StringIO()
    chart.save(file, format="svg")
    return file.getvalue()


def save_chart(path: str | Path, chart: alt.TopLevelMixin) -> None:
    """Write the chart as SVG, whole or not at all."""
    write_text(path, as_svg(chart))
