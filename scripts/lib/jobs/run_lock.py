"""One snakemake at a time in a folder, without leaving a lock behind when it is killed.

Snakemake's own lock is a file that outlives a `kill -9` and then has to be removed by hand. The kernel frees this one with the
process that holds it. Where the file system has no such lock, or one that other nodes do not see, a file says who is running
(scripts/lib/jobs/holder.py).
"""

import fcntl
import os
from pathlib import Path

from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.flock import flock, reaches_other_nodes
from scripts.lib.jobs.holder import hold

MOUNTS = Path("/proc/self/mounts")  # of Linux


def take_run_lock(folder: Path) -> int:
    """Hold the folder's lock for the life of this process and return its file descriptor; InputError if another process has it."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / "lacuna.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        locked = flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not locked or (MOUNTS.exists() and not reaches_other_nodes(folder, MOUNTS.read_text())):
            hold(folder / "lacuna.holder")
    except BlockingIOError:
        os.close(descriptor)
        raise InputError(
            f"another snakemake is running in {folder.resolve().parent}: wait until it ends, or stop it."
        ) from None
    except InputError:
        os.close(descriptor)
        raise
    return descriptor
