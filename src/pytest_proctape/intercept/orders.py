"""A process of :mod:`multiprocessing` that a test starts is told that it is replayed, or recorded.

It may outlive its test, as the workers of a pool do. What it starts when no tape is active is real again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from ..genuine import threading
from ..owned import Owned
from ..workers import Order, Patterns
from . import door, reports

PROCESSES = "multiprocessing.process"
_KEY = "_pytest_proctape"
_LOCK = threading.RLock()
_FDS = Owned()


def replacements() -> list[tuple[Any, str, Any]]:
    """``(where, name, what)`` for what starts such a process; nothing where nobody has imported it."""
    base = getattr(sys.modules.get(PROCESSES), "BaseProcess", None)
    return [] if base is None else [(base, "start", _starting(base.start))]


def _starting(real: Callable[[Any], None]) -> Callable[[Any], None]:
    def start(self: Any) -> None:
        handler = door.current()
        if handler is None or door.is_let_through() or getattr(handler, "mode", "") == "live":
            real(self)
            return
        # First: what the work itself imports in the worker may start something, too.
        attributes, kept = vars(self), dict(vars(self))
        attributes.clear()
        attributes.update({_KEY: _order(), **kept})
        try:
            real(self)
        finally:
            attributes.pop(_KEY, None)

    start.__doc__ = real.__doc__
    return start


def _order() -> Order:
    patterns: Patterns | None = getattr(door.current(), "live", None)
    # A worker that has none need not import what reads them.
    return Order(patterns or None, _pipes, refuses=door.is_replaying())


def _pipes() -> tuple[Any, Any]:
    from multiprocessing.reduction import DupFd

    return DupFd(reports.writer()), DupFd(life())


def life() -> int:
    """The end of a pipe that nobody writes to: the other one is open as long as orders hold."""
    with _LOCK:
        # An interrupt may have come between the two.
        if len(_FDS) != 2:
            _FDS.close_all()
            _FDS.high_pair(os.pipe)
        _, end = _FDS
        return end


def retire() -> None:
    """No tape is active any more, and no order holds."""
    _FDS.close_all()


os.register_at_fork(after_in_child=_FDS.close_all)
