"""Closes descriptors of files that the test may have locked.

A record lock (``fcntl.lockf``, or that of SQLite) belongs to a process, which loses it as soon as any
descriptor of the file is closed, whoever has opened it: fcntl(2). So one of a file that is locked is closed
when it no longer is.
"""

from __future__ import annotations

import fcntl
import os
import struct
import sys
from typing import Final

from ..genuine import close, threading

_FLOCK: Final = struct.Struct("@hhqqi0q")
"""``struct flock`` of Linux: kind, from where, start, length, process."""

_WHOLE: Final = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
_ASK: Final = getattr(fcntl, "F_OFD_GETLK", None) if sys.platform == "linux" else None
"""A lock of an open file would be in the way of those of its own process, too: so these are told of as well.

Elsewhere nothing tells, and a descriptor is closed at once.
"""

_kept: list[int] = []
_lock = threading.Lock()


def shut(fd: int) -> None:
    """Close ``fd``, or as soon as no lock goes with it; what was kept for that goes as well."""
    if is_locked(fd):
        with _lock:
            _kept.append(fd)
    else:
        close(fd)
    if _kept:
        shut_kept()


def shut_kept() -> None:
    """Close what was kept for a lock that is gone now."""
    with _lock:
        kept, _kept[:] = _kept[:], []
        for fd in kept:
            if is_locked(fd):
                _kept.append(fd)
            else:
                close(fd)


def is_locked(fd: int) -> bool:
    """Whether anybody has a record lock on a part of this file, this process too."""
    if _ASK is None:
        return False
    try:
        told = fcntl.fcntl(fd, _ASK, _WHOLE)
    except OSError:
        # A file system that has no locks.
        return False
    return bool(_FLOCK.unpack(told)[0] != fcntl.F_UNLCK)
