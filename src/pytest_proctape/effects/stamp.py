"""The time by a file system's own clock: what happens later on it has a later change time. The watch asks."""

from __future__ import annotations

import os

from ..genuine import close

_NAMELESS = getattr(os, "O_TMPFILE", 0)


def stamp(folder: str) -> int:
    """The time of the file system that ``folder`` is on, in ns; nothing in it looks different afterwards.

    It is the change time of a file without a name, made for this: open(2), ``O_TMPFILE``. Where there is
    no such thing, that of the directory itself, whose modification time is set to what it is.

    Raises:
        OSError: the directory is gone, or not ours.
    """
    if _NAMELESS:
        try:
            fd = os.open(folder, _NAMELESS | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        except OSError:
            pass  # EOPNOTSUPP, EISDIR or EROFS, as the file system has it; or no right to write
        else:
            try:
                return os.fstat(fd).st_ctime_ns
            finally:
                close(fd)
    status = os.stat(folder)
    os.utime(folder, ns=(status.st_atime_ns, status.st_mtime_ns))
    return os.lstat(folder).st_ctime_ns
