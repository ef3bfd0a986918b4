"""What a thread starts belongs to the test of the thread that started it.

Threads inherit the session of their parent. Pools of threads are the affair of :mod:`.pools`.
"""

from __future__ import annotations

import _thread
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, ModuleType
from typing import Any

from ..child import stall
from ..clock import CLOCK, Ticket
from . import door, pausing

_REAL_START_NEW_THREAD = _thread.start_new_thread
_REAL_START_JOINABLE: Callable[..., Any] | None = getattr(_thread, "start_joinable_thread", None)
POOLS = "concurrent.futures.thread"
"""The module that has them."""
_MARK = "pytest_proctape_heir"
_TRIO_CACHE = "trio._core._thread_cache"
_BETWEEN = frozenset({__name__, "threading", "contextlib"})


def start_new_thread(function: Callable[..., Any], args: Any, kwargs: Any = None, /) -> int:
    """Stands in for :func:`_thread.start_new_thread`."""
    rest = () if kwargs is None else (kwargs,)
    with _expected(function) as ticket:
        return _REAL_START_NEW_THREAD(heir(function, ticket), args, *rest)


def start_joinable_thread(function: Callable[[], Any], handle: Any = None, daemon: bool = True) -> Any:
    """Stands in for ``_thread.start_joinable_thread`` (3.13 and later)."""
    assert _REAL_START_JOINABLE is not None
    with _expected(function) as ticket:
        return _REAL_START_JOINABLE(heir(function, ticket), handle=handle, daemon=daemon)


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
    return is_worker(target) or getattr(target, "__module__", "") == _TRIO_CACHE


def _runs_tests() -> bool:
    """Whether the thread is one by which the tests are run: it keeps a time limit, say."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name not in _BETWEEN:
            return str(name).startswith("pytest_timeout")
        frame = frame.f_back
    return False


def heir(function: Any, ticket: Ticket | None = None) -> Any:
    """The same, to be run for the session of this thread; ``ticket`` is of the thread that will run it."""
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


def is_heir(function: object) -> bool:
    """Whether it is what :func:`heir` gives."""
    return hasattr(function, _MARK)


def is_worker(target: object) -> bool:
    """Whether a thread with this target takes the jobs of a pool."""
    return target is not None and target is getattr(sys.modules.get(POOLS), "_worker", None)


def pools() -> ModuleType | None:
    """:mod:`.pools`, where there are pools of threads."""
    # Its class comes last in it, and another thread may be loading it.
    if not hasattr(sys.modules.get(POOLS), "ThreadPoolExecutor"):
        return None
    from . import pools

    return pools


def in_flight() -> bool:
    """Whether work that a taped thread handed to a pool is still under way."""
    found = pools()
    return found is not None and found.in_flight()


def pool_replacements() -> list[tuple[Any, str, Any]]:
    """The same as :func:`replacements` for the pools of threads; nothing where there are none."""
    found = pools()
    return [] if found is None else found.replacements()


def clocked_replacements() -> list[tuple[Any, str, Any]]:
    """The same for what only matters under a mock clock."""
    cache = getattr(sys.modules.get(_TRIO_CACHE), "ThreadCache", None)
    return [] if cache is None else [(cache, "start_thread_soon", _trio_job(cache.start_thread_soon))]


def replacements() -> list[tuple[Any, str, Any]]:
    """``(where, name, what)`` for the names that start threads in this interpreter."""
    found: list[tuple[Any, str, Any]] = []
    for where, name, real, stand_in in (
        (_thread, "start_new_thread", _REAL_START_NEW_THREAD, start_new_thread),
        (threading, "_start_new_thread", _REAL_START_NEW_THREAD, start_new_thread),
        (threading, "_start_joinable_thread", _REAL_START_JOINABLE, start_joinable_thread),
    ):
        # Where somebody has put another there, as gevent does, it starts no thread.
        if vars(where).get(name, found) in (real, stand_in):
            found.append((where, name, stand_in))
    return found
