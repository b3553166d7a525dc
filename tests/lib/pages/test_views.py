"""What a reader sees: numbers with their intervals, and dashes for what is undefined."""

import math

import numpy as np
import pandas as pd

from scripts.lib.pages.views import VIEWS, View, p_value, percent
from scripts.publish.render_tables import markdown


def test_percentages():
    assert percent(0.0543, 0.046, 0.0631) == "5.4 % [4.6, 6.3]"
    assert percent(-0.01, -0.02, 0.003, sign=True) == "-1.0 points [-2.0, +0.3]"
    assert percent(0.5, math.nan, math.nan) == "50.0 %"
    assert percent(math.nan, math.nan, math.nan) == "–"


def test_p_values():
    assert (p_value(0.0437), p_value(3e-9), p_value(math.nan)) == ("0.044", "3e-09", "–")


def test_a_bar_in_a_name_does_not_break_the_page():
    page = markdown(View("Title", "Note.", pd.DataFrame({"level": ["a|b"]})), "Study.")
    assert page.startswith("# Title\n\nNote.\n\n") and "a\\|b" in page


def test_the_clearest_pies_are_shown_and_all_are_counted():
    n = 30
    table = pd.DataFrame(
        {
            "example": [f"test/{i:02d}" for i in range(n)],
            "level": "m",
            "label": 1,
            "dense_modal": 1,
            "dense_votes": np.arange(n) % 10,
            "dense_models": 10,
            "level_modal": 2,
            "level_votes": np.arange(n) % 10,
            "level_models": 10,
            "pie": np.arange(n) < 20,
        }
    )
    view = VIEWS["pies"](table)
    assert list(view.cells.example[:3]) == ["test/09", "test/19", "test/08"]
    assert view.cells["dense says"].iloc[0] == "1 (9 of 10)"
    assert "all 20 of 30 judgements" in view.note
