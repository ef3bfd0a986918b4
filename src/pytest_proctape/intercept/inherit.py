"""What a thread starts belongs to the test of the thread that started it.

Threads inherit the session of their parent, and work handed to a pool that of whoever handed it in:
the pool may be older than the test.
"""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from ..child import stall
from . import door

_REAL_START_NEW_THREAD = _thread.start_new_thread
_REAL_START_JOINABLE: Callable[..., Any] | None = getattr(_thread, "start_joinable_thread", None)
_REAL_SUBMIT = ThreadPoolExecutor.submit


def start_new_thread(function: Callable[..., Any], args: Any, kwargs: Any = None, /) -> int:
    """Stands in for :func:`_thread.start_new_thread`."""
    rest = () if kwargs is None else (kwargs,)
    return _REAL_START_NEW_THREAD(_heir(function), args, *rest)


def start_joinable_thread(function: Callable[[], Any], handle: Any = None, daemon: bool = True) -> Any:
    """Stands in for ``_thread.start_joinable_thread`` (3.13 and later)."""
    assert _REAL_START_JOINABLE is not None
    return _REAL_START_JOINABLE(_heir(function), handle=handle, daemon=daemon)


def submit(self: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
    """Stands in for :meth:`ThreadPoolExecutor.submit`."""
    if door.current() is None:
        return _REAL_SUBMIT(self, fn, *args, **kwargs)
    future = _REAL_SUBMIT(self, _heir(fn), *args, **kwargs)
    _FUTURES.add(future)
    future.add_done_callback(_FUTURES.discard)
    return future


_FUTURES: set[Future[Any]] = set()


def in_flight() -> bool:
    """Whether work that a taped thread handed to a pool is still under way."""
    return bool(_FUTURES)


def _heir(function: Callable[..., Any]) -> Callable[..., Any]:
    handler = door.current()
    if handler is None or not callable(function):
        return function

    def run(*args: Any, **kwargs: Any) -> Any:
        with stall.at_work(), door.inherited(handler):
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
