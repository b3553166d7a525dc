"""The estimate as text for a terminal: what dominates first."""

import math
from itertools import groupby

from scripts.lib.estimate.adding import UNKNOWN, Entry, duration, share, size, wall_seconds

LARGEST = 10  # kinds of jobs that have a row of their own


def page(study: str, entries: list[Entry], cores: int, left_out: list[str]) -> str:
    """Markdown: the sums, a table of the rules and one of what takes most of the time. left_out: phrases for what nobody counted."""
    seconds, disk = math.fsum(entry.seconds for entry in entries), math.fsum(entry.bytes for entry in entries)
    of_gpu = math.fsum(entry.seconds for entry in entries if entry.on_gpu)
    on = f"{cores} core{'s' if cores > 1 else ''}" + (" and one GPU" if of_gpu else "")
    device = f", {duration(of_gpu)} of them on a GPU" if of_gpu else ""
    jobs = sum(entry.jobs for entry in entries)
    unknown = [f"{entry.rule}, {entry.what}" for entry in entries if entry.a_job.how == UNKNOWN]
    rules = [_summed(rule, list(its)) for rule, its in groupby(sorted(entries, key=_rule), key=_rule)]
    rules.sort(key=lambda row: -row[0])
    largest = sorted(entries, key=lambda entry: -entry.seconds)[:LARGEST]
    parts = [
        f"# Estimate of {study}",
        f"{jobs:,} jobs of {duration(seconds)} in all{device}: at least {duration(wall_seconds(entries, cores))} on {on}. At least {size(disk)} "
        "of disk.",
        _table(
            ("rule", "jobs", "time in all", "share", "disk", "share"),
            [
                (rule, f"{count:,}", duration(spent), _percent(spent, seconds), size(kept), _percent(kept, disk))
                for spent, rule, count, kept in rules
            ],
        ),
        f"What takes most of the time, of {len(entries)} kinds of jobs:",
        _table(
            ("job", "jobs", "a job", "shortest to longest", "share", "known by"),
            [
                (
                    f"{entry.rule}: {entry.what}",
                    f"{entry.jobs:,}",
                    duration(entry.a_job.value),
                    f"{duration(entry.a_job.low)} to {duration(entry.a_job.high)}",
                    _percent(entry.seconds, seconds),
                    f"{entry.a_job.how}, n = {entry.a_job.repeats}" if entry.a_job.repeats else entry.a_job.how,
                )
                for entry in largest
            ],
        ),
        "Measured: jobs of earlier runs of this study, from their benchmarks, whatever it said then. Probed: so many steps, batches or rounds on made "
        "images, multiplied up, and the start of the job. Computed: from counts and from the other times. Disk is computed.",
    ]
    if unknown or left_out:
        parts.append(f"Not in these sums: {'; '.join([*unknown, *left_out])}.")
    return "\n\n".join(parts) + "\n"


def _rule(entry: Entry) -> str:
    return entry.rule


def _summed(rule: str, entries: list[Entry]) -> tuple[float, str, int, float]:
    return (
        math.fsum(entry.seconds for entry in entries),
        rule,
        sum(entry.jobs for entry in entries),
        math.fsum(entry.bytes for entry in entries),
    )


def _percent(part: float, whole: float) -> str:
    return f"{share(part, whole):.0%}"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [head, tuple("-" * width for width in widths), *rows]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    )
