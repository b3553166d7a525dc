"""The picture of what levels gain in speed against what they forget, of populations and of pairs of files."""

import altair as alt
import pandas as pd

from scripts.lib.pages.charts import level_scale
from scripts.lib.pages.vocabulary import estimate, times
from scripts.lib.tables.table import coverage

SPEED_AXIS = "times faster than the best dense network"


def speed_axis() -> alt.X:
    """The axis of all charts of speed; it ends near the points."""
    return alt.X("speedup:Q", title=SPEED_AXIS, scale=alt.Scale(zero=False, padding=25))


def marks(base: alt.Chart, column: str, title: str, form: str) -> tuple[list[alt.Chart], alt.Y]:
    """Of a chart that has the speed on its x axis the intervals of both axes, and the y axis of the column."""
    y = alt.Y(f"{column}:Q", title=title, axis=alt.Axis(format=form))
    rules = [
        base.mark_rule(strokeWidth=2).encode(y=alt.Y(f"{column}_low:Q", title=title), y2=f"{column}_high:Q"),
        base.mark_rule(strokeWidth=2).encode(x="speedup_low:Q", x2="speedup_high:Q", y=y),
    ]
    return rules, y


def cost_chart(
    table: pd.DataFrame, panels: dict[str, tuple[str, str]], intervals: str, size: tuple[int, int]
) -> alt.TopLevelMixin:
    """One panel for each way to forget, points with the intervals of both axes, for the largest batch size.

    table: as weigh_cost or weigh_pair_cost makes it. panels: column -> what its axis says, and how it counts. intervals: what they are over. size: of a
    panel, in pixels. Levels without a time are named under the title.
    """
    largest = table[table.batch_size == table.batch_size.max()]
    data = largest[largest.speedup.notna()].copy()
    levels, untimed = list(largest.level), list(largest.level[largest.speedup.isna()])
    legend = alt.Legend(title=None, orient="top", columns=4, values=list(data.level))
    colour = alt.Color("level:N", sort=levels, scale=level_scale(levels), legend=legend)
    drawn = []
    for column, (title, form) in panels.items():
        forgotten = estimate(data, column, sign=form.startswith("+"))
        said = [
            f"{level}: {speed} as fast; {title}: {each}"
            for level, speed, each in zip(data.level, times(data, "speedup"), forgotten, strict=True)
        ]
        base = alt.Chart(data.assign(said=said)).encode(x=speed_axis(), color=colour)
        rules, y = marks(base, column, title, form)
        layers = [
            *rules,
            base.mark_point(filled=True, size=80, opacity=1).encode(y=y, description="said:N"),
            alt.Chart(data).mark_rule(color="#555555").encode(y=alt.datum(0)),
        ]
        drawn.append(alt.layer(*layers).properties(width=size[0], height=size[1]))
    first = largest.iloc[0]
    about = [f"batches of {first.batch_size}", f"n = {first.examples} test images"]
    about[1] += f", K = {first.models} models a level" if "models" in table else ""
    subtitle = [
        "; ".join(about),
        f"bars: {coverage(table)} intervals {intervals}" + (f"; {', '.join(untimed)}: not timed" if untimed else ""),
    ]
    return (
        alt.hconcat(*drawn, spacing=28)
        .resolve_scale(color="shared")
        .properties(title=alt.Title("What the speed costs", subtitle=subtitle))
    )
