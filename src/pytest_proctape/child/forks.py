"""Copies of the test's process that a test has forked, until it is known what becomes of them.

A copy is nobody's child on a tape until it calls exec. Then a program runs in its place, or, on replay,
a virtual child plays under its pid: the copy itself stays only to keep the pid, and ends as the virtual
child does. Whoever asks for a copy before it has come to that waits here. The intercept room enters the
copies and asks.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..clock import REAL
from ..genuine import socket, threading
from .kin import KIN
from .statuses import has_ended

"""As it was when no tape was active: a copy is always real."""

_PATIENCE_NS = 10**9
"""How long what would meet a copy before its exec is held back; one that runs on as a copy is met after
that.
"""

_POLL_S = 0.005
_STATUS = struct.Struct("!i")


class Fork:
    """One copy.

    Attributes:
        number: by which it calls.
        handler: the session that was current where it was forked.
        place: where that was, for messages.
        pid: 0 as long as nobody knows it.
        calls: it has asked what is to become of it, and that is being answered.
        polled: a poll has found it running.
        ignored: what would meet it before its exec has waited long enough.
        hub: gevent's, if that has forked it.
    """

    def __init__(self, number: int, handler: object, place: str) -> None:
        self.number = number
        self.handler = handler
        self.place = place
        self.pid = 0
        self.calls = False
        self.polled = False
        self.ignored = False
        self.hub: object = None


class _Local(threading.local):
    place = ""


class Forks:
    """The copies that have neither started a program nor ended, as far as is known.

    Attributes:
        running: by their numbers.
        on_idle: is called when there are none any more.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self.running: dict[int, Fork] = {}
        self._changed = threading.Condition()
        self._local = _Local()
        self.on_idle: Callable[[], None] = _nothing

    def __bool__(self) -> bool:
        return bool(self.running)

    def begin(self, handler: object, place: str = "") -> Fork:
        """A copy is about to be made."""
        fork = Fork(next(self._numbers), handler, place)
        self.running[fork.number] = fork
        return fork

    def get(self, number: int) -> Fork | None:
        """The copy that calls by this number."""
        return self.running.get(number)

    def by_pid(self, pid: int) -> Fork | None:
        """The copy that has this pid."""
        return next((fork for fork in tuple(self.running.values()) if fork.pid == pid), None)

    @contextmanager
    def answering(self, fork: Fork) -> Iterator[None]:
        """Around the answer to a copy, in a thread that knows nothing of where it was forked."""
        self._local.place = fork.place
        try:
            yield
        finally:
            self._local.place = ""

    @property
    def place(self) -> str:
        """Where the copy was forked that this thread answers; ``""`` if it answers none."""
        return self._local.place

    def calls(self, fork: Fork, pid: int) -> None:
        """It asks what is to become of it, and does nothing else until it knows."""
        with self._changed:
            fork.pid, fork.calls = pid, True

    def is_next(self, fork: Fork, since_ns: int) -> bool:
        """Whether one that calls can be answered: those that were forked before it come first.

        Which of several calls first is chance, and a tape has an order. One that was forked before and
        stays a copy holds up the others for a moment, once.

        Args:
            fork: the one that calls.
            since_ns: when it did, on the real monotonic clock.
        """
        late = REAL.monotonic_ns() - since_ns > _PATIENCE_NS
        for other in tuple(self.running.values()):
            if other.number < fork.number and other.handler is fork.handler and not other.ignored:
                if not late and not (other.pid and has_ended(other.pid)):
                    return False
                other.ignored = late
        return True

    def answered(self, fork: Fork) -> None:
        """It is a copy still: what it asked for could not be."""
        with self._changed:
            fork.calls = False
            self._changed.notify_all()

    def leave(self, fork: Fork) -> None:
        """It is a copy no longer."""
        with self._changed:
            self.running.pop(fork.number, None)
            self._changed.notify_all()
        if not self.running:
            self.on_idle()

    def forget(self, pid: int) -> None:
        """The process with this pid has been reaped."""
        fork = self.by_pid(pid)
        if fork is not None:
            self.leave(fork)

    def clear(self) -> None:
        """No tape is active any more."""
        for fork in tuple(self.running.values()):
            self.leave(fork)

    def settle(self, pid: int, options: int) -> None:
        """Before a wait for ``pid``: one that blocks does so until there is a program, or an end."""
        fork = self.by_pid(pid) if pid > 0 else None
        if fork is None:
            return
        if options & os.WNOHANG:
            fork.polled = True
            self._await(fork, REAL.monotonic_ns())
        else:
            self._await(fork, None)

    def let_answer(self) -> None:
        """Before a wait for any: the end of one that calls must not be seen before the answer."""
        with self._changed:
            while any(fork.calls for fork in tuple(self.running.values())):
                self._changed.wait(_POLL_S)

    def await_exec(self, pid: int) -> None:
        """Before something that would meet a copy and is meant for the program: let it come to that."""
        fork = self.by_pid(pid) if pid > 0 else None
        if fork is not None and not fork.ignored:
            self._await(fork, REAL.monotonic_ns() + _PATIENCE_NS)
            fork.ignored = True

    def await_all(self) -> None:
        """At the end of a part of a test: what it has forked is on its tape, if it is to become a program."""
        for fork in tuple(self.running.values()):
            self.await_exec(fork.pid)

    def _await(self, fork: Fork, until_ns: int | None) -> None:
        with self._changed:
            while fork.number in self.running:
                late = until_ns is not None and REAL.monotonic_ns() > until_ns
                if not fork.calls and (late or has_ended(fork.pid)):
                    return
                self._changed.wait(_POLL_S)


def _nothing() -> None:
    """Nobody wants to know."""


class Copy:
    """A copy in whose place a virtual child plays: it keeps the pid and ends as it is told.

    Attributes:
        pid: of both.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._line: socket.socket | None = None
        self._status: int | None = None

    def keep(self, line: socket.socket) -> None:
        """It listens on ``line`` from now on; this object's own."""
        self._line = line
        if self._status is not None:
            self.end(self._status)

    def end(self, status: int) -> None:
        """Let it end with this status, as from :func:`os.waitpid`; return when it has."""
        self._status = status
        line, self._line = self._line, None
        if line is not None:
            with line, contextlib.suppress(OSError):
                line.sendall(_STATUS.pack(status))
            has_ended(self.pid, 0)

    def reap(self) -> None:
        """The parent has been told of the end of the virtual child, or its tape is over."""
        if self._line is None and self._status is None:
            return
        self.end(int(signal.SIGKILL) if self._status is None else self._status)
        with contextlib.suppress(ChildProcessError):
            KIN.waitpid(self.pid, 0)

    def abandon(self) -> None:
        """In another forked process: close its end of the line."""
        if self._line is not None:
            self._line.close()


def status_told(line: socket.socket) -> int:
    """In the copy: wait until it is told how to end. ``SIGKILL`` where nobody is left to tell it."""
    with contextlib.suppress(OSError):
        data = line.recv(_STATUS.size, socket.MSG_WAITALL)
        if len(data) == _STATUS.size:
            return int(_STATUS.unpack(data)[0])
    return int(signal.SIGKILL)


FORKS = Forks()
os.register_at_fork(after_in_child=FORKS.__init__)  # type: ignore[misc]
