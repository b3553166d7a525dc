"""The words that pages share: how a percentage, a p-value or an estimate with its interval is written.

Differences of percentages are in points.
"""

import math

import pandas as pd

CLEAREST = 12  # rows of each level on a page that lists examples
UNDEFINED = "–"

# Tie rule -> what it makes of the modal label of an image.
TIES = {
    "largest": "of equally frequent labels the largest counts",
    "smallest": "of equally frequent labels the smallest counts",
    "excluded": "an image on which either population has equally frequent labels is no PIE",
}


class Quantity(str):
    """A number as a reader sees it, and with it the number as its table has it.

    Only what is in the file as it stands is one; str() makes plain text of it.

    exact: the value, and the ends of its interval where it has one, as save_table writes them, with spaces between.
    """

    exact: str

    def __new__(cls, shown: str, *values: float):
        """shown: what the reader sees."""
        made = super().__new__(cls, shown)
        made.exact = " ".join(f"{value + 0.0:.6g}" for value in values)
        return made


def percent(value: float, low: float | None = None, high: float | None = None, sign: bool = False) -> str:
    """`5.4 % [4.6, 6.3]`, or `+5.2 points [+4.2, +6.2]` with `sign`, for a difference of two percentages.

    A dash where the value is undefined, and no brackets where there is no interval.
    """
    if math.isnan(value):
        return UNDEFINED
    known = low is not None and high is not None and not (math.isnan(low) or math.isnan(high))
    form = "+.1f" if sign else ".1f"
    first, *ends = (f"{round(100 * each, 1) + 0.0:{form}}" for each in ((value, low, high) if known else (value,)))
    shown = f"{first} {'points' if sign else '%'}"
    return Quantity(f"{shown} [{', '.join(ends)}]", value, low, high) if known else Quantity(shown, value)


def number(value: float, low: float | None = None, high: float | None = None, sign: bool = False) -> str:
    """`0.231 [0.225, 0.237]`, or `+0.052 [+0.041, +0.063]` with `sign`; a dash and no brackets as in `percent`."""
    if math.isnan(value):
        return UNDEFINED
    known = low is not None and high is not None and not (math.isnan(low) or math.isnan(high))
    first, *ends = (
        f"{round(each, 3) + 0.0:{'+.3f' if sign else '.3f'}}" for each in ((value, low, high) if known else (value,))
    )
    return Quantity(f"{first} [{', '.join(ends)}]", value, low, high) if known else Quantity(first, value)


def count(value: float) -> str:
    """A number of things, or a dash where it is undefined."""
    return UNDEFINED if math.isnan(value) else f"{value:.0f}"


def p_value(p: float) -> str:
    """Three decimals, or the power of ten below that."""
    if math.isnan(p):
        return UNDEFINED
    return Quantity(f"{p:.3f}" if p >= 0.001 else f"{p:.0e}", p)


def estimate(table: pd.DataFrame, name: str, sign: bool = False) -> list[str]:
    """A column of shares with its `_low` and `_high`, each row as `percent` writes it."""
    return [percent(*values, sign=sign) for values in _with_ends(table, name)]


def estimated_number(table: pd.DataFrame, name: str, sign: bool = False) -> list[str]:
    """A column of numbers with its `_low` and `_high`, each row as `number` writes it."""
    return [number(*values, sign=sign) for values in _with_ends(table, name)]


def times(table: pd.DataFrame, name: str) -> list[str]:
    """A column of ratios with its `_low` and `_high`: `1.80x [1.70, 1.90]`."""
    return [
        UNDEFINED
        if math.isnan(value)
        else Quantity(f"{value:.2f}x".replace("inf", "∞"), value)
        if math.isnan(low)
        else Quantity(f"{value:.2f}x [{low:.2f}, {high:.2f}]".replace("inf", "∞"), value, low, high)
        for value, low, high in _with_ends(table, name)
    ]


def _with_ends(table: pd.DataFrame, name: str) -> zip:
    return zip(table[name], table[f"{name}_low"], table[f"{name}_high"], strict=True)


def among(numbers: pd.Series) -> str:
    """`30`, or `10 to 30` where the rows differ: levels that were brought may have fewer models than others."""
    low, high = numbers.min(), numbers.max()
    return f"{low}" if low == high else f"{low} to {high}"


def group_name(grouping: str, group: str, role: str = "") -> str:
    """A group of planted.csv as a reader is told of it."""
    name = group.replace("_", " ")
    if grouping.startswith("class_frequency"):
        name += " classes" + ("" if grouping == "class_frequency" else ", typical images")
    return f"{name} ({role})" if role else name


def sentences(*parts: str) -> str:
    """The parts that are not empty, one after the other: what does not hold for a study is not said of it."""
    return " ".join(filter(None, parts))


def untested(tested: int, classes: int) -> str:
    """How many classes have no test images; nothing where all have some."""
    return "" if tested == classes else f"{classes - tested} of {classes} classes have no test image and no numbers."


def without_margins(shifted: pd.Series) -> str:
    """Why there is no equal loss of logits; nothing where there is one."""
    if not shifted.isna().all():
        return ""
    return "An equal loss of logits is undefined here, because the predictions came without p1, p2 and p_label."
