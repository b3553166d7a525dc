"""Flat metrics: what becomes a number, and why the rest does not."""

import json
import math
import re

import pandas as pd
import pytest

from scripts.lib.pages.model_card import TABLES
from scripts.lib.study.shared import EXPORTED
from scripts.lib.tables.metrics import ROWS, flat_metrics, plain

NAMES = re.compile(r"[A-Za-z0-9_.\- /]{1,250}")  # what every version of MLflow takes


def test_numbers_are_named_after_table_row_and_column():
    summary = pd.DataFrame(
        {
            "level": ["control", "int8"],
            "pies": [3, 4],
            "excess_rate": [math.nan, 0.5],
            "significance": 0.05,
            "verdict": "exceeds",
            "sure": True,
        }
    )
    numbers, left_out = flat_metrics({"pie_summary": summary, "pies": summary})
    assert numbers == {"pie_summary/control/pies": 3, "pie_summary/int8/pies": 4, "pie_summary/int8/excess_rate": 0.5}
    assert (
        list(left_out) == ["pie_summary/control/excess_rate"] and "page" in left_out["pie_summary/control/excess_rate"]
    )
    json.dumps(numbers, allow_nan=False)


def test_a_table_says_why_numbers_are_undefined():
    table = pd.DataFrame(
        {
            "level": ["a"],
            "corruption": ["all 19"],
            "mce": [math.nan],
            "ce": [math.inf],
            "reason": ["5 of 15 corruptions"],
        }
    )
    numbers, left_out = flat_metrics({"robustness_summary": table})
    assert not numbers
    assert left_out == {
        "robustness_summary/a/all 19/mce": "5 of 15 corruptions",
        "robustness_summary/a/all 19/ce": "infinite",
    }


def test_single_corruptions_are_left_to_the_tables():
    table = pd.DataFrame({"level": "a", "corruption": ["clean", "fog", "all 19"], "error": [0.1, 0.2, 0.3]})
    assert set(flat_metrics({"robustness_summary": table})[0]) == {
        f"robustness_summary/a/{row}/error" for row in ("clean", "all 19")
    }


@pytest.mark.parametrize("name", ["taxicab distance", "a/b", "no: [x]", "..", "Größe"])
def test_names_are_ones_that_a_tracker_takes(name):
    table = pd.DataFrame({"level": ["a"], "score": [name], "mean": [1.0]})
    ((found, _),) = flat_metrics({"score_summary": table})[0].items()
    assert NAMES.fullmatch(found) and found.count("/") == 3 and ".." not in found.split("/")
    assert plain("taxicab distance") == "taxicab distance"


def test_rows_that_cannot_be_told_apart_are_refused():
    table = pd.DataFrame({"level": ["a"], "score": ["x:y"], "mean": [1.0]})
    with pytest.raises(ValueError, match="both called a/x_y"):
        flat_metrics({"score_summary": pd.concat([table, table.assign(score="x;y")])})


def test_the_tables_that_leave_a_study_are_those_that_are_read():
    assert set(EXPORTED) == set(ROWS) | set(TABLES)
