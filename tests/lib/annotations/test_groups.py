"""Groups of images: by values, by bins, by both; and what a study may say of them."""

import numpy as np
import pytest

from scripts.lib.annotations.column import CATEGORY, FACTOR, NUMBER, Column
from scripts.lib.annotations.groups import groupings_of
from scripts.lib.jobs.errors import InputError
from scripts.lib.study.subgroups import check_subgroups

COLUMNS = {
    "kind": Column("kind", CATEGORY, np.array(["a", "b", "b", None, "b", "a"], dtype=object)),
    "male": Column("male", FACTOR, np.array([1.0, 0.0, 1.0, np.nan, 0.0, 0.0])),
    "size": Column("size", NUMBER, np.array([3.0, 1.0, 1.0, 2.0, np.nan, 9.0])),
}


def members(grouping):
    return {group: np.flatnonzero(grouping.members(group)).tolist() for group in grouping.groups}


def test_groups_are_values_the_largest_first_and_the_unknown_are_in_none():
    kind, male = groupings_of(COLUMNS, ["kind", "male"])
    assert list(members(kind).items()) == [("b", [1, 2, 4]), ("a", [0, 5])]
    assert members(male) == {"male": [0, 2], "not male": [1, 4, 5]}


def test_bins_are_named_by_what_is_in_them_and_equal_values_stay_together():
    (halves,) = groupings_of(COLUMNS, [{"column": "size", "bins": 2}])
    assert members(halves) == {"1 to 2": [1, 2, 3], "3 to 9": [0, 5]}
    (many,) = groupings_of(COLUMNS, [{"column": "size", "bins": 50}])
    assert members(many) == {"1": [1, 2], "2": [3], "3": [0], "9": [5]}


def test_bins_of_numbers_with_many_digits_stay_apart():
    seconds = Column("seconds", NUMBER, np.array([1700000001.0, 1700000002.0, 1700000003.0, 1700000004.0]))
    (halves,) = groupings_of({"seconds": seconds}, [{"column": "seconds", "bins": 2}])
    assert list(members(halves).values()) == [[0, 1], [2, 3]]
    assert halves.groups == ["1700000001 to 1700000002", "1700000003 to 1700000004"]


def test_columns_are_combined():
    combined = groupings_of(COLUMNS, ["kind", "male", ["kind", "male"]])[-1]
    assert combined.name == "kind & male"
    assert members(combined) == {"b & male": [2], "b & not male": [1, 4], "a & male": [0], "a & not male": [5]}


def test_a_column_that_knows_nothing_has_no_groups():
    (nothing,) = groupings_of({"x": Column("x", NUMBER, np.full(3, np.nan))}, [{"column": "x", "bins": 2}])
    assert nothing.groups == [] and nothing.group.tolist() == [None] * 3


@pytest.mark.parametrize(
    "entries, sentence",
    [
        (["size"], "names `size`, which is a number: write {column: size, bins: 4}, say."),
        ([{"column": "kind", "bins": 2}], "asks for bins of `kind`, which is no number"),
        (["age"], "names the column `age`, which the test images do not have: there are kind, male, size."),
    ],
)
def test_what_cannot_be_grouped(entries, sentence):
    with pytest.raises(InputError) as error:
        groupings_of(COLUMNS, entries)
    assert sentence in str(error.value)
    assert groupings_of(COLUMNS, entries, ("size", "kind", "age")) == []  # another job makes them


@pytest.mark.parametrize(
    "entries, sentence",
    [
        (["kind", "kind"], "`audit.subgroups[1]` repeats `kind`: remove the repetition."),
        ([["kind", "male"]], "combines `kind`, which no entry before it names"),
        (["kind", ["kind"]], "to combine columns, name two or more of them."),
        ([{"column": "size", "bins": 1}], "`bins` is 1: it must be a whole number from 2 to 100."),
        ([{"column": "size", "bin": 3}], "it must have `column` and `bins` and nothing else."),
        ([3], "it must be a column, {column: …, bins: …} or a list of columns."),
    ],
)
def test_wrong_entries(entries, sentence):
    with pytest.raises(InputError) as error:
        check_subgroups(entries)
    assert sentence in str(error.value) and "\n" not in str(error.value)
