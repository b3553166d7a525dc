"""The plan as text for a terminal: what the study shows at best, and what would show more."""

import math

import pandas as pd

from scripts.lib.pages.vocabulary import UNDEFINED
from scripts.lib.tables.plan import EXCESS, IMAGES_ASKED, MODELS_ASKED, SMALLEST

BRACKETS = "Brackets: what the smallest excess may be, because so few models tell how much models differ (95 %). "
HOW_TO_READ = {
    True: (
        "Shown means the report's verdict: the {coverage} interval of the excess over images and models leaves 0 out, at the significance that Holm's "
        "first step leaves to each level. {brackets}The error of images falls with the square root of n, and slowly with K, as fewer images stay undecided; that of models with the square root "
        "of K only. An excess is of populations of K models, and the same compression has a larger one the larger K is. With three to five models "
        "the test of the votes rejects less often than the interval, so fewer are shown than these rows say."
    ),
    False: (
        "Shown means that the exact McNemar test of these two files rejects at {significance:g}, not adjusted for the number of levels. It sees only "
        "images that one file gets right and the other does not; another compression of the same network may have more or fewer of them."
    ),
}


def page(study: str, table: pd.DataFrame, notes: list[str]) -> str:
    """Markdown from the rows of plan.csv; notes: sentences on what the plans were made from, or lack."""
    parts = [f"# Plan of {study}"]
    for level, rows in table.groupby("level", sort=False):
        (own,) = rows[rows.this_study].itertuples()
        parts += [f"## {level}", _at_best(own), *_grid(rows, own.models), *_wanted(rows, own.models)]
    first = table.iloc[0]
    how = HOW_TO_READ[first.shown == EXCESS].format(
        coverage=f"{100 * (1 - first.significance):g} %",
        significance=first.significance,
        brackets=BRACKETS if first.known_models else "",
    )
    parts.append(how)
    parts += [" ".join(notes)] if notes else []
    return "\n\n".join(parts) + "\n"


def _at_best(own) -> str:
    """What the study as it is shows, from the row of its own numbers."""
    known = "" if own.known_models else " (assumed)"
    with_models = f"K = {own.models:.0f} models of each level and " if own.shown == EXCESS else ""
    said = f"With {with_models}n = {own.examples:,.0f} test images"
    if math.isnan(own.change):
        return f"{said} no {own.shown} is shown with {100 * own.power:g} % power: there is too little to tell it from chance{known}."
    apart = (
        f" {100 * own.discordance:.1f} % of the images are right in one of the two files only."
        if own.discordance >= 0
        else ""
    )
    sentence = f"{said} the smallest {own.shown} that is shown with {100 * own.power:g} % power is {_points(own, ' points')}{known}.{apart}"
    if own.shown != EXCESS or not own.se_models:
        return sentence
    larger, remedy = (
        ("models", "more models help most") if own.se_models > own.se_images else ("images", "more images help most")
    )
    return f"{sentence} Most of its error is that of {larger}: {remedy}."


def _grid(rows: pd.DataFrame, models: float) -> list[str]:
    """The smallest change for each K and n, as a table."""
    smallest = rows[rows.asked == SMALLEST]
    if smallest.models.nunique() == 1:
        cells = [(f"{row.examples:,.0f}", _points(row)) for row in smallest.itertuples()]
        return [
            "The smallest change that is shown, by the number of images:",
            _table(("n", "smallest change, in points"), cells),
        ]
    images = sorted(smallest.examples.unique())
    by_place = {(row.models, row.examples): row for row in smallest.itertuples()}
    body = [
        (f"{many:.0f}{' (this study)' if many == models else ''}", *(_points(by_place[many, n]) for n in images))
        for many in sorted(smallest.models.unique())
    ]
    return [
        "The smallest excess that is shown, in points, by K and n:",
        _table(("K", *(f"n = {n:,.0f}" for n in images)), body),
    ]


def _wanted(rows: pd.DataFrame, models: float) -> list[str]:
    """What each wanted change needs, as a table."""
    needed = {asked: rows[rows.asked == asked] for asked in (MODELS_ASKED, IMAGES_ASKED)}
    if needed[IMAGES_ASKED].empty:
        return []
    columns = {"to show, in points": [f"{100 * change:g}" for change in needed[IMAGES_ASKED].change]}
    if len(needed[MODELS_ASKED]):
        columns[f"models, with n = {needed[MODELS_ASKED].examples.iloc[0]:,.0f}"] = [
            _count(many) for many in needed[MODELS_ASKED].models
        ]
        columns[f"images, with K = {models:.0f}"] = [_count(n) for n in needed[IMAGES_ASKED].examples]
    else:
        columns["images"] = [_count(n) for n in needed[IMAGES_ASKED].examples]
    return ["What it takes:", _table(tuple(columns), list(zip(*columns.values(), strict=True)))]


def _points(row, unit: str = "") -> str:
    """`1.21 [1.04, 1.52]`, a dash where nothing is shown."""
    if math.isnan(row.change):
        return UNDEFINED
    ends = "" if math.isnan(row.change_low) else f" [{100 * row.change_low:.2f}, {100 * row.change_high:.2f}]"
    return f"{100 * row.change:.2f}{unit}{ends}"


def _count(value: float) -> str:
    return "none is enough" if math.isnan(value) else f"{value:,.0f}"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [head, tuple("-" * width for width in widths), *rows]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    )
