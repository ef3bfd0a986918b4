"""A child that says a little into pipes of its own and ends, all before its parent goes on.

Most entries are that. Such a child needs no machine: the session says at once what it says, and keeps this
for who waits for it.
"""

from __future__ import annotations

import fcntl
import os
import select
import threading
from collections import deque
from collections.abc import Callable, Iterable

from ..clock import REAL
from ..tape import STDERR, STDOUT, Entry, Script, script
from .channels import GONE
from .lent import size_of
from .memory import Streams
from .virtual import VirtualChild
from .wiring import Wiring, ready

_F_GETPIPE_SZ: int = getattr(fcntl, "F_GETPIPE_SZ", 0)
"""Linux tells how much a pipe holds; 0 elsewhere."""

_NONE: deque[int] = deque()
"""Of signals, of stops: nothing is ever added for a child that has ended."""


class EndedChild(VirtualChild):
    """One that has ended when it is made. Its script is made when it is asked for."""

    _waits = None
    _signals = _changes = _NONE

    new_session = False

    def __init__(
        self, pid: int, group: int, status: int, told: Callable[[Entry], Script], entry: Entry
    ) -> None:
        """A child that waits to be reaped.

        Args:
            pid: as that of any virtual child.
            group: its process group.
            status: as from :func:`os.waitpid`.
            told: gives the script.
            entry: that it is made of.
        """
        # Nothing of what the classes above need to play one.
        self.pid = pid
        self.group = group
        self.status = status
        self._told = told
        self._entry = entry
        self._outlets = {}
        self._started_ns = REAL.monotonic_ns()

    def __getattr__(self, name: str) -> object:
        """What most of them are never asked for."""
        if name == "script":
            return vars(self).setdefault(name, self._told(self._entry))
        if name == "_lock":
            return vars(self).setdefault(name, threading.RLock())
        raise AttributeError(name)

    def _next(self) -> script.Step | None:
        return None

    def so_far(self) -> Script:
        """What the parent can know of by now."""
        self._at = len(self.script.steps)
        return super().so_far()


def own_pipes(wiring: Wiring) -> Streams | None:
    """What a parent asks for that opens no more than pipes for a child's outputs; ``None`` for any other."""
    stdout, stderr = wiring.outputs.get(STDOUT), wiring.outputs.get(STDERR)
    if wiring.inputs or len(wiring.outputs) != (stdout is not None) + (stderr is not None):
        return None
    piped = tuple(fd for fd, parents in wiring.outputs.items() if parents in wiring.private)
    return Streams(piped, together=stdout is not None and stdout == stderr)


def said_into(wiring: Wiring, stdout: bytes | None, stderr: bytes | None) -> bool:
    """Write what a child says, if there is room for all of it."""
    said = [(wiring.outputs[fd], data) for fd, data in ((STDOUT, stdout), (STDERR, stderr)) if data]
    if not all(_takes(fd, len(data), fd in wiring.private) for fd, data in said):
        return False
    fill(said)
    return True


def has_room(said: Iterable[tuple[int, bytes]]) -> bool:
    """Whether pipes that have just been made hold this: what is written into each, by its descriptor."""
    return all(len(data) <= select.PIPE_BUF or _takes(fd, len(data), private=True) for fd, data in said)


def fill(said: Iterable[tuple[int, bytes]]) -> None:
    """Write into pipes what there is room for."""
    for fd, data in said:
        try:
            if data:
                os.write(fd, data)
        except OSError as error:
            # Nobody will ever read it.
            if error.errno not in GONE:
                raise


def _takes(fd: int, size: int, private: bool) -> bool:
    """Whether so much can be written without blocking."""
    if size <= select.PIPE_BUF:
        # A pipe that is writable takes so much: pipe(7).
        return ready(fd, select.POLLOUT)
    if not private or not _F_GETPIPE_SZ:
        return False
    try:
        # Made for this child, so nobody else writes: while it is empty it takes all that it holds.
        return size <= fcntl.fcntl(fd, _F_GETPIPE_SZ) and not size_of(fd)
    except OSError:
        return False
