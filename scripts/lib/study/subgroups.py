"""The groups of test images that a study asks for, as far as it can be said without knowing the images."""

from scripts.lib.jobs.errors import InputError

AND = " & "

# One entry of config key `audit.subgroups`: a column, the bins of a column, or several of the entries before it.
Entry = str | dict | list


def check_subgroups(subgroups: list[Entry]) -> None:
    """Raise InputError for entries that say nothing, repeat another, or combine what is not there."""
    names: list[str] = []
    for position, entry in enumerate(subgroups):
        here = f"config key `audit.subgroups[{position}]`"
        if isinstance(entry, dict):
            _check_bins(here, entry)
        elif isinstance(entry, list):
            if len(entry) < 2 or not all(isinstance(part, str) for part in entry):
                raise InputError(f"{here} is {entry}: to combine columns, name two or more of them.")
            missing = [part for part in entry if part not in names]
            if missing:
                raise InputError(
                    f"{here} combines `{missing[0]}`, which no entry before it names: put it on a line of its own first."
                )
        elif not isinstance(entry, str) or not entry:
            raise InputError(f"{here} is {entry!r}: it must be a column, {{column: …, bins: …}} or a list of columns.")
        if name_of(entry) in names:
            raise InputError(f"{here} repeats `{name_of(entry)}`: remove the repetition.")
        names.append(name_of(entry))


def _check_bins(here: str, entry: dict) -> None:
    if set(entry) != {"column", "bins"} or not isinstance(entry["column"], str):
        raise InputError(f"{here} is {entry}: it must have `column` and `bins` and nothing else.")
    bins = entry["bins"]
    if not isinstance(bins, int) or isinstance(bins, bool) or not 2 <= bins <= 100:
        raise InputError(f"{here}: `bins` is {bins!r}: it must be a whole number from 2 to 100.")


def name_of(entry: Entry) -> str:
    """What a grouping is called."""
    if isinstance(entry, list):
        return AND.join(entry)
    return entry["column"] if isinstance(entry, dict) else entry
