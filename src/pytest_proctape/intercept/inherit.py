"""What a thread starts belongs to the test of the thread that started it.

Threads inherit the session of their parent, and work handed to a pool that of whoever handed it in:
the pool may be older than the test.
"""

from __future__ import annotations

import _thread
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.thread import _worker
from contextlib import contextmanager
from types import FrameType
from typing import Any

from ..child import stall
from ..clock import CLOCK, Ticket
from . import door, pausing

_REAL_START_NEW_THREAD = _thread.start_new_thread
_REAL_START_JOINABLE: Callable[..., Any] | None = getattr(_thread, "start_joinable_thread", None)
_REAL_SUBMIT = ThreadPoolExecutor.submit
_BETWEEN = frozenset({__name__, "threading", "contextlib"})


def start_new_thread(function: Callable[..., Any], args: Any, kwargs: Any = None, /) -> int:
    """Stands in for :func:`_thread.start_new_thread`."""
    rest = () if kwargs is None else (kwargs,)
    with _expected(function) as ticket:
        return _REAL_START_NEW_THREAD(_heir(function, ticket), args, *rest)


def start_joinable_thread(function: Callable[[], Any], handle: Any = None, daemon: bool = True) -> Any:
    """Stands in for ``_thread.start_joinable_thread`` (3.13 and later)."""
    assert _REAL_START_JOINABLE is not None
    with _expected(function) as ticket:
        return _REAL_START_JOINABLE(_heir(function, ticket), handle=handle, daemon=daemon)


def submit(self: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
    """Stands in for :meth:`ThreadPoolExecutor.submit`."""
    if door.current() is None:
        return _REAL_SUBMIT(self, fn, *args, **kwargs)
    ticket = CLOCK.waits.expect(lambda: _has_room(self)) if pausing.clocked() else None
    future = _REAL_SUBMIT(self, _heir(fn, ticket), *args, **kwargs)
    if ticket is not None:
        # One that is cancelled never begins.
        future.add_done_callback(lambda _: CLOCK.waits.forget(ticket))
    _FUTURES.add(future)
    future.add_done_callback(_FUTURES.discard)
    return future


def _has_room(pool: Any) -> bool:
    """Whether a worker of the pool is about to take a job."""
    threads = getattr(pool, "_threads", ())
    busy = sum(1 for one in list(threads) if CLOCK.waits.takes_part(one.ident or 0))
    return busy < getattr(pool, "_max_workers", 1)


@contextmanager
def _expected(function: object) -> Iterator[Ticket | None]:
    """Around the start of a thread: under a mock clock, time does not go on until the thread runs."""
    if not pausing.clocked() or _is_pool_worker(function) or _runs_tests():
        yield None
        return
    ticket = CLOCK.waits.expect()
    try:
        yield ticket
    except BaseException:
        CLOCK.waits.forget(ticket)
        raise


def _is_pool_worker(function: object) -> bool:
    """Whether the thread waits for jobs: then the jobs take part, and not the thread."""
    return getattr(getattr(function, "__self__", None), "_target", None) is _worker


def _runs_tests() -> bool:
    """Whether the thread is one by which the tests are run: it keeps a time limit, say."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name not in _BETWEEN:
            return str(name).startswith("pytest_timeout")
        frame = frame.f_back
    return False


_FUTURES: set[Future[Any]] = set()


def in_flight() -> bool:
    """Whether work that a taped thread handed to a pool is still under way."""
    return bool(_FUTURES)


def _heir(function: Any, ticket: Ticket | None = None) -> Any:
    handler = door.current()
    if handler is None or not callable(function) or (ticket is None and pausing.clocked() and _runs_tests()):
        return function

    def run(*args: Any, **kwargs: Any) -> Any:
        with stall.at_work(), door.inherited(handler):
            if ticket is None:
                return function(*args, **kwargs)
            with CLOCK.waits.taking_part(ticket):
                return function(*args, **kwargs)

    return run


def replacements() -> list[tuple[Any, str, Any]]:
    """``(where, name, what)`` for the names that start threads in this interpreter."""
    found: list[tuple[Any, str, Any]] = [
        (_thread, "start_new_thread", start_new_thread),
        (ThreadPoolExecutor, "submit", submit),
    ]
    for name, stand_in in (
        ("_start_new_thread", start_new_thread),
        ("_start_joinable_thread", start_joinable_thread),
    ):
        if hasattr(threading, name):
            found.append((threading, name, stand_in))
    return found
