"""Work that is handed to a pool of threads belongs to the test that hands it in: the pool may be older.

:mod:`.inherit` asks for it where there are such pools: who has none has not loaded what makes them, and does
not load it for our sake.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures.thread import ThreadPoolExecutor, _WorkItem
from typing import Any

from ..clock import CLOCK
from . import door, inherit, pausing

_REAL_SUBMIT = ThreadPoolExecutor.submit
_REAL_RUN_JOB: Callable[..., Any] = _WorkItem.run
_REAL_MAKE_JOB: Callable[..., None] = _WorkItem.__init__
_PREPARE = getattr(getattr(ThreadPoolExecutor, "prepare_context", None), "__func__", None)
"""Says where the work of a pool is done, from 3.14 on."""
_RUN = "pytest_proctape_run"
_FUTURES: set[Future[Any]] = set()


def submit(self: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
    """Stands in for :meth:`ThreadPoolExecutor.submit`."""
    if door.current() is None:
        return _REAL_SUBMIT(self, fn, *args, **kwargs)
    begun: list[Future[Any]] = []
    ticket = None
    if pausing.clocked():
        ticket = CLOCK.waits.expect(lambda: not any(one.running() for one in begun) and _has_room(self))
    work = fn if _runs_elsewhere(self) else inherit.heir(fn)
    future = _REAL_SUBMIT(self, work, *args, **kwargs)
    if ticket is not None:
        begun.append(future)
        future.add_done_callback(lambda _: CLOCK.waits.forget(ticket))
    _FUTURES.add(future)
    future.add_done_callback(_FUTURES.discard)
    return future


def run_job(self: Any, *args: Any) -> Any:
    """Stands in for ``_WorkItem.run``: a job takes part until those who wait for it have been told."""
    run = vars(self).get(_RUN, _REAL_RUN_JOB)
    function = self.fn if hasattr(self, "fn") else self.task[0]
    if not CLOCK.in_use or not (inherit.is_heir(function) or inherit.is_heir(run)):
        return run(self, *args)
    with CLOCK.waits.taking_part():
        return run(self, *args)


def make_job(self: Any, future: Future[Any], task: Any) -> None:
    """Stands in for ``_WorkItem.__init__`` from 3.14 on, where a pool may have its work done elsewhere."""
    _REAL_MAKE_JOB(self, future, task)
    if not inherit.is_heir(task[0]):
        vars(self)[_RUN] = inherit.heir(_REAL_RUN_JOB)


def _runs_elsewhere(pool: ThreadPoolExecutor) -> bool:
    """Whether its work is done in other interpreters: what knows the session can't be handed to one."""
    prepare = getattr(type(pool), "prepare_context", None)
    return getattr(prepare, "__func__", None) is not _PREPARE


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
    found: list[tuple[Any, str, Any]] = [(ThreadPoolExecutor, "submit", submit), (_WorkItem, "run", run_job)]
    return found if _PREPARE is None else [*found, (_WorkItem, "__init__", make_job)]
