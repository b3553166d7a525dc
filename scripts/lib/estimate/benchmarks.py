"""How long jobs took in earlier runs: the benchmarks that Snakemake writes."""

import csv
from pathlib import Path

from scripts.lib.jobs.errors import InputError


def seconds_of(folder: str | Path, jobs: list[str]) -> list[float]:
    """Wall-clock seconds (column `s`) of those jobs that were benchmarked, one each; jobs: as files are called in the folder.

    Raises InputError for a file that is no benchmark.
    """
    found = []
    for job in jobs:
        path = Path(folder) / f"{job}.tsv"
        if not path.is_file():
            continue
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        try:
            found.append(float(rows[-1]["s"]))
        except (IndexError, KeyError, TypeError, ValueError):
            raise InputError(f"{path} is no benchmark of Snakemake's: delete it.") from None
    return found
