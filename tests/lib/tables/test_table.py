"""Tables on disk: what is written is what is read."""

import math

import pandas as pd
import pytest

from scripts.lib.jobs.errors import InputError
from scripts.lib.tables.table import coverage, load_table, save_table


def test_names_stay_names_and_numbers_numbers(tmp_path):
    table = pd.DataFrame({"level": ["NaN", "a,b"], "class": ["7", ""], "p": [1e-21, math.nan], "pie": [True, False]})
    save_table(tmp_path / "x.csv", table)
    read = load_table(tmp_path / "x.csv")
    assert read.level.tolist() == ["NaN", "a,b"] and read["class"].tolist() == ["7", ""]
    assert read.p[0] == 1e-21 and math.isnan(read.p[1]) and read.pie.tolist() == [True, False]
    assert (tmp_path / "x.csv").read_text() == 'level,class,p,pie\nNaN,7,1e-21,True\n"a,b",,NaN,False\n'


def test_zero_has_no_sign(tmp_path):
    save_table(tmp_path / "x.csv", pd.DataFrame({"level": ["a"], "change": [-0.0], "n": [0]}))
    assert (tmp_path / "x.csv").read_text() == "level,change,n\na,0,0\n"


def test_a_damaged_table_is_named(tmp_path):
    (tmp_path / "x.csv").write_text("")
    with pytest.raises(InputError, match=r"x.csv cannot be read"):
        load_table(tmp_path / "x.csv")


def test_coverage():
    assert coverage(pd.DataFrame({"significance": [0.05]})) == "95 %"
    assert coverage(pd.DataFrame({"significance": [0.001]})) == "99.9 %"
