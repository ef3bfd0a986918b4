"""Work that is handed to a pool of threads belongs to the test that hands it in: the pool may be older.

:mod:`.inherit` asks for it where there are such pools: who has none has not loaded what makes them, and does
not load it for our sake.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.thread import _WorkItem
from typing import Any

from ..clock import CLOCK
from . import door, inherit, pausing

_REAL_SUBMIT = ThreadPoolExecutor.submit
_REAL_RUN_JOB: Callable[..., Any] = _WorkItem.run
_FUTURES: set[Future[Any]] = set()


def submit(self: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
    """Stands in for :meth:`ThreadPoolExecutor.submit`."""
    if door.current() is None:
        return _REAL_SUBMIT(self, fn, *args, **kwargs)
    begun: list[Future[Any]] = []
    ticket = None
    if pausing.clocked():
        ticket = CLOCK.waits.expect(lambda: not any(one.running() for one in begun) and _has_room(self))
    future = _REAL_SUBMIT(self, inherit.heir(fn), *args, **kwargs)
    if ticket is not None:
        begun.append(future)
        future.add_done_callback(lambda _: CLOCK.waits.forget(ticket))
    _FUTURES.add(future)
    future.add_done_callback(_FUTURES.discard)
    return future


def run_job(self: Any, *args: Any) -> Any:
    """Stands in for ``_WorkItem.run``: a job takes part until those who wait for it have been told."""
    function = self.fn if hasattr(self, "fn") else self.task[0]
    if not CLOCK.in_use or not inherit.is_heir(function):
        return _REAL_RUN_JOB(self, *args)
    with CLOCK.waits.taking_part():
        return _REAL_RUN_JOB(self, *args)


def in_flight() -> bool:
    """Whether work that a taped thread handed to a pool is still under way."""
    return bool(_FUTURES)


def _has_room(pool: Any) -> bool:
    """Whether a worker of the pool is about to take a job."""
    threads = getattr(pool, "_threads", ())
    busy = sum(1 for one in list(threads) if CLOCK.waits.takes_part(one.ident or 0))
    return busy < getattr(pool, "_max_workers", 1)


def replacements() -> list[tuple[Any, str, Any]]:
    """``(where, name, what)``."""
    return [(ThreadPoolExecutor, "submit", submit), (_WorkItem, "run", run_job)]
