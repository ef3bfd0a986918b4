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
from concurrent.futures.thread import _worker, _WorkItem
from contextlib import contextmanager
from types import FrameType
from typing import Any

from ..child import stall
from ..clock import CLOCK, Ticket
from . import door, pausing

_REAL_START_NEW_THREAD = _thread.start_new_thread
_REAL_START_JOINABLE: Callable[..., Any] | None = getattr(_thread, "start_joinable_thread", None)
_REAL_SUBMIT = ThreadPoolExecutor.submit
_REAL_RUN_JOB: Callable[..., Any] = _WorkItem.run
_MARK = "pytest_proctape_heir"
_TRIO_CACHE = "trio._core._thread_cache"
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
    begun: list[Future[Any]] = []
    ticket = None
    if pausing.clocked():
        ticket = CLOCK.waits.expect(lambda: not any(one.running() for one in begun) and _has_room(self))
    future = _REAL_SUBMIT(self, _heir(fn), *args, **kwargs)
    if ticket is not None:
        begun.append(future)
        future.add_done_callback(lambda _: CLOCK.waits.forget(ticket))
    _FUTURES.add(future)
    future.add_done_callback(_FUTURES.discard)
    return future


def run_job(self: Any, *args: Any) -> Any:
    """Stands in for ``_WorkItem.run``: a job takes part until those who wait for it have been told."""
    function = self.fn if hasattr(self, "fn") else self.task[0]
    if not CLOCK.in_use or not hasattr(function, _MARK):
        return _REAL_RUN_JOB(self, *args)
    with CLOCK.waits.taking_part():
        return _REAL_RUN_JOB(self, *args)


def _trio_job(real: Callable[..., Any]) -> Callable[..., Any]:
    """What stands in for trio's ``ThreadCache.start_thread_soon``, whose threads outlive their jobs."""

    def start_thread_soon(self: Any, fn: Any, deliver: Any, *args: Any, **kwargs: Any) -> Any:
        if not pausing.clocked():
            return real(self, fn, deliver, *args, **kwargs)
        waits = CLOCK.waits
        ticket = waits.expect()

        def run() -> Any:
            waits.enter(ticket)
            return fn()

        def tell(result: Any) -> Any:
            try:
                return deliver(result)
            finally:
                waits.leave()

        return real(self, run, tell, *args, **kwargs)

    return start_thread_soon


def _has_room(pool: Any) -> bool:
    """Whether a worker of the pool is about to take a job."""
    threads = getattr(pool, "_threads", ())
    busy = sum(1 for one in list(threads) if CLOCK.waits.takes_part(one.ident or 0))
    return busy < getattr(pool, "_max_workers", 1)


@contextmanager
def _expected(function: object) -> Iterator[Ticket | None]:
    """Around the start of a thread: under a mock clock, time does not go on until the thread runs."""
    if not pausing.clocked() or _runs_tests():
        yield None
        return
    if _is_pool_worker(function):
        # Whoever starts it waits until it has begun.
        started = function.__self__._started  # type: ignore[attr-defined]
        CLOCK.waits.expect(lambda: not started.is_set(), passing=True)
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
    target = getattr(getattr(function, "__self__", None), "_target", None)
    return target is _worker or getattr(target, "__module__", "") == _TRIO_CACHE


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

    setattr(run, _MARK, True)
    return run


def clocked_replacements() -> list[tuple[Any, str, Any]]:
    """The same for what only matters under a mock clock."""
    found: list[tuple[Any, str, Any]] = [(_WorkItem, "run", run_job)]
    cache = getattr(sys.modules.get(_TRIO_CACHE), "ThreadCache", None)
    if cache is not None:
        found.append((cache, "start_thread_soon", _trio_job(cache.start_thread_soon)))
    return found


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
