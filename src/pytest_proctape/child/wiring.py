"""The descriptors of a child, as the parent named them, and small things one can do with a descriptor."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..clock import REAL
from ..frozen import NOTHING, Value
from ..genuine import close, socket
from ..owned import HIGH, Owned
from ..tape import SpawnError

if TYPE_CHECKING:
    from .ears import Ends

MUCH = 1 << 20
WIDE = 1 << 18
"""Bytes: of an output of which so many have been read, this many are under way from then on."""


class Wiring(Value):
    """Which descriptors *of the parent* the child gets as its own.

    Attributes:
        inputs: child's descriptor to parent's, for what the child reads; 0 is missing when inherited.
        outputs: child's descriptor to parent's, for what the child writes. Inherited ones are there as
            themselves (``{1: 1}``) unless the parent has no such descriptor.
        private: parent's descriptors that nobody else will use once the spawn call has returned, so
            that their flags may be changed (the child's ends of ``stdout=PIPE``).
        ends: the other ends of these, where nobody but us has them; see :mod:`.ears`.
    """

    inputs: Mapping[int, int] = NOTHING
    outputs: Mapping[int, int] = NOTHING
    private: frozenset[int] = frozenset()
    ends: Ends | None = None


class Started(Value):
    """What became of a spawn: a pid that can be waited for, or why there is none."""

    pid: int
    error: SpawnError | None = None


def is_pipe(fd: int) -> bool:
    """A pipe, FIFO or socket: something that can run empty and be closed from the other side."""
    mode = os.fstat(fd).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def is_regular(fd: int) -> bool:
    """A regular file."""
    return stat.S_ISREG(os.fstat(fd).st_mode)


def can_be_led_past(fd: int) -> bool:
    """Whether what is written to ``fd`` goes somewhere, and through a tap as well as directly.

    Devices do what they do by themselves (``/dev/full``), and what can't be written to is for the child to
    find out.
    """
    mode = os.fstat(fd).st_mode
    if fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
        return False
    return not stat.S_ISCHR(mode) or os.isatty(fd)


def is_device(fd: int) -> bool:
    """A character device, ``/dev/zero`` say, or a terminal."""
    return stat.S_ISCHR(os.fstat(fd).st_mode)


def is_open(fd: int) -> bool:
    """Whether the parent has such a descriptor."""
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def identity(fd: int) -> tuple[int, int]:
    """Of the file or pipe behind ``fd``: descriptors of the same one have the same."""
    status = os.fstat(fd)
    return (status.st_dev, status.st_ino)


def out_of_the_way(fd: int) -> int:
    """A duplicate of ``fd`` with a high number; ``fd`` stays open.

    The next descriptor that the test opens has the number that it would have without us: programs are
    told such numbers (``--status-fd 7``, ``/dev/fd/7``), and the tape has them.
    """
    try:
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, HIGH)
    except OSError:
        fds = Owned()
        return fds.given(fds.duplicate(fd), int)


def moved(fd: int) -> int:
    """``fd`` itself, under a high number."""
    try:
        return out_of_the_way(fd)
    finally:
        close(fd)


def same_kind_of_pipe(fd: int, fds: Owned) -> tuple[int, int]:
    """A new ``(read end, write end)`` in ``fds``: a socket pair where ``fd`` is a socket, else a pipe."""
    reader, writer = fds.socket_pair() if stat.S_ISSOCK(os.fstat(fd).st_mode) else fds.pair(os.pipe)
    return fds.moved(reader), fds.moved(writer)


def widen(fd: int) -> None:
    """Let the pipe ``fd`` hold :data:`WIDE` bytes: somebody reads much, and larger pieces cost less."""
    # It is no pipe, or there may be none as large; the numbers are Linux's.
    with contextlib.suppress(OSError, AttributeError):
        if fcntl.fcntl(fd, fcntl.F_GETPIPE_SZ) < WIDE:
            fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, WIDE)


def shut_for_writing(fd: int) -> None:
    """Tell the other side of the socket ``fd`` that nothing more comes; it may still answer."""
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(fd)) as one:
        one.shutdown(socket.SHUT_WR)


def is_socket(fd: int) -> bool:
    """A socket, which can be read and written."""
    return stat.S_ISSOCK(os.fstat(fd).st_mode)


def ready(fd: int, event: int) -> bool:
    """Whether ``fd`` can be read (``select.POLLIN``) or written (``select.POLLOUT``) without blocking."""
    poll = REAL.poll()
    poll.register(fd, event)
    return bool(poll.poll(0))


def close_quietly(fd: int) -> None:
    """Close a descriptor that may be gone already (a forked child closed it, say)."""
    try:
        close(fd)
    except OSError:
        return
