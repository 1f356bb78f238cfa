"""Locks on open files that hold between processes and end with theirs, on systems of either kind."""

from __future__ import annotations

import os
import time

try:
    import fcntl
except ImportError:  # Windows, whose own locks take its place
    fcntl = None
    import msvcrt

_FAR_BEHIND = 1 << 30  # Windows locks bytes, and lets nobody read them: one behind all that is written
_SECONDS_BETWEEN = 0.1


def try_lock(descriptor: int) -> bool:
    """Whether an open file is now this process's own, until it is closed or the process ends.

    Raises
    ------
    OSError
        Where the file's disk knows no locks.
    """
    try:
        if fcntl:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            os.lseek(descriptor, _FAR_BEHIND, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    except BlockingIOError:
        return False
    except PermissionError:  # how Windows says that another process has it
        if fcntl:
            raise
        return False
    return True


def wait_for_lock(descriptor: int) -> None:
    """Wait until an open file is this process's own; as ``try_lock`` otherwise."""
    while not try_lock(descriptor):
        time.sleep(_SECONDS_BETWEEN)
