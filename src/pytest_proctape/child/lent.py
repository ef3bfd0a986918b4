"""The pipe that a recorded child reads from, and what it leaves there.

A tap reads ahead of the child. What the child has left in the tap when it ends is no input of the child,
or it would be chance whether a child that reads nothing was sent something. Where the pipe is the parent's
own, it is put back there: who else reads it gets the rest. The recording child asks here, for an inward tap.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import sys
import termios
from typing import Final

from ..clock import REAL
from ..errors import UnsupportedSpawn
from ..genuine import select, threading
from ..owned import Owned
from .channels import CHUNK
from .wiring import identity, is_open

WRITING: Final = threading.RLock()
"""Held while a tap writes into a pipe of the parent's, so that nothing comes between what is put back."""

_OPEN = os.open
"""As it was when no tape was active: a test may have a mock in the place of it."""

_in_use: dict[tuple[int, int], LentPipe] = {}


def is_lent(parents: int) -> bool:
    """Whether ``parents`` is a pipe; of a socket nobody can take back what was sent."""
    return stat.S_ISFIFO(os.fstat(parents).st_mode)


class OwnPipe:
    """A pipe that only the child reads from, from the spawn to the end of the child.

    Attributes:
        untaken: bytes that went through the tap, and that the child did not read.
        unsent: what had not gone through when the child read no more.
        spoiled: why the pipe is not what it would be without the recording, ``""`` if it is.
    """

    def __init__(self) -> None:
        """Nothing is left so far."""
        self.untaken = 0
        self.unsent = b""
        self.spoiled = ""
        self._fds = Owned()
        self._kept = -1
        self._over = False

    def keep(self, parents: int) -> None:
        """There is no tap; ``parents`` is the reading end."""
        self._kept = self._fds.duplicate(parents)

    def writer_left(self, _source: int, target: int) -> None:
        """All has gone into the tap; what the child does not read stays there until :meth:`child_ended`."""
        if not self._over:
            with contextlib.suppress(OSError):
                self._kept = self._fds.moved(_again(target, os.O_RDONLY, self._fds))

    def reader_left(self, source: int, target: int, pending: bytes) -> None:
        """The child reads no more; see :class:`LentPipe`."""
        self.untaken = size_of(target)
        with contextlib.suppress(OSError):
            # Nobody else reads it.
            waiting = size_of(source)
            self.unsent = pending + (os.read(source, waiting) if waiting else b"")

    def child_ended(self) -> None:
        """Nobody reads what is in the tap still, unless the child left it to another. May be called again."""
        if self._kept != -1:
            with contextlib.suppress(OSError):
                fds = Owned()
                writer = _again(self._kept, os.O_WRONLY, fds)
                self.release()
                if has_no_reader(writer):
                    self.untaken = size_of(writer)
                fds.close(writer)
        self.release()

    def release(self) -> None:
        """The tape is over, or the child."""
        self._over = True
        self._kept = -1
        self._fds.close_all()

    def abandon(self) -> None:
        """In a forked child: close its copies."""
        self._fds.close_all()


class LentPipe:
    """A pipe of the parent's that a child is given to read from, from the spawn to the end of the child.

    Attributes:
        untaken, spoiled: as those of :class:`OwnPipe`.
    """

    unsent = b""

    def __init__(self, parents: int) -> None:
        """Remember which pipe it is.

        Args:
            parents: the parent's descriptor of it.

        Raises:
            UnsupportedSpawn: another child that is being recorded reads from it.
        """
        self.untaken = 0
        self.spoiled = ""
        self._parents = parents
        self._identity = identity(parents)
        self._over = False
        self._fds = Owned()
        self._kept: tuple[int, int] | None = None
        if self._identity in _in_use:
            raise UnsupportedSpawn(
                "one pipe as the input of two children",
                "which of them gets what is chance; give each its own",
            )
        _in_use[self._identity] = self

    def writer_left(self, source: int, target: int) -> None:
        """All has gone into the tap; what the child does not read stays there until :meth:`child_ended`."""
        if self._over:
            return
        with contextlib.suppress(OSError):
            fds = self._fds
            self._kept = fds.duplicate(source), fds.moved(_again(target, os.O_RDONLY, fds))

    def reader_left(self, source: int, target: int, pending: bytes) -> None:
        """The child reads no more.

        Args:
            source: the parent's pipe.
            target: the end of the tap that we write to.
            pending: what was read from ``source`` and did not fit into the tap.
        """
        with contextlib.suppress(OSError):
            fds = Owned()
            self._put_back(source, _all_of(_again(target, os.O_RDONLY, fds)), pending)
            fds.close_all()
        _in_use.pop(self._identity, None)

    def child_ended(self) -> None:
        """Nobody reads what is in the tap still. May be called again."""
        if self._kept is not None:
            self._put_back(self._kept[0], _all_of(self._kept[1]), b"")
        self.release()

    def release(self) -> None:
        """The tape is over, or the child: nothing is put back any more."""
        self._over = True
        self._kept = None
        self._fds.close_all()
        _in_use.pop(self._identity, None)

    def abandon(self) -> None:
        """In a forked child: close its copies."""
        self._fds.close_all()
        _in_use.pop(self._identity, None)

    def _put_back(self, source: int, passed: bytes, pending: bytes) -> None:
        self.untaken = len(passed)
        if not passed and not pending:
            return
        try:
            with WRITING:
                _prepend(source, passed + pending)
        except OSError:
            if is_open(self._parents) and identity(self._parents) == self._identity:
                self.spoiled = "the test can still read it, and what its child left can't be put back"


def _prepend(fd: int, data: bytes) -> None:
    """Put ``data`` in front of what is in the pipe that ``fd`` is the reading end of."""
    fds = Owned()
    try:
        reader, writer = _again(fd, os.O_RDONLY, fds), _again(fd, os.O_WRONLY, fds)
        data += _all_of(reader)
        if len(data) > fcntl.fcntl(writer, fcntl.F_GETPIPE_SZ):
            fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, len(data))
        while data:
            data = data[os.write(writer, data) :]
    finally:
        fds.close_all()


def _again(fd: int, mode: int, fds: Owned) -> int:
    """Another descriptor of a pipe, with another mode and flags of its own: Linux opens it anew, proc(5).

    It is one of ``fds``.
    """
    return fds.take(_OPEN, f"/proc/self/fd/{fd}", mode | os.O_NONBLOCK | os.O_CLOEXEC)


def size_of(fd: int) -> int:
    """Bytes that can be read from a terminal, or a pipe of which ``fd`` is any end; 0 if nobody says."""
    with contextlib.suppress(OSError):
        return int.from_bytes(fcntl.ioctl(fd, termios.FIONREAD, bytes(4)), sys.byteorder)
    return 0


def has_no_reader(writer: int) -> bool:
    """Whether all reading ends of a pipe have been closed."""
    poll = REAL.poll()
    poll.register(writer, 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def _all_of(fd: int) -> bytes:
    parts = []
    with contextlib.suppress(BlockingIOError):
        while part := os.read(fd, CHUNK):
            parts.append(part)
    return b"".join(parts)
