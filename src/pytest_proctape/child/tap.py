"""A tap: one stream of a recorded child, led past us on its way.

The child gets one end of a pipe of ours in place of the parent's descriptor, and what comes through is
passed on at once and noted. At most one chunk is under way, so a slow reader slows its writer down as
it would without the tap, and a reader that leaves is felt by the writer.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from ..clock import REAL
from ..genuine import select, selectors
from ..owned import Owned
from ..tape import STDIN
from .channels import CHUNK
from .lent import WRITING, LentPipe, OwnPipe, has_no_reader
from .moments import Moments, TooSoon
from .pump import PUMP, Stepper
from .wiring import (
    MUCH,
    WIDE,
    is_pipe,
    ready,
    same_kind_of_pipe,
    shut_for_writing,
    widen,
)

_CHUNKS_A_STEP = 32
"""So that a child that never stops writing holds up nobody, and more than a pipe holds."""


def _ignore() -> None:
    """The answers' end says nothing about the input."""


class Tap:
    """Moves bytes from ``source`` to ``target``.

    Attributes:
        fd: the child's descriptor that this is.
        childs: the end that the child gets; ours only until the child is started.
        ended: nothing will come through any more.
        dry: all that was written has come through, and the writer's side is open.
        early: something waits to come through until it may be seen.
        moments: tells when that is, where a mock clock does.
    """

    __slots__ = (
        "_admit",
        "_asks",
        "_before",
        "_busy",
        "_chunk",
        "_fds",
        "_lent",
        "_note",
        "_on_end",
        "_pending",
        "_private",
        "_source",
        "_target",
        "_until_wide",
        "_waits",
        "childs",
        "dry",
        "early",
        "ended",
        "fd",
        "moments",
    )

    def __init__(
        self,
        fd: int,
        parents: int,
        *,
        inward: bool,
        private: bool,
        note: Callable[[bytes], None],
        on_end: Callable[[], None],
        lent: LentPipe | OwnPipe | None = None,
        before: Callable[[], None] | None = None,
        admit: Callable[[bytes], bytes] | None = None,
    ) -> None:
        """Open the tap.

        Args:
            fd: the child's descriptor.
            parents: the descriptor that the parent gave for it; it is duplicated.
            inward: the child reads from it.
            private: nobody but us uses ``parents`` from now on.
            note: called with every chunk when it has been passed on.
            on_end: called when the writer's side has been closed.
            before: called before input, or its end, is passed on.
            lent: the pipe that it reads from, where others may read from it as well.
            admit: says what of a chunk goes further; without it, all.
        """
        self.fd = fd
        self._admit = admit
        self.ended = self.dry = self.early = self._busy = False
        self.moments: Moments | None = None
        self._note = note
        self._on_end = on_end
        self._lent = lent
        self._before = before if inward else None
        self._pending = memoryview(b"")
        self._fds = fds = Owned()
        try:
            reader, writer = same_kind_of_pipe(parents, fds)
            kept = fds.duplicate(parents)
        except BaseException:
            # There are too many, say. Who keeps the error keeps this object with it.
            fds.close_all()
            raise
        self.childs, self._source, self._target = (reader, kept, writer) if inward else (writer, reader, kept)
        self._private = inward or private
        self._waits = is_pipe(self._target)
        self._until_wide = 0 if inward else MUCH
        self._asks, self._chunk = inward, CHUNK
        if not inward:
            os.set_blocking(self._source, False)
        if self._private and self._waits:
            os.set_blocking(self._target, False)

    def child_started(self) -> None:
        """The child has its own copy of its end now, or will never have one. May be called again."""
        self._fds.close(self.childs)
        self.childs = -1

    def step(self, owner: Stepper) -> None:
        """Move what can be moved without blocking, then watch for more."""
        if self._busy:
            # A handler of signals asks, in the middle of what follows. It would pass on the same once more.
            return
        if self.ended:
            # Ctrl-C may have come in the middle of that.
            self.close()
            return
        self._busy = True
        try:
            self._move()
        finally:
            self._busy = False
        self._watch(owner)

    def _move(self) -> None:
        if not self.ended and not self._pending:
            self._look_for_reader()
        for _ in range(_CHUNKS_A_STEP):
            if self.ended or not self._push() or not self._pull():
                break

    def close(self) -> None:
        """Close both sides. Whoever still writes gets an EPIPE, whoever reads an end."""
        self.ended, self.dry = True, False
        for fd in (self._source, self._target):
            # Else the number may be another one's by now.
            if fd in self._fds:
                PUMP.forget(fd)
                self._fds.close(fd)

    @property
    def pipe(self) -> int:
        """The inode of the pipe that the child writes to; 0 where it writes to none."""
        writes = not self.ended and self.fd != STDIN and is_pipe(self._source)
        return os.fstat(self._source).st_ino if writes else 0

    def abandon(self) -> None:
        """In a forked child: close its copies."""
        self._fds.close_all()

    def _pull(self) -> bool:
        # What the parent shares with others must not have its flags changed.
        self.dry = self._asks and not ready(self._source, select.POLLIN)
        if self.dry:
            return False
        try:
            data = REAL.read(self._source, self._chunk)
        except BlockingIOError:
            self.dry = True
            return False
        except OSError as error:
            # The other side of a socket has gone, or that of a terminal.
            if error.errno not in (errno.ECONNRESET, errno.EIO):
                raise
            data = b""
        if self._before is not None:
            self._before()
        if not data:
            self._end()
            return False
        self._pending = memoryview(data if self._admit is None else self._admit(data))
        return True

    def _end(self) -> None:
        """The writer has left; it is still there to be read that it has, should that be too soon."""
        if self.moments is not None:
            PUMP.forget(self._target)
        try:
            self._pass_on(self._hang_up)
        except TooSoon:
            return
        self._on_end()
        if self._lent is not None:
            self._lent.writer_left(self._source, self._target)
        self.close()

    def _push(self) -> bool:
        """Whether there is room for the next chunk."""
        pending = self._pending
        if not pending:
            return True
        try:
            count = self._pass_on(self._write)
        except BlockingIOError:
            return False
        except OSError:
            # The reader has left, or the disk is full: the child finds out at its next write.
            self._left()
            return False
        # Most often all of a chunk is taken, and then it need not be copied.
        whole = pending.obj
        if isinstance(whole, bytes) and count == len(whole):
            self._note(whole)
        else:
            self._note(bytes(pending[:count]))
        self._pending = pending[count:]
        if self._until_wide > 0:
            self._until_wide -= count
            if self._until_wide <= 0:
                self._widen()
        return not self._pending

    def _widen(self) -> None:
        """Somebody reads much: larger pieces cost less."""
        self._chunk = WIDE
        for fd in (self._source, self._target) if self._private else (self._source,):
            widen(fd)

    def _pass_on(self, act: Callable[[], int]) -> int:
        """Do what the other side can see.

        Raises:
            TooSoon: it may not be seen now, and nothing was done.
            OSError: as ``act`` does.
        """
        if self.moments is None:
            return act()
        self.early = False
        try:
            return self.moments.pass_on(act)
        except TooSoon:
            self.early = True
            raise

    def _hang_up(self) -> int:
        """Where it matters when that is seen, do it before it is noted."""
        if self.moments is not None:
            self._fds.close(self._target)
            self._target = -1
        return 0

    def _write(self) -> int:
        if self._private or not self._waits:
            return REAL.write(self._target, self._pending)
        with WRITING:
            if not ready(self._target, select.POLLOUT):
                return 0
            return REAL.write(self._target, self._pending[: select.PIPE_BUF])

    def _look_for_reader(self) -> None:
        """Where the other side has been closed, the writer has to find that out at its next write."""
        if self._waits and has_no_reader(self._target):
            self._left()

    def _left(self) -> None:
        if self._lent is not None:
            self._lent.reader_left(self._source, self._target, bytes(self._pending))
        self.close()

    def _watch(self, owner: Stepper) -> None:
        if self._pending and not self._waits and not self.ended:
            # A file always takes it, and can't be watched: epoll_ctl(2).
            self._push()
        if self.ended:
            return
        if self._pending or self.early:
            PUMP.forget(self._source)
        else:
            PUMP.watch(self._source, selectors.EVENT_READ, owner)
        if self._pending and not self.early:
            PUMP.watch(self._target, selectors.EVENT_WRITE, owner)
        elif self._waits:
            PUMP.watch(self._target, 0, owner)


class Answers(Tap):
    """What a child writes to the socket that is its standard input, led back the way the input came."""

    __slots__ = ("_way_in",)

    def __init__(
        self, way_in: Tap, note: Callable[[bytes], None], admit: Callable[[bytes], bytes] | None = None
    ) -> None:
        """Open the way back of the inward tap ``way_in``."""
        self.fd = way_in.fd
        self.ended = self.dry = self.early = self._busy = False
        self.moments = None
        self.childs = -1
        self._admit = admit
        self._note = note
        self._on_end = _ignore
        self._before = None
        self._lent = None
        self._pending = memoryview(b"")
        self._fds = fds = Owned()
        self._source, self._target = fds.duplicate(way_in._target), fds.duplicate(way_in._source)
        self._private, self._waits, self._asks = False, True, True
        self._chunk, self._until_wide = CHUNK, 0
        self._way_in = way_in

    def child_started(self) -> None:
        """The way in has done what there is to do."""

    def step(self, owner: Stepper) -> None:
        """Move what can be moved; the end of the input is no closed descriptor here, so it is told."""
        if self._way_in.ended and not self.ended:
            shut_for_writing(self._source)
        super().step(owner)
