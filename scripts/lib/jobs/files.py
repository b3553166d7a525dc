"""Files appear whole or not at all."""

import errno
import glob
import hashlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from scripts.lib.jobs.errors import InputError

# No room on the disk, in the quota, or under the limit of a file's size.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def room_for(path: str | Path) -> Iterator[None]:
    """Turn the error of a full disk, met while `path` is written, into an InputError that names the file."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise InputError(
            f"{path} cannot be written ({os.strerror(error.errno)}): make room and run again; what is finished stays."
        ) from None


def reserve(file: IO[bytes], size: int) -> None:
    """Take the disk space for a file of this many bytes now, so that a disk that is too full says so before the work."""
    if hasattr(os, "posix_fallocate") and size:  # not on macOS
        os.posix_fallocate(file.fileno(), 0, size)


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; when the block ends well, it becomes `path` in one step.

    A block that fails, or a process that is killed, leaves `path` as it was. What a killed process left beside it is removed by
    the next one on the same machine. A full disk raises InputError.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    mine = f".{path.name}.{socket.gethostname()}."
    for left in path.parent.glob(f"{glob.escape(mine)}*"):
        if not _is_running(left.suffix[1:]):
            left.unlink(missing_ok=True)
    beside = path.with_name(f"{mine}{os.getpid()}")
    try:
        with room_for(path):
            yield beside
            with beside.open("rb+") as written:
                os.fsync(written.fileno())
        beside.chmod(0o666 & ~_umask())  # some writers make files that only their owner may read
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _umask() -> int:
    """The permissions that new files do not get."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _is_running(process: str) -> bool:
    """Whether a process of this machine exists; a suffix that is no process id counts as one that does not."""
    try:
        os.kill(int(process), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text with Unix line ends, whole or not at all."""
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8", newline="\n")


def sha256(path: str | Path) -> str:
    """SHA-256 of a file's bytes as 64 hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
