"""Who is told of every recorded child, and ends those that are left when this process is killed.

A process that gets SIGKILL can do nothing any more, and no child of its own need ever notice. So the first
recording starts a small process beside it, :mod:`.guarding`, which is nobody's child, and sleeps on a
pipe that nobody writes to: it wakes once we have gone, and reads in a file without a name which children
there are. The recording child writes that down.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable

from ..genuine import threading
from ..owned import Owned
from .kin import KIN

_POSIX_SPAWN = os.posix_spawn
"""As it was when no tape was active: this is no process of the test's."""

_NOW_NS = time.clock_gettime_ns
_SINCE_BOOT: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_TICKS = os.sysconf("SC_CLK_TCK")
"""What the kernel counts the beginnings of processes in, and how many of them a second has: proc(5)."""

_LONG = 1 << 16
"""Bytes that may have been written down of children that are over."""

_SCRIPT = os.path.join(os.path.dirname(__file__), "guarding.py")
_BOOK, _LIFE = 3, 4
_LEAVING = f'trap "" INT HUP; "$0" "$@" <&{_LIFE} {_LIFE}<&- &'
"""For a shell that starts the script and goes: Python would take ten times as long to get there. A Ctrl-C
that comes before the script has left the process group does not end it."""


def _new_book(fds: Owned) -> int:
    """A file without a name, whose every line is written at its end; one of ``fds``."""
    if hasattr(os, "memfd_create"):
        fd = fds.moved(fds.take(os.memfd_create, "pytest-proctape"))
    else:
        with tempfile.TemporaryFile() as file:
            fd = fds.duplicate(file.fileno())
    fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_APPEND)
    return fd


class Guardian:
    """This process's end of the pipe, and the file."""

    def __init__(self) -> None:
        self._fds = Owned()
        self._life = self._book = -1
        self._written = 0
        self._tried = False
        self._keys = itertools.count(1)
        self._lock = threading.RLock()
        self._children: set[int] = set()

    def engage(self) -> None:
        """Start the process, unless that was done before. Where it can't be, recordings go on without."""
        if self._tried:
            return
        self._tried = True
        if not sys.executable or not os.path.isdir("/proc/self/fd"):
            return
        try:
            self._book = _new_book(self._fds)
            reader, self._life = self._fds.high_pair(os.pipe)
            self._start(reader)
            self._fds.close(reader)
        except OSError:
            self.abandon()
        except BaseException:
            # Ctrl-C: what there is ends with its pipe, and the next recording begins anew.
            self.abandon()
            self._tried = False
            raise

    def _start(self, reader: int) -> None:
        script = [sys.executable, "-I", "-S", _SCRIPT, str(os.getpid()), json.dumps(sys.path)]
        null = os.devnull
        actions = [
            (os.POSIX_SPAWN_DUP2, self._book, _BOOK),
            (os.POSIX_SPAWN_DUP2, reader, _LIFE),
            (os.POSIX_SPAWN_OPEN, 1, null, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, null, os.O_WRONLY, 0),
        ]
        pid = KIN.start(
            _POSIX_SPAWN, "/bin/sh", ["sh", "-c", _LEAVING, *script], os.environ, file_actions=actions
        )
        # It has started the other one and gone, so nobody who waits for children finds one of ours.
        with contextlib.suppress(ChildProcessError):
            KIN.waitpid(pid, 0)

    def expect(self, pipes: Iterable[int]) -> int:
        """A child is about to be started.

        Args:
            pipes: inodes of those that it writes to; they tell who it is should we never learn its pid.

        Returns:
            what it is known by from now on.
        """
        key = next(self._keys)
        try:
            with self._lock:
                self._children.add(key)
                self._write(f"+{key} {','.join(map(str, pipes))}")
            return key
        except BaseException:
            # Nobody is going to know it.
            self.over(key)
            raise

    def started(self, key: int, pid: int) -> None:
        """It runs. A process that has its pid and began later than now is another one."""
        self._write(f"={key} {pid} {_NOW_NS(_SINCE_BOOT) * _TICKS // 10**9}")

    def reaped(self, key: int) -> None:
        """It has ended, and its pid may become another one's; somebody may still hold its outputs."""
        self._write(f"={key} 0 0")

    def over(self, key: int) -> None:
        """Nobody has to end it any more. May be called again."""
        with self._lock:
            if key not in self._children:
                return
            self._children.remove(key)
            self._write(f"-{key}")
            if not self._children and self._written > _LONG:
                # A long recording must not be remembered from its beginning.
                self._written = 0
                with contextlib.suppress(OSError):
                    os.ftruncate(self._book, 0)

    def _write(self, line: str) -> None:
        if self._book == -1:
            return
        try:
            self._written += os.write(self._book, line.encode() + b"\n")
        except OSError:
            # There is no room: then nothing more is written down, and nobody waits.
            self.abandon()

    def forked(self) -> None:
        """In a forked child: its own children are none of the recording's."""
        self._lock = threading.RLock()
        self.abandon()

    def abandon(self) -> None:
        """Nothing is written down any more."""
        self._tried = True
        self._book = self._life = -1
        self._fds.close_all()


GUARDIAN = Guardian()
os.register_at_fork(after_in_child=GUARDIAN.forked)
