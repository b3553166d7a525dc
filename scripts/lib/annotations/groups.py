"""Groups of test images by what is known of them: by one column, by the bins of a number, or by several of these at once."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from scripts.lib.annotations.column import CATEGORY, FACTOR, Column
from scripts.lib.jobs.errors import InputError
from scripts.lib.study.subgroups import AND, Entry, name_of

EVERYTHING = "all images"


@dataclass(frozen=True)
class Grouping:
    """Each of N images in one group, or in none where its value is unknown."""

    name: str
    group: np.ndarray  # object[N]: the group's name, or None
    groups: list[str]  # in the order in which they are shown

    def members(self, group: str) -> np.ndarray:
        """Which images are in a group, bool[N]."""
        return self.group == group


def groupings_of(
    columns: dict[str, Column], subgroups: list[Entry], known_later: tuple[str, ...] = ()
) -> list[Grouping]:
    """The groupings that a study names; InputError for a column that is not there or cannot be grouped so.

    known_later: columns that another job makes; what they group is left out here.
    """
    found: dict[str, Grouping] = {}
    for entry in subgroups:
        name = name_of(entry)
        parts = entry if isinstance(entry, list) else [name]
        if any(part in known_later for part in parts):
            continue
        if isinstance(entry, list):
            found[name] = _combined(name, [found[part] for part in entry])
            continue
        if name not in columns:
            raise InputError(
                f"config key `audit.subgroups` names the column `{name}`, which the test images do not have: there are "
                f"{', '.join(sorted(columns))}."
            )
        found[name] = _binned(columns[name], entry["bins"]) if isinstance(entry, dict) else _named(columns[name])
    return list(found.values())


def _named(column: Column) -> Grouping:
    """Groups by the values of a category or factor, the largest first."""
    if column.scale == FACTOR:
        names = {1.0: column.name, 0.0: f"not {column.name}"}
        group = np.array([names.get(value) for value in column.values], dtype=object)
        return Grouping(column.name, group, [name for name in names.values() if (group == name).any()])
    if column.scale != CATEGORY:
        raise InputError(
            f"config key `audit.subgroups` names `{column.name}`, which is a number: write {{column: {column.name}, bins: 4}}, say."
        )
    counts = Counter(value for value in column.values if value is not None)
    return Grouping(column.name, column.values, sorted(counts, key=lambda name: (-counts[name], name)))


def _binned(column: Column, bins: int) -> Grouping:
    """About equally many images in each bin; equal values share a bin, so there may be fewer bins."""
    if column.scale == CATEGORY:
        raise InputError(
            f"config key `audit.subgroups` asks for bins of `{column.name}`, which is no number: name the column alone."
        )
    known = column.values[column.known]
    edges = np.quantile(known, np.arange(1, bins) / bins, method="inverted_cdf") if len(known) else np.array([])
    number = np.searchsorted(np.unique(edges), column.values, side="left")  # an edge is the largest value of its bin
    bins_of = [column.known & (number == bin_number) for bin_number in np.unique(number[column.known])]
    ends = [(float(column.values[members].min()), float(column.values[members].max())) for members in bins_of]
    names = _names_of_bins(ends)
    group = np.full(len(column.values), None, dtype=object)
    for members, name in zip(bins_of, names, strict=True):
        group[members] = name
    return Grouping(column.name, group, names)


def _names_of_bins(ends: list[tuple[float, float]]) -> list[str]:
    """Bins by their smallest and largest value, to six digits or as many as it takes to tell them apart."""
    names: list[str] = []
    for digits in range(6, 18):  # seventeen tell any two numbers apart
        names = [f"{low:.{digits}g}" + (f" to {high:.{digits}g}" if low < high else "") for low, high in ends]
        if len(set(names)) == len(names):
            break
    return names


def _combined(name: str, parts: list[Grouping]) -> Grouping:
    """Groups of images that share a group in each of several groupings; unknown in one of them is unknown."""
    group = np.array(
        [None if None in names else AND.join(names) for names in zip(*(part.group for part in parts), strict=True)],
        dtype=object,
    )
    names = [""]
    for part in parts:
        names = [f"{before}{AND}{after}" if before else after for before in names for after in part.groups]
    return Grouping(name, group, [each for each in names if (group == each).any()])


def everything(images: int) -> Grouping:
    """All images in one group."""
    return Grouping(EVERYTHING, np.full(images, EVERYTHING, dtype=object), [EVERYTHING])
