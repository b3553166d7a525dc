"""A population is K models that differ only in their seed; a cohort is the slice of it that one job trains and evaluates."""


def cohorts(models: int, size: int) -> list[str]:
    """Names of the cohorts of K models: `000-009`, `010-019`, … More models mean more cohorts, and full ones stay as they are."""
    return [cohort_name(range(first, min(first + size, models))) for first in range(0, models, size)]


def cohort_name(seeds: range) -> str:
    """`000-009` for seeds 0 to 9."""
    return f"{seeds[0]:03d}-{seeds[-1]:03d}"


def seeds_of(cohort: str) -> range:
    """The seeds of a cohort by its name."""
    first, last = map(int, cohort.split("-"))
    return range(first, last + 1)
