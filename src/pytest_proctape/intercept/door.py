"""Which session answers a spawn of this thread, and the shape of the question.

A thread sees the session that was active in the thread that started it (see :mod:`.inherit`); a thread
from outside sees none and gets the real thing.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from ..child import Started, Wiring
from ..errors import UnsupportedSpawn
from ..tape import Spawn

Launch = Callable[[Wiring], Started]
"""The real call, with the wiring to start the child with."""


class Replayer(Protocol):
    """A session that never starts a process: it is never handed the means to."""

    closed: bool

    def replay(self, spawn: Spawn, wiring: Wiring) -> Started:
        """Start a virtual child.

        Raises:
            ProctapeError: the tape has no such spawn here.
        """

    def refused(self, error: UnsupportedSpawn) -> None:
        """A spawn that can't be replayed was refused; its caller may swallow the error."""


class Recorder(Protocol):
    """A session that may start processes."""

    closed: bool

    def record(self, spawn: Spawn, wiring: Wiring, launch: Launch) -> Started:
        """Start a real child, or a virtual one."""


Handler = Replayer | Recorder


class _Local(threading.local):
    handler: Handler | None = None


_LOCAL = _Local()
_forked = False


def current() -> Handler | None:
    """The session of this thread."""
    return _LOCAL.handler


@contextmanager
def bound(handler: Handler | None) -> Iterator[None]:
    """Make ``handler`` the session of this thread for a while."""
    before, _LOCAL.handler = _LOCAL.handler, handler
    try:
        yield
    finally:
        _LOCAL.handler = before


def bind(handler: Handler | None) -> Handler | None:
    """Make ``handler`` the session of this thread; the one before."""
    before, _LOCAL.handler = _LOCAL.handler, handler
    return before


def is_replaying() -> bool:
    """Whether a real process must not be started by this thread."""
    handler = _LOCAL.handler
    return handler is not None and not hasattr(handler, "record")


def spawn(request: Spawn, wiring: Wiring, launch: Launch, live: Callable[[], int]) -> Started:
    """Take a spawn to the session of this thread.

    Args:
        request: what is asked for.
        wiring: the child's descriptors as the caller gave them.
        launch: the real call with another wiring; only a recorder gets it.
        live: the real call as it was made, for a thread that has no session.

    Raises:
        UnsupportedSpawn: on replay, in a process that was forked from the test's or after its end.
    """
    handler = _LOCAL.handler
    if handler is None:
        return Started(live())
    replaying = not hasattr(handler, "record")
    if _forked or handler.closed:
        if replaying:
            raise refuse(request.road, "in a forked process" if _forked else "after its test had ended")
        return Started(live())
    if replaying:
        return handler.replay(request, wiring)  # type: ignore[union-attr]
    return handler.record(request, wiring, launch)  # type: ignore[union-attr]


def refuse(road: str, circumstance: str = "") -> UnsupportedSpawn:
    """The error for a road that is closed on replay; the session is told, so that the test fails.

    Returns:
        the error, to be raised where the call was made.
    """
    reason = "can't be replayed, and a replay starts no real process"
    if circumstance:
        reason = f"made {circumstance}; that {reason}"
    error = UnsupportedSpawn(road, reason)
    handler = _LOCAL.handler
    if handler is not None and hasattr(handler, "refused"):
        handler.refused(error)
    return error


def _after_fork_in_child() -> None:
    global _forked
    _forked = True


os.register_at_fork(after_in_child=_after_fork_in_child)


def is_forked() -> bool:
    """Whether this process was forked from the one that imported the package."""
    return _forked
