"""A lock for file systems without flock: a file that says which process holds it, made by whoever finds none.

Making a file that must not exist yet is one step on shared file systems too (open(2), O_EXCL). The process removes its file when it
ends. A process that was killed leaves it behind; on the machine where it ran that can be found out, and the next one takes over. From
another machine it cannot, so there the user is told which file to delete.
"""

import atexit
import json
import os
import socket
from pathlib import Path

from scripts.lib.jobs.errors import InputError

PROC = Path("/proc")  # of Linux; elsewhere a process is known by its number only


def me() -> dict[str, str | int | None]:
    """What tells this process from every other: its host, the host's boot, the namespace of its number, the number, when it began."""
    return {
        "host": socket.gethostname(),
        "boot": _text(PROC / "sys/kernel/random/boot_id"),
        "namespace": str((PROC / "self/ns/pid").readlink()) if (PROC / "self/ns/pid").is_symlink() else None,
        "pid": os.getpid(),
        "began": began(os.getpid()),
    }


def began(pid: int) -> str | None:
    """When a process began, in ticks since the machine's start, which tells it from later ones with its number; None if it does not run or cannot be asked."""
    stat = _text(PROC / str(pid) / "stat")
    # The 22nd field, counted from behind the name, which may hold blanks and brackets (proc(5)).
    return stat.rpartition(")")[2].split()[19] if stat else None


def is_dead(holder: dict, here: dict) -> bool:
    """Whether a holder has certainly ended, judged by a process of whom `me` says `here`."""
    if holder["host"] != here["host"]:
        return False
    if holder["boot"] != here["boot"]:
        return True
    if holder["namespace"] != here["namespace"]:
        return False  # a container's processes have numbers of their own
    try:
        os.kill(holder["pid"], 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # it runs, and is another user's
        pass
    return holder["began"] != began(holder["pid"])


def hold(path: Path) -> None:
    """Hold the lock whose file is `path` until this process ends; InputError if another one has it."""
    here = me()
    if not _made(path, here):
        _remove_of_the_dead(path, here)
        if not _made(path, here):
            raise _held(path)
    atexit.register(_release, path, here)


def _remove_of_the_dead(path: Path, here: dict) -> None:
    """Remove the file of a holder that has ended; InputError if it has not. One process at a time, or a second would remove the first one's new file."""
    heir = path.with_name(f"{path.name}.heir")
    if not _is_left(path, here):
        raise _held(path)
    if not _made(heir, here):
        raise _held(heir)
    try:
        if not _is_left(path, here):
            raise _held(path)
        path.unlink(missing_ok=True)
    finally:
        heir.unlink()


def _is_left(path: Path, here: dict) -> bool:
    """Whether no living process holds the file."""
    holder = _read(path)
    return not path.exists() if holder is None else is_dead(holder, here)


def _made(path: Path, here: dict) -> bool:
    """Make the file if there is none."""
    try:
        with path.open("x", encoding="utf-8") as file:
            json.dump(here, file)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        return False
    return True


def _read(path: Path) -> dict | None:
    """Who holds the file; None if it is gone, or not written yet."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None


def _held(path: Path) -> InputError:
    holder = _read(path)
    who = f"process {holder['pid']} on {holder['host']}" if holder else "just started"
    return InputError(
        f"another snakemake is running in {path.resolve().parent.parent} ({who}): wait until it ends, or stop it; "
        f"if it does not run any more, delete {path}."
    )


def _release(path: Path, here: dict) -> None:
    if os.getpid() == here["pid"] and _read(path) == here:
        path.unlink()


def _text(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
