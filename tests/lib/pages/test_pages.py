"""What a reader sees: numbers with their intervals, and dashes for what is undefined."""

import math

import numpy as np
import pandas as pd

from scripts.lib.pages.all_pages import PAGES
from scripts.lib.pages.markdown import markdown
from scripts.lib.pages.page import Note, Page
from scripts.lib.pages.vocabulary import p_value, percent


def test_percentages():
    assert percent(0.0543, 0.046, 0.0631) == "5.4 % [4.6, 6.3]"
    assert percent(-0.01, -0.02, 0.003, sign=True) == "-1.0 points [-2.0, +0.3]"
    assert percent(0.5, math.nan, math.nan) == "50.0 %"
    assert percent(math.nan, math.nan, math.nan) == "–"


def test_p_values():
    assert (p_value(0.0437), p_value(3e-9), p_value(math.nan)) == ("0.044", "3e-09", "–")


def test_a_bar_in_a_name_does_not_break_the_page():
    page = Page("Title", Note("What.", "", "", ""), pd.DataFrame({"level": ["a|b"]}))
    assert "a\\|b" in markdown(page, "Study.")


def test_how_to_read_a_table_stands_below_it_without_what_is_empty():
    note = Note(what="What.", evidence="This, not that.", brackets="", limits="Not these.")
    text = markdown(Page("Title", note, pd.DataFrame({"level": ["dense"]})), "Study.")
    before, table, after = text.partition("| level   |\n|:--------|\n| dense   |")
    assert table and before == "# Title\n\nWhat.\n\n"
    how = "- **Evidence.** This, not that.\n- **Limits.** Not these."
    assert after == f"\n\nHow to read this:\n\n{how}\n\nStudy.\n"
    assert str(note) == "What. This, not that. Not these."
    note = Note(what="What.", evidence="", brackets="", limits="")
    assert "How to read" not in markdown(Page("Title", note, pd.DataFrame({"level": ["dense"]})), "Study.")


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
    page = PAGES["pies"](table)
    assert list(page.cells.example[:3]) == ["test/09", "test/19", "test/08"]
    assert page.cells["dense says"].iloc[0] == "1 (9 of 10)"
    assert "All 20 PIEs of 30 judgements" in str(page.note)
