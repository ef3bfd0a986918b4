"""Waits for another thread under a mock clock: the locks of :mod:`threading`, and the end of a thread."""

from __future__ import annotations

import queue
import threading
from functools import partial
from typing import Any

from ..clock import CLOCK, Wait
from .inherit import is_worker
from .pausing import clocked, deadline_after, monotonic

_REAL_JOIN = threading.Thread.join
_NEW_LOCK = threading.Lock
_LOOK_S = 0.005


class WaiterLock:
    """Stands in for the lock by which :class:`threading.Condition` waits, and all that is made of it."""

    def __init__(self) -> None:
        self._lock = _NEW_LOCK()
        self._wait: Wait | None = None

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """As that of a lock."""
        if self._lock.acquire(blocking=False):
            return True
        if not blocking or timeout == 0:
            return False
        if not clocked():
            return self._lock.acquire(blocking, timeout)
        limit_ns = deadline_after(None if timeout < 0 else timeout)
        self._wait = Wait(limit_ns, lambda: not self._lock.locked())
        while CLOCK.waits.block(self._wait):
            if self._lock.acquire(blocking=False):
                return True
        return False

    def release(self) -> None:
        """As that of a lock."""
        self._lock.release()
        if self._wait is not None:
            self._wait.wake()

    def locked(self) -> bool:
        """As that of a lock."""
        return self._lock.locked()

    __enter__ = acquire

    def __exit__(self, *_: object) -> None:
        self.release()


def new_lock() -> Any:
    """Stands in for ``threading._allocate_lock``."""
    return WaiterLock() if clocked() else _NEW_LOCK()


class _JoinWait(Wait):
    """The end of a thread that does not take part is told by nobody."""

    def sleep(self, limit_s: float | None) -> None:
        super().sleep(_LOOK_S if limit_s is None else min(limit_s, _LOOK_S))


def join(self: threading.Thread, timeout: float | None = None) -> None:
    """Stands in for :meth:`threading.Thread.join`."""
    if not clocked() or self.ident is None or self is threading.current_thread():
        return _REAL_JOIN(self, timeout)
    ident, waits = self.ident, CLOCK.waits
    deadline_ns = deadline_after(None if timeout is None else max(0, timeout))
    while self.is_alive():
        takes_part = waits.takes_part(ident)
        if not takes_part and _is_ending(self):
            # It needs no time for that but real time, which does not count.
            _REAL_JOIN(self, _LOOK_S)
        elif not waits.block(_JoinWait(deadline_ns, partial(_has_changed, self, ident, takes_part))):
            return None
        elif takes_part and not waits.takes_part(ident) and not _is_worker(self):
            return _REAL_JOIN(self)
    return _REAL_JOIN(self)


def _has_changed(thread: threading.Thread, ident: int, takes_part: bool) -> bool:
    return not thread.is_alive() or CLOCK.waits.takes_part(ident) != takes_part


def _is_ending(thread: Any) -> bool:
    """Whether it has run, or is a worker of a pool that gets no more jobs, between two or behind the last."""
    if not hasattr(thread, "_target"):
        return True
    pool = thread._args[0]() if _is_worker(thread) else thread
    return pool is None or getattr(pool, "_shutdown", False)


def _is_worker(thread: Any) -> bool:
    """Whether it takes jobs of a pool: they take part, and it does not."""
    return is_worker(getattr(thread, "_target", None))


def replacements() -> list[tuple[Any, str, Any]]:
    """``(where, name, what)``: attributes of modules and classes to be replaced under a mock clock."""
    return [
        (threading, "_allocate_lock", new_lock),
        (threading, "_time", monotonic),
        (threading.Thread, "join", join),
        (queue, "time", monotonic),
    ]
