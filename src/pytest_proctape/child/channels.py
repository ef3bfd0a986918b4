"""The child's side of its streams, on replay: an :class:`Inlet` takes bytes, an :class:`Outlet` gives."""

from __future__ import annotations

import errno
import os
from collections import deque
from collections.abc import MutableSequence
from typing import TYPE_CHECKING, Any

from ..clock import REAL
from ..genuine import select
from ..owned import Owned
from ..tape import Pour, can_pour
from .wiring import MUCH, is_pipe, ready, widen

if TYPE_CHECKING:
    from ..tape import Content
    from .console import PlayedConsole

CHUNK = 1 << 16
GONE = frozenset({errno.EPIPE, errno.ECONNRESET, errno.EIO, errno.EBADF})


class _Channel:
    """A descriptor, borrowed until :meth:`adopt` makes it this object's own."""

    __slots__ = ("_fds", "console", "fd", "waits")

    def __init__(self, fd: int, *, private: bool = False) -> None:
        self.fd = fd
        self._fds: Owned | None = None
        self.console: PlayedConsole | None = None
        """Of a terminal that is left as it says in the end."""
        self.waits = private or is_pipe(fd)
        """It can run empty or full, so somebody has to watch it."""

    def play_into(self, console: PlayedConsole | None) -> None:
        """It is a terminal of the test's own, opened for this child."""
        self.console = console
        self.waits = True

    def adopt(self) -> None:
        """Keep the descriptor past the spawn call."""
        if self._fds is None:
            fds = Owned()
            self.fd, self._fds = fds.duplicate(self.fd), fds

    @property
    def owned(self) -> bool:
        """It is this object's own, and open."""
        return self._fds is not None and self.fd in self._fds

    def close(self) -> None:
        """Let go of it: for the parent, the child has closed the stream."""
        console, self.console = self.console, None
        if console is not None:
            console.close(self.fd)
        self.abandon()

    def abandon(self) -> None:
        """Close the descriptor, if it is one's own. To a forked child nothing else of it is."""
        if self._fds is not None:
            self._fds.close(self.fd)


class Inlet(_Channel):
    """What the child reads.

    Attributes:
        at_end: the parent has closed its side.
    """

    __slots__ = ("_returned", "at_end")

    def __init__(self, fd: int) -> None:
        super().__init__(fd)
        self.at_end = False
        self._returned = b""

    def put_back(self, data: bytes) -> None:
        """Take ``data`` again next time."""
        self._returned = data + self._returned

    def take(self, limit: int) -> bytes:
        """At most ``limit`` bytes; empty when there are none now, or no more (see ``at_end``)."""
        if self._returned:
            data, self._returned = self._returned[:limit], self._returned[limit:]
            return data
        if self.at_end or (self.waits and not ready(self.fd, select.POLLIN)):
            return b""
        try:
            data = REAL.read(self.fd, limit)
        except OSError as error:
            if error.errno not in GONE:
                raise
            data = b""
        if not data:
            self.at_end = True
        return data


class Outlet(_Channel):
    """What the child writes, in order, as far as there is room.

    A broken pipe takes everything: the real writer would have died of it, and where it did, that is
    how its recording ends.

    Attributes:
        closing: nothing comes behind what is queued.
        queue: what is waiting, and how much of it has been written.
    """

    __slots__ = ("_broken", "_pour", "_private", "_writing", "closing", "queue")

    def __init__(self, fd: int, *, private: bool) -> None:
        super().__init__(fd, private=private)
        self.closing = False
        self._broken = self._writing = False
        self.queue: deque[tuple[Content, int]] = deque()
        self._pour: Pour | None = None
        self._private = private
        if private:
            os.set_blocking(fd, False)

    def play_into(self, console: PlayedConsole | None) -> None:
        """As above; its flags are ours, too."""
        super().play_into(console)
        self._private = True

    @property
    def pending(self) -> bool:
        """Something is still waiting for room."""
        return bool(self.queue)

    @property
    def waiting(self) -> int:
        """How many bytes are queued."""
        return sum(content.size - offset for content, offset in self.queue)

    @property
    def broken(self) -> bool:
        """Nobody will ever read what is written."""
        return self._broken

    def add(self, data: Content) -> None:
        """Queue ``data`` behind what is waiting already."""
        queue, added = self.queueing(data)
        queue += added

    def queueing(self, data: Content) -> tuple[MutableSequence[Any], list[Any]]:
        """What ``data`` is to be added to, and as what; to queue it where nothing may be called."""
        return self.queue, [(data, 0)]

    def flush(self) -> bool:
        """Write as much as fits without blocking; whether anything did.

        Raises:
            TapeCorrupt: what is to be written is not what was stored.
        """
        if self._writing:
            # A handler of signals asks, in the middle of what follows. It would write the same once more.
            return False
        self._writing = True
        try:
            return self._flush()
        finally:
            self._writing = False

    def _flush(self) -> bool:
        wrote = False
        while self.queue:
            content, offset = self.queue[0]
            if content.path is not None and self._private and not self._broken and can_pour(self.fd):
                asked, count = content.size - offset, self._pour_out(content)
            else:
                data = content.read(offset, CHUNK)
                asked, count = len(data), self._put(data)
            wrote |= count > 0
            if offset + count == content.size:
                self.queue.popleft()
            else:
                self.queue[0] = (content, offset + count)
            if count < asked:
                break
        return wrote

    def _pour_out(self, content: Content) -> int:
        """Have the system move what it can of the first that is queued, which is in a file."""
        if self._pour is None or self._pour.content is not content:
            self._pour = Pour(content)
        pour = self._pour
        before = pour.offset
        try:
            pour.into(self.fd)
        except OSError as error:
            if error.errno not in GONE:
                raise
            self._broken = True
            pour.offset = content.size
        if before < MUCH <= pour.offset:
            widen(self.fd)
        count = pour.offset - before
        if pour.offset == content.size:
            self._pour = None
        return count

    def _put(self, data: bytes) -> int:
        if self._broken:
            return len(data)
        try:
            if self._private or not self.waits:
                return REAL.write(self.fd, data)
            # The flags of a descriptor that the caller keeps are the caller's, so ask before writing.
            # A pipe that is writable takes PIPE_BUF bytes without blocking: pipe(7).
            if not ready(self.fd, select.POLLOUT):
                return 0
            return self._put_some(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            if error.errno not in GONE:
                raise
            self._broken = True
            return len(data)

    def _put_some(self, data: bytes) -> int:
        done = 0
        while done < len(data) and ready(self.fd, select.POLLOUT):
            done += REAL.write(self.fd, data[done : done + select.PIPE_BUF])
        return done
