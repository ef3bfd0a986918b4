"""Waits under a mock clock: every function by which a test lets time pass goes to :data:`~..clock.CLOCK`.

Each stand-in asks the real function first, without waiting; only what would wait is told. Threads that
belong to no taped test wait for real, as ever.
"""

from __future__ import annotations

import math
import os
import stat
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from ..child import PUMP, ready
from ..clock import CLOCK, REAL, Wait
from ..genuine import select, selectors
from ..owned import Owned
from . import door
from .outside import leads_out, let_arrive

_READ, _WRITE = select.POLLIN | select.POLLPRI, select.POLLOUT
_PUTS_TOGETHER = frozenset({"subprocess", "asyncio.unix_events"})
"""Modules that keep what they read until there is enough of it; few can tell in which pieces it came."""
_T = TypeVar("_T")
_REAL_SELECT = select.select
_REAL_GET_CLOCK_INFO = time.get_clock_info


def clocked() -> bool:
    """Whether this thread lives by a mock clock."""
    return CLOCK.on and door.current() is not None and not door.is_forked()


def deadline_after(seconds: float | None) -> int | None:
    """The end of a wait that begins now, by the timeline; ``None`` for one without a limit.

    Rounded up: a loop that waits for the rest of a microsecond would wait for it for ever.
    """
    return None if seconds is None else CLOCK.now_ns() + max(0, math.ceil(seconds * 1_000_000) * 1000)


# -- sleeping ------------------------------------------------------------------------------------


def sleep(seconds: Any, /) -> None:
    """Stands in for :func:`time.sleep`."""
    # A finalizer that sleeps in the pump's thread is in the middle of a step, for which others may wait.
    if not clocked() or not isinstance(seconds, int | float) or not seconds > 0 or PUMP.is_here():
        return REAL.sleep(seconds)
    slept = getattr(door.current(), "slept", None)
    if slept is not None:
        slept(float(seconds))
    CLOCK.waits.block(Wait(deadline_after(seconds)))
    return None


def monotonic() -> float:
    """Stands in for the copies of ``monotonic`` that :mod:`threading` and :mod:`queue` keep."""
    return CLOCK.now_ns() / 1e9 if clocked() else REAL.monotonic_ns() / 1e9


def get_clock_info(name: Any, /) -> Any:
    """Stands in for :func:`time.get_clock_info`: event loops ask how exact the clock is that they read.

    One that takes it for exact to the nanosecond waits for ever for a moment that has come already.
    """
    info = _REAL_GET_CLOCK_INFO(name)
    if clocked():
        info.resolution = 1e-6
    return info


# -- looks that do not wait ----------------------------------------------------------------------


def _again(look: Callable[[], _T], *, parts: bool = True) -> _T:
    """Look once more, where a look found nothing: what has come in time is there, and nothing else will be.

    Who looks again and again without a pause lets time pass by that.

    Args:
        look: says what there is.
        parts: the test itself looks, and not the loop that it runs in.
    """
    CLOCK.timeline.part() if parts else CLOCK.timeline.give_up()
    found = look()
    if not found:
        CLOCK.waits.polled(lambda: bool(look()))
    return found


# -- descriptors ---------------------------------------------------------------------------------


_LONGEST_POLL_MS = 2**31 - 1


class FdWait(Wait):
    """A wait for descriptors.

    Attributes:
        real: one of them leads out of this process.
    """

    def __init__(
        self, events: Mapping[int, int], deadline_ns: int | None = None, more: Iterable[int] = ()
    ) -> None:
        """Make a wait.

        Args:
            events: descriptors and what is waited for, as for :class:`select.poll`.
            deadline_ns: see :class:`~..clock.Wait`.
            more: descriptors behind one of ``events``: those that an epoll watches.
        """
        super().__init__(deadline_ns, self._any)
        self._events = events
        self._bell: tuple[int, int] | None = None
        more = set(more)
        self._terminals = [fd for fd in more if os.isatty(fd)]
        self.real = any(leads_out(fd) for fd in {*events, *more})

    def _poll(self) -> Any:
        poll = REAL.poll()
        for fd, event in self._events.items():
            poll.register(fd, event)
        return poll

    def _any(self) -> bool:
        poll = self._poll()
        return bool(poll.poll(0) or (self._terminals and let_arrive(self._terminals) and poll.poll(0)))

    def sleep(self, limit_s: float | None) -> None:
        """Sleep until one of the descriptors is ready, too."""
        poll, fds = self._poll(), Owned()
        try:
            self._bell = fds.pair(os.pipe)
            poll.register(self._bell[0], select.POLLIN)
            # A longer one would be refused; who waits looks again.
            poll.poll(None if limit_s is None else min(max(1, round(limit_s * 1000)), _LONGEST_POLL_MS))
        finally:
            self._bell = None
            fds.close_all()

    def wake(self) -> None:
        """Let :meth:`sleep` return."""
        bell = self._bell
        if bell is not None:
            try:
                REAL.write(bell[1], b"\0")
            except OSError:
                # It has returned by itself just now.
                return


def await_fd(fd: int, event: int) -> None:
    """Let time pass until ``fd`` can be read or written without blocking."""
    if not _blocks(fd):
        return
    wait = FdWait({fd: event})
    if not wait.ready():
        CLOCK.waits.block(wait)


def _blocks(fd: int) -> bool:
    try:
        mode = os.fstat(fd).st_mode
        return (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)) and os.get_blocking(fd)
    except (OSError, TypeError, ValueError, OverflowError):
        # The real call says what is wrong.
        return False


def read(fd: int, length: int, /) -> bytes:
    """Stands in for :func:`os.read`."""
    if not clocked():
        return REAL.read(fd, length)
    await_fd(fd, _READ)
    try:
        data = REAL.read(fd, length)
    except BlockingIOError:
        if not _again(lambda: ready(fd, _READ)):
            raise
        data = REAL.read(fd, length)
    if len(data) < length and sys._getframe(1).f_globals.get("__name__") not in _PUTS_TOGETHER:
        # It sees in which pieces it comes.
        CLOCK.timeline.part()
    return data


def write(fd: int, data: Any, /) -> int:
    """Stands in for :func:`os.write`, which blocks until a pipe has taken everything."""
    if not clocked() or not _blocks(fd):
        return REAL.write(fd, data)
    rest = memoryview(data).cast("B")
    count = 0
    while True:
        await_fd(fd, _WRITE)
        # A pipe that is writable takes this many bytes without blocking: pipe(7).
        count += REAL.write(fd, rest[count : count + select.PIPE_BUF])
        if count >= len(rest):
            return count


def select_(rlist: Any, wlist: Any, xlist: Any, timeout: float | None = None, /) -> Any:
    """Stands in for :func:`select.select`."""
    if not clocked():
        return _REAL_SELECT(rlist, wlist, xlist, timeout)
    rlist, wlist, xlist = list(rlist), list(wlist), list(xlist)
    found = _REAL_SELECT(rlist, wlist, xlist, 0)
    if any(found):
        CLOCK.waits.found()
        return found
    if timeout is not None and timeout <= 0:
        is_anything = _again(lambda: any(_REAL_SELECT(rlist, wlist, xlist, 0)))
        return _REAL_SELECT(rlist, wlist, xlist, 0) if is_anything else found
    events: dict[int, int] = {}
    for group, event in ((rlist, _READ), (wlist, _WRITE), (xlist, select.POLLPRI)):
        for one in group:
            fd = one if isinstance(one, int) else one.fileno()
            events[fd] = events.get(fd, 0) | event
    if not CLOCK.waits.block(FdWait(events, deadline_after(timeout))):
        # What has come since then is noted as later than that, and so it is not looked at any more.
        return [], [], []
    return _REAL_SELECT(rlist, wlist, xlist, 0)


class Poll:
    """Stands in for the objects of :func:`select.poll`."""

    def __init__(self) -> None:
        self._poll = REAL.poll()
        self._events: dict[int, int] = {}

    def register(self, fd: Any, eventmask: int = select.POLLIN | select.POLLPRI | select.POLLOUT, /) -> None:
        """As the real one."""
        self._poll.register(fd, eventmask)
        self._events[fd if isinstance(fd, int) else fd.fileno()] = eventmask

    def modify(self, fd: Any, eventmask: int, /) -> None:
        """As the real one."""
        self._poll.modify(fd, eventmask)
        self._events[fd if isinstance(fd, int) else fd.fileno()] = eventmask

    def unregister(self, fd: Any, /) -> None:
        """As the real one."""
        self._poll.unregister(fd)
        del self._events[fd if isinstance(fd, int) else fd.fileno()]

    def poll(self, timeout: float | None = None, /) -> list[tuple[int, int]]:
        """As the real one; ``timeout`` in milliseconds."""
        limit_s = None if timeout is None or timeout < 0 else timeout / 1000
        if not clocked():
            return self._poll.poll(timeout)
        found = self._poll.poll(0)
        if found:
            CLOCK.waits.found()
        elif limit_s == 0:
            found = _again(lambda: self._poll.poll(0))
        elif CLOCK.waits.block(FdWait(dict(self._events), deadline_after(limit_s))):
            found = self._poll.poll(0)
        return found


def _selecting(real: Callable[..., Any]) -> Callable[..., Any]:
    """What stands in for the ``select`` of a class of :mod:`selectors`."""

    def stand_in(self: Any, timeout: float | None = None) -> Any:
        if not clocked() or _keeps_real_time():
            return real(self, timeout)
        if timeout is not None and timeout <= 0:
            found = real(self, 0)
            if found:
                CLOCK.waits.found()
            return found or _again(lambda: real(self, 0), parts=False)
        deadline_ns = deadline_after(timeout)
        while True:
            found = real(self, 0)
            if found:
                CLOCK.waits.found()
            if found or (deadline_ns is not None and CLOCK.now_ns() >= deadline_ns):
                return found
            if not CLOCK.waits.block(_selector_wait(self, deadline_ns)):
                return found

    return stand_in


def _selector_wait(selector: Any, deadline_ns: int | None) -> FdWait:
    keys = selector.get_map() or {}
    if hasattr(selector, "fileno"):
        return FdWait({selector.fileno(): select.POLLIN}, deadline_ns, [key.fd for key in keys.values()])
    events = {
        key.fd: (_READ if key.events & selectors.EVENT_READ else 0)
        | (_WRITE if key.events & selectors.EVENT_WRITE else 0)
        for key in keys.values()
    }
    return FdWait(events, deadline_ns)


def _keeps_real_time() -> bool:
    """Whether freezegun was told to let event loops see real time: see its ``real_asyncio``."""
    import asyncio

    loop = asyncio._get_running_loop()
    return loop is not None and getattr(type(loop).time, "__module__", "") == "freezegun.api"


def _trio_events(real: Callable[..., Any]) -> Callable[..., Any]:
    """What stands in for the place where trio waits: ``EpollIOManager.get_events``."""

    def stand_in(self: Any, timeout: float) -> Any:
        found = real(self, 0)
        if found or not clocked():
            return found or real(self, timeout)
        if timeout <= 0:
            CLOCK.timeline.give_up()
            return real(self, timeout)
        wait = FdWait({self._epoll.fileno(): select.POLLIN}, deadline_after(timeout), list(self._registered))
        return real(self, 0) if CLOCK.waits.block(wait) else found

    return stand_in


def replacements() -> list[tuple[Any, str, Any]]:
    """``(where, name, what)``: attributes of modules and classes to be replaced under a mock clock."""
    import subprocess

    from .streams import IO, fdopen

    found: list[tuple[Any, str, Any]] = [
        (subprocess, "io", IO),
        (os, "fdopen", fdopen),
    ]
    for name in ("SelectSelector", "_PollLikeSelector", "EpollSelector", "KqueueSelector"):
        kind = getattr(selectors, name, None)
        if kind is not None:
            found.append((kind, "select", _selecting(kind.select)))
    manager = getattr(sys.modules.get("trio._core._io_epoll"), "EpollIOManager", None)
    if manager is not None:
        found.append((manager, "get_events", _trio_events(manager.get_events)))
    return found


def monotonics() -> dict[int, Any]:
    """The same for the clocks that nobody can set: real time, and what was let pass at once."""

    def seconds(real: Callable[[], float]) -> Callable[[], float]:
        return lambda: real() + (CLOCK.timeline.skipped_ns / 1e9 if clocked() else 0.0)

    def nanoseconds(real: Callable[[], int]) -> Callable[[], int]:
        return lambda: real() + (CLOCK.timeline.skipped_ns if clocked() else 0)

    return {
        id(REAL.monotonic): seconds(REAL.monotonic),
        id(REAL.perf_counter): seconds(REAL.perf_counter),
        id(REAL.monotonic_ns): nanoseconds(REAL.monotonic_ns),
        id(REAL.perf_counter_ns): nanoseconds(REAL.perf_counter_ns),
    }


def functions() -> dict[int, Any]:
    """By ``id`` of the real function what stands in for it, wherever a module keeps it."""
    return {
        id(real): stand_in
        for real, stand_in in (
            (REAL.sleep, sleep),
            (_REAL_GET_CLOCK_INFO, get_clock_info),
            (REAL.read, read),
            (REAL.write, write),
            (REAL.poll, Poll),
            (_REAL_SELECT, select_),
        )
    }
