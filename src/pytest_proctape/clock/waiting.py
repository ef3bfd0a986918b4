"""Who waits, and for what: the threads that :mod:`.waits` knows of, and those that are about to begin."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Protocol

from ..genuine import _thread, threading
from .parked import Watch

_NEW_LOCK = _thread.allocate_lock


class Source(Protocol):
    """What takes what it is sent, and does things at certain times: a child."""

    def due_ns(self) -> int | None:
        """When it does the next thing, by the timeline; ``None`` while something else holds it back."""

    def step(self) -> bool:
        """Do what is due, and take what has been sent; whether others may have to do so because of it."""


def never() -> bool:
    """Of a wait that nothing but its deadline ends."""
    return False


class Wait:
    """What one thread waits for.

    Attributes:
        deadline_ns: by the timeline, when it gives up; ``None`` if it never does.
        real: it may be ended by something outside of this process, so time has to pass for real.
        turn: how many began to wait before it.
    """

    real = False

    def __init__(self, deadline_ns: int | None = None, ready: Callable[[], bool] = never) -> None:
        self.deadline_ns = deadline_ns
        self.turn = 0
        self.ready = ready
        self._gate = _NEW_LOCK()
        self._gate.acquire()

    def sleep(self, limit_s: float | None) -> None:
        """Sleep for real until woken, or for ``limit_s``."""
        self._gate.acquire(timeout=-1 if limit_s is None else min(limit_s, threading.TIMEOUT_MAX))

    def wake(self) -> None:
        """Let :meth:`sleep` return, be it the next one."""
        with contextlib.suppress(RuntimeError):
            self._gate.release()


class Participant:
    """A thread that takes part, by what it does at the moment.

    Attributes:
        wait: what it waits for; ``None`` while it is busy.
        entering: it is about to wait, once another one has decided.
        looks: how often it has looked for something in vain at the moment ``looked_at_ns``.
        looked_real_ns: when it did so last, by the real clock.
    """

    def __init__(self) -> None:
        self.wait: Wait | None = None
        self.entering = False
        self.looks = 0
        self.looked_at_ns = self.looked_real_ns = -1
        self._watch = Watch(threading.get_native_id())

    def busy(self) -> bool:
        """It runs, or waits for something that only the world can bring about."""
        return self.wait is None and (self.entering or not self._watch.parked())


class Ticket:
    """Something that is about to become a participant.

    Attributes:
        can_begin: nothing keeps it from beginning, but that it has not yet.
        passing: once it can't begin, it is not expected any more.
    """

    def __init__(self, can_begin: Callable[[], bool], passing: bool) -> None:
        self.can_begin = can_begin
        self.passing = passing
