"""Which files the test's own process has written, and nobody else has changed since.

CPython raises an audit event whenever Python code opens a file or renames one, whoever holds a copy of
``open``: https://docs.python.org/3/library/audit_events.html. A hook can't be taken back, so there is one
for the whole process, from its first recording on. A file that is written by code in C is not known here.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import itertools
import os
import sys
from bisect import bisect_left, insort
from collections.abc import Callable
from typing import Any

from ..clock import REAL

_WRITING = os.O_WRONLY | os.O_RDWR
_ANEW = os.O_TRUNC | os.O_EXCL
_SMALL = 1 << 16
"""Bytes up to which a file is known by its content. The times of one that was just written say little."""

_ABSPATH, _EXISTS, _FSDECODE = os.path.abspath, os.path.lexists, os.fsdecode
_LISTDIR, _FSTAT = os.listdir, os.fstat
"""As they were when the package was imported: a test may put others in their place."""


MOST = 1 << 14
"""Files that are known at once."""

_NOBODYS = ("/.proctape-", "/.lock", ".pyc", "/dev/")
"""In the paths of files that are written beside every test, and given to no command."""
_UNKNOWN = (0, None)


class Written:
    """The files that this process has written.

    Attributes:
        since_ns: from when on, real nanoseconds since 1970; 0 where nobody has asked yet.
    """

    def __init__(self) -> None:
        self.since_ns = 0
        self._numbers = itertools.count(1)
        self._fresh: dict[str, int] = {}
        """Written since a command was last started, each with a number that counts on."""
        self._known: dict[str, tuple[int, object]] = {}
        """The others, and what they looked like when a command was started next."""
        self._sorted: list[str] = []
        """Their paths, and some that are known no more."""

    def follow(self) -> int:
        """Take notice from now on; the number that all that is written later is above."""
        if not self.since_ns:
            self.since_ns = REAL.time_ns()
            sys.addaudithook(self._hook())
        return next(self._numbers)

    def _hook(self) -> Callable[[str, tuple[Any, ...]], None]:
        # A plain function: Python looks for an attribute of its hook at each event, which takes much longer
        # with a method, and there are events whenever code calls `id`.
        opening, renaming = self._opening, self._renaming

        def hear(event: str, arguments: tuple[Any, ...]) -> None:
            # Whoever wants to can raise one of that name.
            if event == "open" and len(arguments) == 3:
                opening(*arguments)
            elif event == "os.rename":
                renaming(*arguments)

        return hear

    def settle(self) -> None:
        """A command is about to be started: what is there by now is the test's own."""
        while self._fresh:
            with contextlib.suppress(KeyError):
                path, number = self._fresh.popitem()
                looks = _looks_of(path)
                self._known.pop(path, None)
                if looks is not None:
                    self._known[path] = (number, looks)
                    at = bisect_left(self._sorted, path)
                    if self._sorted[at : at + 1] != [path]:
                        insort(self._sorted, path)
        while len(self._known) > MOST:
            # Those of tests that are long over; Python keeps the order in which they came.
            with contextlib.suppress(KeyError, StopIteration, RuntimeError):
                del self._known[next(iter(self._known))]
        if len(self._sorted) > 2 * MOST:
            self._sorted = sorted(self._known)

    def below(self, folder: str, since: int) -> dict[str, int]:
        """The files below ``folder``, which is absolute, that may be this process's, with their numbers.

        Args:
            folder: it.
            since: see :meth:`follow`; what has been written before is left out.
        """
        found = self._sorted
        # A zero stands behind the slash.
        paths = found[bisect_left(found, f"{folder}/") : bisect_left(found, f"{folder}0")]
        numbers = {path: self.number_of(path) for path in paths}
        return {path: number for path, number in numbers.items() if number > since}

    def number_of(self, path: str) -> int:
        """What tells when the process has opened ``path`` for writing; 0 where it is not known to have."""
        return self._known.get(path, _UNKNOWN)[0]

    def has(self, path: str) -> bool:
        """Whether ``path``, which is absolute, holds what this process has written."""
        known = self._known.get(path)
        if known is None or path in self._fresh:
            return path in self._fresh
        if known[1] == _looks_of(path):
            return True
        # What a command has changed is its own from now on, whatever it is changed back to.
        self._known.pop(path, None)
        return False

    def _opening(self, path: object, _: str | None, flags: object) -> None:
        # Nearly all are read. What goes wrong in here would go wrong in the test.
        if type(flags) is int and flags & _WRITING and isinstance(path, str | bytes | os.PathLike):
            with contextlib.suppress(Exception):
                self._opened(_ABSPATH(_FSDECODE(path)), flags)

    def _renaming(self, *paths: str | bytes | int) -> None:
        with contextlib.suppress(Exception):
            self._renamed(*(_ABSPATH(_FSDECODE(one)) for one in paths[:2]))  # type: ignore[arg-type]

    def _opened(self, path: str, flags: int) -> None:
        """A file is about to be opened for writing."""
        if any(part in path for part in _NOBODYS):
            return
        if flags & _ANEW or path in self._fresh or not _EXISTS(path) or self.has(path):
            self._fresh[path] = next(self._numbers)

    def _renamed(self, path: str, to: str) -> None:
        """A file is about to be renamed; of a directory nothing is known."""
        if self.has(path):
            self._fresh[to] = next(self._numbers)
        else:
            self._known.pop(to, None)
            self._fresh.pop(to, None)


def being_written() -> set[tuple[int, int]]:
    """Device and inode of the files that this process has open for writing: they are not done yet."""
    found = set()
    for name in _LISTDIR("/dev/fd"):
        # The one of the listing is closed by now.
        with contextlib.suppress(OSError):
            fd = int(name)
            if fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY:
                status = _FSTAT(fd)
                found.add((status.st_dev, status.st_ino))
    return found


def _looks_of(path: str) -> object:
    """What tells whether a file is what it was; ``None`` for what is no regular file, or can't be read."""
    # Most tests write no file before they start a command.
    from .contents import regular

    found = regular(path, _SMALL)
    if found is None:
        return None
    status, data = found
    if data is None:
        return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
    return hashlib.sha256(data).digest()


WRITTEN = Written()
"""Of this process."""
