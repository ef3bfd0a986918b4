"""The locks of a mock clock, and how a handler of a signal gets past those that its own thread holds.

Python runs a handler in the middle of whatever the main thread does: a read of the timeline, say, with its
lock held. What the handler waits for another thread may have to do, and that one may need the very lock. So
who is about to wait, for a lock or for anything else, lets go of the inner ones that its thread holds until
it goes on: as far as those who held them can tell, the handler itself has done what others did. See
``docs/decisions/0029``.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast


class Ranks:
    """The inner locks of one clock: each is held for a moment, and nobody waits under it but in a handler."""

    def __init__(self) -> None:
        self._inner: list[threading.RLock] = []

    def new_inner(self) -> threading.RLock:
        """A lock to be taken behind all that there are."""
        lock = threading.RLock()
        self._inner.append(lock)
        return lock

    @contextmanager
    def let_go(self, *outer: threading.RLock) -> Iterator[None]:
        """Around what this thread waits for: the locks in the middle of which a handler has come are free.

        Args:
            outer: more of them, the outermost first.
        """
        # The methods are those by which a `threading.Condition` does the same.
        held: list[tuple[Any, object]] = []
        try:
            for lock in cast(Iterator[Any], reversed([*outer, *self._inner])):
                if lock._is_owned():
                    held.append((lock, lock._release_save()))  # noqa: PERF401 - an interrupt must find it
            yield
        finally:
            for lock, state in reversed(held):
                lock._acquire_restore(state)


def outer_lock(ranks: Ranks | None) -> threading.RLock:
    """A lock under which a clock is read, if there is one."""
    # For all that is done with it, it is one.
    return threading.RLock() if ranks is None else cast(threading.RLock, OuterLock(ranks))


class OuterLock:
    """A lock that is taken before the inner ones of a clock; a :class:`threading.Condition` can have it."""

    def __init__(self, ranks: Ranks) -> None:
        """One that nobody holds.

        Args:
            ranks: of the clock that is read under it.
        """
        self._ranks = ranks
        self._lock = lock = cast(Any, threading.RLock())
        self.release = lock.release
        self._is_owned = lock._is_owned
        self._release_save = lock._release_save

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """As that of :func:`threading.RLock`."""
        taken: bool = self._lock.acquire(blocking=False)
        if not taken and blocking:
            with self._ranks.let_go():
                taken = self._lock.acquire(timeout=timeout)
        return taken

    def _acquire_restore(self, state: object) -> None:
        with self._ranks.let_go():
            self._lock._acquire_restore(state)

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()
