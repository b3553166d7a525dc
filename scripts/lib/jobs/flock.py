"""The kernel's lock on an open file, and what file systems say that have none."""

import errno
import fcntl
from pathlib import Path

# Lustre as it is mounted by default; NFS whose lock service is off; other network file systems (flock(2), mount.lustre(8), nfs(5)).
NO_FLOCK = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)
# Options of a mount with which a lock is granted, but to the processes of this node only (mount.lustre(8), nfs(5)).
LOCAL_ONLY = {"localflock", "nolock", "local_lock=flock", "local_lock=all"}


def flock(descriptor: int, operation: int) -> bool:
    """fcntl.flock, or False where the file system has no such lock; other errors are raised, BlockingIOError above all."""
    try:
        fcntl.flock(descriptor, operation)
    except OSError as error:
        if error.errno not in NO_FLOCK:
            raise
        return False
    return True


def reaches_other_nodes(folder: Path, mounts: str) -> bool:
    """Whether a lock in a folder is seen from other nodes, as far as the mount's options tell; mounts: what /proc/self/mounts holds."""
    path, found = folder.resolve(), (0, "")  # parts of the mount point, options
    for line in mounts.splitlines():
        _, point, _, options, *_ = line.split(" ")
        # The kernel writes blanks and the like as octal numbers (proc(5)).
        point = Path(point.encode().decode("unicode_escape"))
        if path.is_relative_to(point) and len(point.parts) >= found[0]:
            found = (len(point.parts), options)  # of mounts on one point the last covers the others
    return not LOCAL_ONLY & set(found[1].split(","))
