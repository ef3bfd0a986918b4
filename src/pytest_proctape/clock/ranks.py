"""The locks of a mock clock, and how a handler of a signal gets past those that its own thread holds.

Python runs a handler in the middle of whatever the main thread does: a read of the timeline, say, with its
lock held. What the handler waits for another thread may have to do, and that one may need the very lock. So
who is about to wait, for a lock or for anything else, lets go of the inner ones that its thread holds until
it goes on: as far as those who held them can tell, the handler itself has done what others did. See
``docs/decisions/0029``.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import starmap
from typing import Any, Self, cast

from ..genuine import _thread, threading
from ..undo import to_its_end

_RLock = cast(Any, _thread.RLock)
"""In C: a ``with`` that has it enters and leaves it with no interrupt between. It has the methods by which a
:class:`threading.Condition` lets go of it and takes it again.
"""


class Ranks:
    """The inner locks of one clock: each is held for a moment, and nobody waits under it but in a handler."""

    def __init__(self) -> None:
        self._inner: list[threading.RLock] = []

    def new_inner(self) -> threading.RLock:
        """A lock to be taken behind all that there are."""
        lock: threading.RLock = _RLock()
        self._inner.append(lock)
        return lock

    @contextmanager
    def let_go(self, *outer: threading.RLock) -> Iterator[None]:
        """Around what this thread waits for: the locks in the middle of which a handler has come are free.

        Args:
            outer: more of them, the outermost first.
        """
        held: list[tuple[object, object]] = []

        def take_again() -> None:
            # The last one is the outermost. In one go, so that an interrupt finds each either here or taken.
            with contextlib.suppress(IndexError):
                deque(starmap(_RLock._acquire_restore, iter(held.pop, None)), 0)

        try:
            for lock in reversed([*outer, *self._inner]):
                if _RLock._is_owned(lock):
                    held.extend(zip((lock,), map(_RLock._release_save, (lock,)), strict=True))
            yield
        finally:
            to_its_end(take_again)


def outer_lock(ranks: Ranks | None) -> threading.RLock:
    """A lock under which a clock is read, if there is one."""
    return threading.RLock() if ranks is None else cast(threading.RLock, OuterLock(ranks))


class OuterLock(_RLock):  # type: ignore[misc, valid-type] # mypy knows it as final
    """A lock that is taken before the inner ones of a clock."""

    def __new__(cls, *_: object) -> Self:
        """As that of the class above, which takes nothing."""
        made: Self = super().__new__(cls)
        return made

    def __init__(self, ranks: Ranks) -> None:
        """One that nobody holds.

        Args:
            ranks: of the clock that is read under it.
        """
        super().__init__()
        self._ranks = ranks

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """As ever; who has to wait for it has let go of the inner ones meanwhile."""
        # Told by C, so that an interrupt which comes at once finds that it is taken.
        taken: list[bool] = []
        try:
            taken.extend(map(super().acquire, (False,)))
            if blocking and not taken[0]:
                with self._ranks.let_go():
                    taken.extend(map(super().acquire, (True,), (timeout,)))
            return taken[-1]
        except BaseException:
            if taken and taken[-1]:
                self.release()
            raise

    __enter__ = acquire
