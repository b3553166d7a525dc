"""The edge between a rule and its script: everything the script prints goes to the rule's log, and errors are one sentence."""

import fcntl
import gc
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.flock import flock


@contextmanager
def logged(log: str) -> Iterator[None]:
    """Send standard output and error to `log`, line by line; name the log when the job fails.

    The log of a job that fails ends in a sentence if the error is an InputError, and in a traceback otherwise; the workflow shows
    the one or the other (scripts/lib/jobs/terminal.py). A job outlives a snakemake that is killed. If it is then started again, the new
    one waits for the old one here, so that what the new one writes is what stays.
    """
    path = Path(log)
    path.parent.mkdir(parents=True, exist_ok=True)
    terminal = sys.stderr
    with path.with_name(f".{path.name}.lock").open("w") as lock:
        waited = flock(lock.fileno(), fcntl.LOCK_EX)
        file = path.open("w", encoding="utf-8", buffering=1)
        sys.stdout = sys.stderr = file
        if not waited:
            print("this file system has no flock, so a job of an earlier run that still does this is not waited for.")
        try:
            yield
        except Exception as error:
            expected = isinstance(error, InputError)
            said = f"error: {_one_line(error)}" if expected else traceback.format_exc().rstrip()
            try:
                print(said, file=file)
            except OSError:  # the disk may be full
                print(f"{said} (log: {path})", file=terminal)
            sys.exit(1)
        finally:
            sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
            with suppress(OSError):
                file.close()
            gc.freeze()  # as it exits Python would search all that was imported for garbage: with torch 0.2 s


def _one_line(error: InputError) -> str:
    """A sentence as one line; what another library said in it may have more."""
    return " ".join(line.strip() for line in str(error).splitlines())


class Progress:
    """One line for each finished part, with the time that remains."""

    def __init__(self, total: int, unit: str) -> None:
        self.total, self.unit, self.done, self.start = total, unit, 0, time.monotonic()

    def step(self, what: str) -> None:
        """Report that one more part is done."""
        self.done += 1
        elapsed = time.monotonic() - self.start
        left = elapsed / self.done * (self.total - self.done)
        print(
            f"{self.unit} {self.done} of {self.total}: {what}; {elapsed:.0f} s so far, about {left:.0f} s left",
            flush=True,
        )


class ImageProgress:
    """A bar with images per second and the time that remains: in the log every second, on the terminal every half minute."""

    LOG, TERMINAL, WIDTH = 1.0, 30.0, 20  # seconds, seconds, characters

    def __init__(self, total: int, what: str) -> None:
        self.total, self.what, self.done = total, what, 0
        self.start = self.logged = self.shown = time.monotonic()

    def advance(self, images: int) -> None:
        """Report that some more images are done."""
        self.done += images
        now = time.monotonic()
        if self.done == self.total or now - self.logged >= self.LOG:
            self.logged = now
            print(self.line(now - self.start), flush=True)
        if now - self.shown >= self.TERMINAL:
            self.shown = now
            print(self.line(now - self.start), file=sys.__stderr__, flush=True)

    def line(self, elapsed: float) -> str:
        """What is shown after so many seconds."""
        share, rate = self.done / self.total, self.done / max(elapsed, 1e-9)
        bar = "#" * int(share * self.WIDTH)
        return (
            f"{self.what}: [{bar:.<{self.WIDTH}}] {self.done:,} of {self.total:,} images, {rate:,.0f} images/s, "
            f"about {clock((self.total - self.done) / rate)} left"
        )


def clock(seconds: float) -> str:
    """A time that remains, in the unit that reads best."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
