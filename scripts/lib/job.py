"""The edge between a rule and its script: everything the script prints goes to the rule's log, and errors are one sentence."""

import fcntl
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.lib.errors import InputError


@contextmanager
def logged(log: str) -> Iterator[None]:
    """Send standard output and error to `log`, line by line; name the log when the job fails.

    An InputError is shown as its sentence, anything else with its traceback in the log. A job outlives a snakemake that is
    killed. If it is then started again, the new one waits for the old one here, so that what the new one writes is what stays.
    """
    path = Path(log)
    path.parent.mkdir(parents=True, exist_ok=True)
    terminal = sys.stderr
    with path.with_name(f".{path.name}.lock").open("w") as lock, path.open("a", encoding="utf-8", buffering=1) as file:
        fcntl.flock(lock, fcntl.LOCK_EX)
        file.truncate(0)
        sys.stdout = sys.stderr = file
        try:
            yield
        except InputError as error:
            print(f"error: {error}")
            print(f"error: {error} (log: {path})", file=terminal)
            sys.exit(1)
        except Exception as error:
            traceback.print_exc()
            print(f"error: {type(error).__name__}: {error} (log: {path})", file=terminal)
            sys.exit(1)
        finally:
            sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__


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
