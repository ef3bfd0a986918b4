"""Descriptors of our own that no interrupt loses.

Python runs handlers of signals, that of Ctrl-C too, between any two of its instructions, so one that has just
made a descriptor may be the last to know its number. What is written in C is not interrupted so: here ``map``
asks ``tee`` for the number, which asks the call that makes it, and has it kept in a dictionary; and ``map``
takes it out of there and closes it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections import deque
from collections.abc import Callable, Iterator
from itertools import chain, repeat, starmap, tee
from operator import itemgetter
from typing import TypeVar

HIGH = 400
"""Where our own descriptors begin; select(2) takes none above 1023, and macOS allows 256 by default."""
_CLOSE = os.close
"""As it was when the package was imported: gevent's may switch to another greenlet."""
_NOTHING: tuple[()] = ()
_FIRST = itemgetter(0)

_T = TypeVar("_T")


class Owned(dict[int, int]):
    """Some of them, each under its own number.

    They are closed with the last who has this object, if not before.
    """

    # No `__init__`: one which is interrupted while it is made has what it needs.

    def take(self, make: Callable[..., int], *arguments: object) -> int:
        """Call what makes one; it has to be written in C."""
        [fd] = map(self.setdefault, *tee(starmap(make, (arguments,))))
        return fd

    def pairs(self, make: Callable[[], tuple[int, int]], count: int) -> Iterator[int]:
        """Call what makes two, as :func:`os.pipe` does, so often; it has to be written in C.

        They are made one by one, as they are asked for.
        """
        return map(self.setdefault, *tee(chain.from_iterable(starmap(make, repeat(_NOTHING, count)))))

    def pair(self, make: Callable[[], tuple[int, int]]) -> tuple[int, int]:
        """The same, once."""
        one, other = self.pairs(make, 1)
        return one, other

    def socket_pair(self) -> tuple[int, int]:
        """Two sockets that are connected."""
        # Below `socket`, whose function is another's under gevent.
        import _socket

        one, other = map(self.setdefault, *tee(map(_socket.socket.detach, _socket.socketpair())))
        return one, other

    def duplicate(self, fd: int) -> int:
        """A duplicate of ``fd`` under a high number; see :func:`.out_of_the_way`."""
        try:
            return self.take(fcntl.fcntl, fd, fcntl.F_DUPFD_CLOEXEC, HIGH)
        except OSError:
            # All of those are taken, or there may be none as high. Most runs never need the module.
            import resource

            lowest = min(HIGH, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)
        try:
            return self.take(fcntl.fcntl, fd, fcntl.F_DUPFD_CLOEXEC, lowest)
        except OSError:
            return self.take(os.dup, fd)

    def moved(self, fd: int) -> int:
        """One of these, under a high number."""
        high = self.duplicate(fd)
        self.close(fd)
        return high

    def high_pair(self, make: Callable[[], tuple[int, int]]) -> tuple[int, int]:
        """As :meth:`pair`, under high numbers."""
        one, other = self.pair(make)
        return self.moved(one), self.moved(other)

    def close(self, fd: int) -> None:
        """Close it, if it is one of these. May be called again, and somebody else may have closed it."""
        # Not by `suppress`: a recorded spawn closes half a dozen.
        try:
            deque(map(_CLOSE, map(self.pop, (fd,))), 0)
        except (KeyError, OSError):
            pass

    def given(self, fd: int, make: Callable[[int], _T]) -> _T:
        """What is made of it and closes it from now on; ``make`` has to be written in C."""
        [made] = map(make, map(self.pop, (fd,)))
        return made

    def close_all(self) -> None:
        """Close all of them."""
        while self:
            with contextlib.suppress(KeyError, OSError):
                deque(map(_CLOSE, map(_FIRST, starmap(self.popitem, (_NOTHING,)))), 0)

    def __del__(self) -> None:
        for fd in self:
            with contextlib.suppress(OSError):
                _CLOSE(fd)
