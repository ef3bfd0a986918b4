"""The streams of a recorded child whose other ends nobody but us has: no tap is between, we are the parent.

``subprocess.run`` gives its ``Popen`` to nobody, so what is read for it by the intercept room
(:mod:`~pytest_proctape.intercept.hearing`) is all that the parent can ever see. An :class:`Ear` stands in
the place of a tap: it notes what it reads and hands it on.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Protocol

from ..genuine import threading
from ..rows import Row
from .channels import CHUNK
from .wiring import MUCH, WIDE, widen

_CHUNKS_A_STEP = 32
"""So that whoever steps for another reason is not held up by a child that never stops writing."""


class End(Protocol):
    """The parent's end of a pipe, as ``Popen`` has it."""

    def fileno(self) -> int:
        """Its descriptor; -1 once it has been closed."""

    def close(self) -> None:
        """Close it. May be called again."""


class Ends(Row):
    """The ends of a child's pipes that the parent has for itself.

    Attributes:
        outputs: by the child's descriptor.
        together: stderr goes where stdout goes.
        sent: all that the parent is going to send; ``None`` where it has made no input for the child.
    """

    outputs: Mapping[int, End]
    together: bool
    sent: bytes | None


class Listener(Protocol):
    """Whom an :class:`Ear` tells."""

    def said(self, fd: int, data: bytes) -> bytes:
        """The child has said this; what of it goes further."""

    def fell_silent(self, fd: int) -> None:
        """Nothing more will come."""


class _Nobody:
    """Stands in the place of a listener once an output has ended: the two need not keep each other."""

    def said(self, _fd: int, data: bytes) -> bytes:
        """Nothing is noted."""
        return data

    def fell_silent(self, fd: int) -> None:
        """It was told."""


_NOBODY = _Nobody()


class Ear:
    """The parent's end of an output.

    Attributes:
        fd: the child's descriptor that this is.
        parts: what was read.
        ended: nothing will come any more.
        dry: all that was written has been read, and the writer's side is open.
        listener: is told of it, as long as it has not ended.
    """

    __slots__ = ("_busy", "_chunk", "_end", "_left", "_lock", "dry", "ended", "fd", "listener", "parts")

    def __init__(self, fd: int, end: End, listener: Listener, lock: threading.RLock) -> None:
        """Listen.

        Args:
            fd: the child's descriptor.
            end: that of the parent; it is nobody else's, so its flags may be changed.
            listener: see the attribute.
            lock: that of the child.
        """
        self.fd = fd
        self.parts: list[bytes] = []
        self.ended = self.dry = False
        self.listener: Listener = listener
        self._end = end
        self._busy = False
        self._lock = lock
        self._chunk, self._left = CHUNK, MUCH
        os.set_blocking(end.fileno(), False)

    def fileno(self) -> int:
        """The parent's descriptor."""
        return self._end.fileno()

    def step(self, _: object) -> None:
        """Read what is there. The child's lock is held."""
        if self._busy:
            # A handler of signals asks, in the middle of the reading below.
            return
        self._busy = True
        try:
            left = _CHUNKS_A_STEP
            while left and not self.ended and self._read():
                left -= 1
        finally:
            self._busy = False

    def _read(self) -> bool:
        """Whether there may be more."""
        fd = self._end.fileno()
        if fd == -1:
            # Whoever made it has closed it, interrupted before anybody else had it.
            self.ended, self.dry = True, False
            return False
        try:
            data = os.read(fd, self._chunk)
        except BlockingIOError:
            self.dry = True
            return False
        if not data:
            # Who waits at the descriptor has to be told by it, so it stays open.
            self.listener.fell_silent(self.fd)
            self.ended, self.dry = True, False
            self.listener = _NOBODY
            return False
        if self._left > 0:
            self._left -= len(data)
            if self._left <= 0:
                # Much is said: larger pieces cost less.
                self._chunk = WIDE
                widen(self._end.fileno())
        data = self.listener.said(self.fd, data)
        if data:
            self.parts.append(data)
        return True

    def close(self) -> None:
        """The parent lets go of it. Whoever still writes gets an EPIPE."""
        with self._lock:
            self.ended, self.dry = True, False
            self._end.close()

    def child_started(self) -> None:
        """The child's end is the caller's to close."""

    @property
    def pipe(self) -> int:
        """The inode of the pipe that the child writes to."""
        return 0 if self.ended else os.fstat(self._end.fileno()).st_ino

    def abandon(self) -> None:
        """In a forked child: the descriptor is the caller's."""
        self.ended = True
