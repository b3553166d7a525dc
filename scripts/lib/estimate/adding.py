"""From seconds and bytes of single jobs to those of a study."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

MEASURED, PROBED, COMPUTED, UNKNOWN = "measured", "probed", "computed", "unknown"


@dataclass(frozen=True)
class Seconds:
    """A time with the range that it was seen in, and how it is known."""

    value: float
    low: float
    high: float
    how: str  # MEASURED, PROBED, COMPUTED or UNKNOWN
    repeats: int  # jobs, steps or batches that were timed

    def times(self, count: float) -> "Seconds":
        """So many of it."""
        return Seconds(self.value * count, self.low * count, self.high * count, self.how, self.repeats)

    def after(self, other: "Seconds") -> "Seconds":
        """Both, one after the other; known as this one is."""
        return Seconds(self.value + other.value, self.low + other.low, self.high + other.high, self.how, self.repeats)


def seen(times: Iterable[float], how: str) -> Seconds:
    """The mean of some times, and the shortest and the longest of them; ValueError if there are none."""
    times = list(times)
    if not times:
        raise ValueError("a time that was never taken has no mean")
    return Seconds(math.fsum(times) / len(times), min(times), max(times), how, len(times))


def computed(seconds: float) -> Seconds:
    """A time that follows from others."""
    return Seconds(seconds, seconds, seconds, COMPUTED, 0)


NOT_KNOWN = Seconds(math.nan, math.nan, math.nan, UNKNOWN, 0)


@dataclass(frozen=True)
class Entry:
    """One kind of job."""

    rule: str
    what: str
    jobs: int
    a_job: Seconds
    bytes: float  # of all that the jobs write and keep
    on_gpu: bool

    @property
    def seconds(self) -> float:
        """Of all jobs together, one after the other; 0 where it is not known."""
        return 0.0 if math.isnan(self.a_job.value) else self.jobs * self.a_job.value


def share(part: float, whole: float) -> float:
    """part / whole, and 0 of nothing."""
    return part / whole if whole else 0.0


def wall_seconds(entries: list[Entry], cores: int) -> float:
    """The least time that a study can take: cores and the one GPU are never idle, and no job is faster than the longest.

    A job takes one core, and the GPU too where it is `on_gpu`.
    """
    known = [entry for entry in entries if entry.seconds]
    everything = math.fsum(entry.seconds for entry in known) / cores
    of_gpu = math.fsum(entry.seconds for entry in known if entry.on_gpu)
    return max([everything, of_gpu, *(entry.a_job.value for entry in known)])


def duration(seconds: float) -> str:
    """`45 s`, `12.5 min`, `3.2 h` or, from 100 hours, `5.1 days`; `?` where it is not known."""
    if math.isnan(seconds):
        return "?"
    for limit, unit, name in ((100, 1, "s"), (6_000, 60, "min"), (360_000, 3600, "h"), (math.inf, 86_400, "days")):
        if seconds < limit:
            return f"{seconds / unit:.3g} {name}"
    raise ValueError(f"{seconds} is no duration")


def size(count: float) -> str:
    """Bytes in the decimal unit that reads best: `512 B`, `3.2 kB`, `1.5 GB`."""
    for name in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {name}"
        count /= 1000
    return f"{count:.3g} TB"
