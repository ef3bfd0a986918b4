"""Descriptors of our own that no interrupt loses.

Python runs handlers of signals, that of Ctrl-C too, between any two of its instructions, so one that has just
made a descriptor may be the last to know its number. What is written in C is not interrupted so: here
``list.extend`` asks ``map`` for the number and has it in the list, and ``map`` takes a number out and closes
it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections import deque
from collections.abc import Callable
from itertools import chain, starmap
from typing import TypeVar

_HIGH = 400
"""Where our own descriptors begin; select(2) takes none above 1023, and macOS allows 256 by default."""
_ONCE: tuple[tuple[()], ...] = ((),)

_T = TypeVar("_T")


def duplicate_into(cell: list[int], fd: int) -> None:
    """Add a duplicate of ``fd`` with a high number to ``cell``; ``fd`` stays open."""
    try:
        cell.extend(map(fcntl.fcntl, (fd,), (fcntl.F_DUPFD_CLOEXEC,), (_HIGH,)))
        return
    except OSError:
        # All of those are taken, or there may be none as high. Most runs never need the module.
        import resource

        lowest = min(_HIGH, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)
    try:
        cell.extend(map(fcntl.fcntl, (fd,), (fcntl.F_DUPFD_CLOEXEC,), (lowest,)))
    except OSError:
        cell.extend(map(os.dup, (fd,)))


class Owned:
    """Some of them. They are closed with the last who has this object, if not before.

    Who makes and closes them does so in one thread at a time.
    """

    # Of the class, so that one which was interrupted while it was made has it.
    _cells: tuple[list[int], ...] = ()

    def _cell(self) -> list[int]:
        # Another one each time: a handler may come between, and add its own.
        cell: list[int] = []
        self._cells += (cell,)
        return cell

    def take(self, make: Callable[..., int], *arguments: object) -> int:
        """Call what makes one; it has to be written in C."""
        cell = self._cell()
        cell.extend(starmap(make, (arguments,)))
        return cell[0]

    def pair(self, make: Callable[[], tuple[int, int]]) -> tuple[int, int]:
        """Call what makes two, as :func:`os.pipe` does; it has to be written in C."""
        cell = self._cell()
        cell.extend(chain.from_iterable(starmap(make, _ONCE)))
        return cell[0], cell[1]

    def socket_pair(self) -> tuple[int, int]:
        """Two sockets that are connected."""
        import socket

        cell = self._cell()
        cell.extend(map(socket.socket.detach, socket.socketpair()))
        return cell[0], cell[1]

    def duplicate(self, fd: int) -> int:
        """A duplicate of ``fd`` under a high number; see :func:`.out_of_the_way`."""
        cell = self._cell()
        duplicate_into(cell, fd)
        return cell[0]

    def moved(self, fd: int) -> int:
        """One of these, under a high number."""
        high = self.duplicate(fd)
        self.close(fd)
        return high

    def high_pair(self, make: Callable[[], tuple[int, int]]) -> tuple[int, int]:
        """As :meth:`pair`, under high numbers."""
        one, other = self.pair(make)
        return self.moved(one), self.moved(other)

    def __contains__(self, fd: int) -> bool:
        # Asked for each read: a generator would take three times as long.
        for cell in self._cells:  # noqa: SIM110 - as above
            if fd in cell:
                return True
        return False

    def close(self, fd: int) -> None:
        """Close it, if it is one of these. May be called again, and somebody else may have closed it."""
        for cell in self._cells:
            if fd in cell:
                # Not by `suppress`: a recorded spawn closes half a dozen.
                try:
                    deque(map(os.close, map(cell.pop, map(cell.index, (fd,)))), 0)
                except (ValueError, OSError):
                    pass
                return

    def given(self, fd: int, make: Callable[[int], _T]) -> _T:
        """What is made of it and closes it from now on; ``make`` has to be written in C."""
        cell = next(cell for cell in self._cells if fd in cell)
        [made] = map(make, map(cell.pop, map(cell.index, (fd,))))
        return made

    def close_all(self) -> None:
        """Close all of them."""
        for cell in self._cells:
            while cell:
                with contextlib.suppress(IndexError, OSError):
                    deque(map(os.close, map(cell.pop, (-1,))), 0)

    def __del__(self) -> None:
        for fd in chain(*self._cells):
            with contextlib.suppress(OSError):
                os.close(fd)
