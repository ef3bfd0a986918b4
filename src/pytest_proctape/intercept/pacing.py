"""Children of an asyncio loop, on replay: what they do comes in the order of the recorded times.

A loop waits for everything at once, and its timers are how it gives up on a child: ``wait_for`` is seen
by no process call. So while such a child is alive, the loop's clock and the child's share one tape
time. When the loop has nothing to do, time jumps to whatever comes first, the child's next step or the
loop's next timer. No time passes for real, unless something real could still happen: work in a pool, or
a socket to somewhere else.
"""

from __future__ import annotations

import asyncio
import os
import selectors
import stat
import sys
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from ..child import TABLE, VirtualChild
from ..clock import CLOCK, REAL
from . import door, inherit
from .outside import socket_leads_out

_TRANSPORT_FILE = os.path.join(os.path.dirname(asyncio.__file__), "unix_events.py")
_BLINK_S = 0.005
_GLANCE_FRAMES = 6
_TELLING_NS = 10**9
"""Real nanoseconds after which nobody is thought to be bringing the word any more."""


def asking_loop() -> tuple[asyncio.AbstractEventLoop, Any] | None:
    """The loop whose subprocess transport is making the present spawn, if one is, and that transport.

    ``subprocess.run`` inside a coroutine blocks the loop and is not meant, so a running loop is not
    enough: the call has to come from ``_UnixSubprocessTransport._start``.
    """
    loop = asyncio._get_running_loop()
    if loop is None:
        return None
    if not CLOCK.on and not isinstance(getattr(loop, "_selector", None), selectors.BaseSelector | _Selector):
        return None
    frame = sys._getframe(1)
    for _ in range(_GLANCE_FRAMES):
        if frame.f_code.co_filename == _TRANSPORT_FILE:
            return loop, frame.f_locals.get("self")
        if frame.f_back is None:
            break
        frame = frame.f_back
    return None


def now_of(loop: asyncio.AbstractEventLoop) -> Callable[[], int]:
    """The loop's clock, in nanoseconds."""
    return lambda: round(loop.time() * 1e9)


def attach(loop: asyncio.AbstractEventLoop, transport: Any, pid: int) -> None:
    """``loop`` waits for this child, and ``transport`` is to be told of its end."""
    child = TABLE.get(pid)
    if isinstance(child, VirtualChild) and not child.clocked:
        pace = _pace_of(loop)
        pace.children.add(child)
        pace.transports[child] = transport
    elif child is None:
        # A command that is never taped: it takes its real time.
        _REAL.setdefault(loop, weakref.WeakSet()).add(transport)


_REAL: weakref.WeakKeyDictionary[Any, weakref.WeakSet[Any]] = weakref.WeakKeyDictionary()


def _awaits_real(loop: Any) -> bool:
    """Whether the loop waits for a real child."""
    return any(getattr(one, "_returncode", 0) is None for one in _REAL.get(loop, ()))


class _Pace:
    """The tape time of one loop."""

    def __init__(self, loop: Any) -> None:
        self.children: set[VirtualChild] = set()
        self.transports: weakref.WeakKeyDictionary[VirtualChild, Any] = weakref.WeakKeyDictionary()
        self.tellers: dict[VirtualChild, Callable[[], None]] = {}
        self.skipped_s = 0.0
        self._ended_ns: weakref.WeakKeyDictionary[VirtualChild, int] = weakref.WeakKeyDictionary()
        self._loop = weakref.ref(loop)
        self._real_time: Callable[[], float] = loop.time
        loop.time = self.time
        loop._selector = _Selector(loop._selector, self)

    def time(self) -> float:
        """Stands in for ``loop.time``: waits that were cut short count in full."""
        return self._real_time() + self.skipped_s

    def now_ns(self) -> int:
        """The same in nanoseconds."""
        return round(self.time() * 1e9)

    def awaits_real(self) -> bool:
        """Whether the loop waits for a real child, too."""
        loop = self._loop()
        return loop is not None and _awaits_real(loop)

    def telling(self) -> bool:
        """Whether the word that a child has ended is on its way to the loop.

        Some of asyncio's watchers bring it from a thread of theirs, and time must not go on meanwhile.
        """
        now_ns = REAL.monotonic_ns()
        for child, transport in list(self.transports.items()):
            if child.status is None:
                continue
            ended_ns = self._ended_ns.setdefault(child, now_ns)
            if getattr(transport, "_returncode", 0) is None and now_ns - ended_ns < _TELLING_NS:
                return True
            del self.transports[child]
        return False

    def living(self) -> list[VirtualChild]:
        """The children that have not ended; each has moved as far as it can now."""
        living = []
        for child in tuple(self.children):
            child.step()
            if child.status is not None and (tell := self.tellers.pop(child, None)) is not None:
                tell()
            if child.status is not None and not child.busy:
                self.children.discard(child)
            else:
                living.append(child)
        return living


def add_child_handler(watcher: Any, pid: int, callback: Callable[..., object], *args: Any) -> None:
    """Stands in for ``ThreadedChildWatcher.add_child_handler``, which starts a thread that waits.

    A virtual child's end is seen when the loop selects, and then what the thread would do takes no time.
    """
    loop, child = asyncio.get_running_loop(), TABLE.get(pid)
    pace = _PACES.get(loop)
    if pace is None or not isinstance(child, VirtualChild) or child not in pace.children:
        _REAL_ADD_CHILD_HANDLER(watcher, pid, callback, *args)
        return
    handler = door.current()

    def tell() -> None:
        with door.inherited(handler):
            watcher._do_waitpid(loop, pid, callback, args)

    watcher._threads[pid] = _NOBODY
    pace.tellers[child] = tell


class _Nobody:
    """Stands in for the thread; the watcher takes it out again, and asks whether it is alive when it goes."""

    def is_alive(self) -> bool:
        return False


_NOBODY = _Nobody()


_NAME = "ThreadedChildWatcher" if sys.version_info < (3, 14) else "_ThreadedChildWatcher"
_WATCHER: Any = getattr(asyncio.unix_events, _NAME, None)
_REAL_ADD_CHILD_HANDLER: Callable[..., None] = getattr(_WATCHER, "add_child_handler", add_child_handler)


def replacements() -> list[tuple[Any, str, Any]]:
    """What is to stand in for what."""
    return [] if _WATCHER is None else [(_WATCHER, "add_child_handler", add_child_handler)]


_PACES: weakref.WeakKeyDictionary[Any, _Pace] = weakref.WeakKeyDictionary()


def _pace_of(loop: asyncio.AbstractEventLoop) -> _Pace:
    pace = _PACES.get(loop)
    if pace is None:
        pace = _PACES[loop] = _Pace(loop)
    return pace


class _Selector:
    """The loop's selector, which knows when there is only time left to wait for."""

    def __init__(self, inner: selectors.BaseSelector, pace: _Pace) -> None:
        self._inner = inner
        self._pace = pace

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Stands in for :meth:`selectors.BaseSelector.select`."""
        pace = self._pace
        if not pace.children and not pace.transports:
            return self._inner.select(timeout)
        deadline = None if timeout is None else pace.time() + timeout
        while True:
            living = pace.living()
            ready = self._inner.select(0)
            if ready or (timeout is not None and timeout <= 0):
                return ready
            left = None if deadline is None else deadline - pace.time()
            if left is not None and left <= 0:
                return ready
            telling = pace.telling()
            if not living and not telling:
                return self._inner.select(left)
            if telling or pace.awaits_real() or inherit.in_flight() or _reaches_out(self._inner.get_map()):
                ready = self._inner.select(_BLINK_S if left is None else min(left, _BLINK_S))
                if ready:
                    return ready
                continue
            if not self._jump(living, deadline):
                # Only another thread can end this: one that sends the child what it waits for. Nobody
                # else looks whether it has ended of that.
                ready = self._inner.select(min(left or _BLINK_S, _BLINK_S) if pace.tellers else left)
                if ready or not pace.tellers:
                    return ready

    def _jump(self, living: list[VirtualChild], deadline: float | None) -> bool:
        """Let the time pass until something is due; whether anything is."""
        due = [at_ns for child in living if (at_ns := child.due_ns()) is not None]
        if deadline is not None:
            due.append(round(deadline * 1e9))
        if not due:
            return False
        self._pace.skipped_s += max(0.0, (min(due) - self._pace.now_ns()) / 1e9) + 1e-9
        return True


def _reaches_out(watched: Mapping[Any, selectors.SelectorKey] | None) -> bool:
    """Whether the loop watches a socket that leads elsewhere than to a child or to itself."""
    for key in (watched or {}).values():
        try:
            if stat.S_ISSOCK(os.fstat(key.fd).st_mode) and socket_leads_out(key.fd):
                return True
        except OSError:
            continue
    return False
