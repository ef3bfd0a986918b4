"""A child that says a little into pipes of its own and ends, all before its parent goes on.

Most entries are that. Such a child needs no machine: the session says at once what it says, and keeps this
for who waits for it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable

from ..clock import REAL
from ..genuine import select, threading
from ..later import on_demand
from ..tape import STDERR, STDOUT, Entry, Script
from ..tape import script as steps
from .channels import GONE
from .lent import size_of
from .memory import Streams
from .virtual import VirtualChild
from .wiring import Wiring, ready

_F_GETPIPE_SZ: int = getattr(fcntl, "F_GETPIPE_SZ", 0)
"""Linux tells how much a pipe holds; 0 elsewhere."""

_NONE: list[int] = []
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

    # What most of them are never asked for.
    script = on_demand(lambda self: self._told(self._entry))
    _lock = on_demand(lambda _: threading.RLock())

    def _next(self) -> steps.Step | None:
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


def are_writable(fds: Iterable[int]) -> bool:
    """Whether a little can be written into each without blocking."""
    return all(ready(fd, select.POLLOUT) for fd in fds)


def say(
    pipes: tuple[int, int], stdout: bytes | None, stderr: bytes | None, announce: Callable[[], None]
) -> bool:
    """Write what a child says into pipes that were made for it, if they have room for all of it.

    Args:
        pipes: for its stdout and its stderr.
        stdout: what it says there, if anything.
        stderr: likewise.
        announce: is called when it is certain that there is room, before anything is written.

    Returns:
        whether there was. If not, nothing has happened.
    """
    said = []
    if stdout:
        said.append((pipes[0], stdout))
    if stderr:
        said.append((pipes[1], stderr))
    for fd, data in said:
        # A pipe that is empty takes so much at once: pipe(7).
        if len(data) > select.PIPE_BUF and not _holds(fd, len(data)):
            return False
    announce()
    for fd, data in said:
        put(fd, data)
    return True


def put(fd: int, data: bytes) -> None:
    """Write into a pipe what there is room for; nobody may ever read it."""
    try:
        os.write(fd, data)
    except OSError as error:
        if error.errno not in GONE:
            raise


def _holds(fd: int, size: int) -> bool:
    """Whether a pipe takes so much: nobody else writes, so while it is empty it takes all that it holds."""
    if not _F_GETPIPE_SZ:
        return False
    try:
        return size <= fcntl.fcntl(fd, _F_GETPIPE_SZ) and not size_of(fd)
    except OSError:
        return False
