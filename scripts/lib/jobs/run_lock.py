"""One snakemake at a time in a folder, without leaving a lock behind when it is killed.

Snakemake's own lock is a file that outlives a `kill -9` and then has to be removed by hand. The kernel frees this one with the
process that holds it.
"""

import fcntl
import os
from pathlib import Path

from scripts.lib.jobs.errors import InputError


def take_run_lock(folder: Path) -> int:
    """Hold the folder's lock for the life of this process and return its file descriptor; InputError if another process has it."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / "lacuna.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise InputError(
            f"another snakemake is running in {folder.resolve().parent}: wait until it ends, or stop it."
        ) from None
    return descriptor
