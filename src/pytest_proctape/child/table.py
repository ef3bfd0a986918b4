"""The process table: which pids are children of a tape. There is one for the whole process.

The tape a thread sees is the thread's own, but the kernel's process table is not: any thread may wait
for or signal any child, asyncio's watcher threads do, so ours is global too.
"""

from __future__ import annotations

import errno
import importlib
import itertools
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from ..errors import ProctapeError
from ..genuine import close, main_thread_ident, threading
from ..tape import End, Script
from .forks import Copy
from .recording import RecordingChild
from .virtual import VirtualChild
from .wiring import Wiring, identity, is_open

FIRST_PID = 2**22 + 1
"""Linux allows no ``pid_max`` above 2**22, so no real process can have such a pid: proc(5)."""

# The type stubs don't know it.
_signal = importlib.import_module("_signal")
_GETSIGNAL: Callable[[int], object] = _signal.getsignal
_PTHREAD_SIGMASK: Callable[[int, Iterable[int]], Iterable[int]] = _signal.pthread_sigmask
"""Without the enumerations of :mod:`signal`, which take most of the time."""
_SIGCHLD, _SIG_BLOCK = int(signal.SIGCHLD), int(signal.SIG_BLOCK)
_SIG_DFL, _SIG_IGN = int(signal.SIG_DFL), int(signal.SIG_IGN)

Child = VirtualChild | RecordingChild


class ProcessTable:
    """The children that have not been reaped."""

    def __init__(self) -> None:
        self._children: dict[int, Child] = {}
        self._pids = itertools.count(FIRST_PID)
        self._pidfds: dict[int, list[int]] = {}
        self._pipes: dict[tuple[int, int], VirtualChild | None] = {}
        self._held: dict[int, Child] = {}
        self._expected = 0
        self._missed: dict[int, int] = {}
        self._copies: dict[int, Copy] = {}
        self._offered: dict[int, Copy] = {}
        """To each thread its own: two forks may spawn at once."""
        self.ended = threading.Condition()
        """Notified when a virtual child ends, for those who wait for any."""
        self.waiting = 0
        """How many do."""

    def new_pid(self) -> int:
        """A pid that no process has, or that of the copy that was made for this child."""
        copy = self._offered.get(threading.get_ident()) if self._offered else None
        if copy is not None:
            self._copies[copy.pid] = copy
            return copy.pid
        return next(self._pids)

    def unused_pid(self) -> int:
        """A pid that no process has."""
        return next(self._pids)

    @contextmanager
    def offering(self, copy: Copy) -> Iterator[None]:
        """Around a spawn of this thread: a virtual child that comes of it plays in the place of ``copy``."""
        ident = threading.get_ident()
        self._offered[ident] = copy
        try:
            yield
        finally:
            # A forked copy has forgotten it.
            self._offered.pop(ident, None)

    def add(self, child: Child) -> None:
        """From now on ``child.pid`` is this child."""
        self._children[child.pid] = child

    def add_ended(self, child: VirtualChild) -> None:
        """A child that has ended before anybody could have watched it waits to be reaped."""
        self._children[child.pid] = child
        if self._copies or not self.is_unobserved():
            self.tell(child)

    @contextmanager
    def expecting(self) -> Iterator[None]:
        """Around the start of a real child: who waits for any may reap it before it is known here."""
        self._expected += 1
        try:
            yield
        finally:
            self._expected -= 1
            if not self._expected:
                self._missed.clear()

    def note_stranger(self, pid: int, status: int) -> None:
        """A wait for any has got a child that is not known here, or not yet."""
        if self._expected:
            self._missed[pid] = status

    def missed(self, pid: int) -> int | None:
        """The status of a child that was reaped before it was known here."""
        return self._missed.pop(pid, None)

    def get(self, pid: int) -> Child | None:
        """The child with this pid that has not been reaped."""
        return self._children.get(pid)

    def remove(self, pid: int) -> None:
        """The child has been reaped, or its tape is over."""
        child = self._children.pop(pid, None)
        if child is not None and child.open:
            self._held[pid] = child
        if self._pipes and child is not None:
            self._pipes = {key: None if value is child else value for key, value in self._pipes.items()}
        if self._pidfds:
            for fd in self._pidfds.pop(pid, ()):
                close(fd)
        copy = self._copies.pop(pid, None) if self._copies else None
        if copy is not None:
            copy.reap()

    def reap(self, child: VirtualChild) -> None:
        """The parent has been told how ``child`` ended."""
        child.reaped = True
        self.remove(child.pid)

    def collect(self, child: VirtualChild) -> int:
        """The exit code that a ``Popen`` finds in a child that has exited; the parent has been told of it."""
        pid, status = child.pid, child.status
        if self._children.get(pid) is not child:
            # It has been reaped behind the Popen's back.
            return 0
        child.reaped = True
        self.remove(pid)
        return 0 if status is None or self.keeps_no_status() else os.waitstatus_to_exitcode(status)

    def is_unobserved(self) -> bool:
        """Nobody is told when a child ends, but who waits for this one."""
        return (
            not self.waiting
            and _GETSIGNAL(_SIGCHLD) == _SIG_DFL
            and _SIGCHLD not in _PTHREAD_SIGMASK(_SIG_BLOCK, ())
        )

    @staticmethod
    def keeps_no_status() -> bool:
        """SIGCHLD is ignored: then the kernel keeps no status for anybody, see waitpid(2)."""
        return _GETSIGNAL(_SIGCHLD) == _SIG_IGN

    def held(self, pid: int) -> Child | None:
        """A child that has been reaped, but whose outputs others hold open."""
        child = self._held.get(pid)
        if child is not None and not child.open:
            # Another thread may have found the same.
            self._held.pop(pid, None)
            return None
        return child

    def __iter__(self) -> Iterator[Child]:
        return iter(tuple(self._children.values()))

    @property
    def virtual(self) -> list[VirtualChild]:
        """The replayed children, oldest first."""
        return [child for child in self if isinstance(child, VirtualChild)]

    def group(self, pgid: int) -> list[VirtualChild]:
        """The replayed children of a process group."""
        return [child for child in self.virtual if child.group == pgid]

    def open_pidfd(self, child: VirtualChild) -> int:
        """A descriptor that becomes readable when ``child`` ends, as from :func:`os.pidfd_open`."""
        reader, writer = os.pipe()
        self._pidfds.setdefault(child.pid, []).append(writer)
        self._pipes[identity(reader)] = child
        if child.poll() is not None:
            self.tell(child)
        return reader

    def by_pidfd(self, fd: int) -> VirtualChild | None:
        """The replayed child that ``fd`` was opened for; ``None`` where it was opened for a real one.

        Raises:
            ProcessLookupError: the child has been reaped.
        """
        if not self._pipes or not is_open(fd) or (which := identity(fd)) not in self._pipes:
            return None
        child = self._pipes[which]
        if child is None:
            raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
        return child

    def tell(self, child: VirtualChild) -> None:
        """``child`` has ended: wake all who watch for that."""
        if self._pidfds:
            for fd in self._pidfds.pop(child.pid, ()):
                close(fd)
        if self.waiting:
            with self.ended:
                self.ended.notify_all()
        copy = self._copies.get(child.pid) if self._copies else None
        if copy is not None:
            # Its own end is the signal.
            copy.end(int(signal.SIGKILL) if child.status is None else child.status)
            return
        if callable(_GETSIGNAL(_SIGCHLD)) or _SIGCHLD in _PTHREAD_SIGMASK(_SIG_BLOCK, ()):
            # To the thread that runs Python's handlers; the kernel might pick one that ignores it.
            signal.pthread_kill(main_thread_ident(), signal.SIGCHLD)


TABLE = ProcessTable()


def _after_fork_in_child() -> None:
    for child in TABLE:
        child.abandon()
    for copy in TABLE._copies.values():
        copy.abandon()
    TABLE.__init__()  # type: ignore[misc]


os.register_at_fork(after_in_child=_after_fork_in_child)


def add_ended(status: int, *, told: bool = False) -> int:
    """A virtual child that has ended with ``status`` and waits to be reaped; its pid.

    Args:
        status: as from :func:`os.waitpid`.
        told: it stands in the place of another, of whose end everybody has been told.
    """
    child = VirtualChild(
        TABLE.unused_pid(), os.getpgrp(), Script((), End(status)), on_wrong=_never, on_end=_ignore
    )
    child.start(Wiring())
    if told:
        TABLE.add(child)
    else:
        TABLE.add_ended(child)
    return child.pid


def finished_child(pid: int, played: Script) -> VirtualChild:
    """A virtual child that has ended and has been reaped: what it was can still be asked for."""
    child = VirtualChild(pid, os.getpgrp(), played, on_wrong=_never, on_end=_ignore)
    child.status = played.end.status
    child.reaped = True
    return child


def _never(_: VirtualChild, wrong: Exception) -> ProctapeError:
    raise AssertionError(wrong)


def _ignore(_: VirtualChild) -> None:
    """It has ended before anybody could have watched it."""
