"""What a study says of the files that it joins to its test images."""

from pathlib import Path

from scripts.lib.jobs.errors import InputError
from scripts.lib.study.sources import check_trackable, expanded

OF_TABLES = ("id", "columns", "categories")  # keys that only tables have


def joined_files(joins: list[dict]) -> list[str]:
    """The files that a study joins."""
    return [str(expanded(entry["file"])) for entry in joins]


def check_joins(joins: list[dict]) -> None:
    """Raise InputError for joins that share a name, name no file, or have keys that their format does not."""
    names = [entry["name"] for entry in joins]
    for entry, path in zip(joins, joined_files(joins), strict=True):
        here = f"config key `joins`, `{entry['name']}`"
        if names.count(entry["name"]) > 1:
            raise InputError(f"{here}: another join has this name: give it another.")
        if not Path(path).is_file():
            raise InputError(f"{here}: `file` is {entry['file']!r}, and there is no such file: correct the path.")
        check_trackable(here, [path])
        format_ = entry.get("format", "table")
        if format_ == "table" and "id" not in entry:
            raise InputError(f"{here}: `id` is missing: name the column that holds the examples' ids.")
        for key in OF_TABLES:
            if format_ != "table" and key in entry:
                raise InputError(f"{here}: the format {format_} takes no `{key}`: remove it.")
