"""Who is told of every recorded child, and ends those that are left when this process is killed.

A process that gets SIGKILL can do nothing any more, and no child of its own need ever notice. So the first
recording starts a small process beside it, :mod:`.guarding`, which is nobody's child, sleeps, and is told
through a pipe which children there are. The recording child tells it.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import sys
from collections.abc import Iterable

from .wiring import close_quietly, moved

_POSIX_SPAWN = os.posix_spawn
_WAITPID = os.waitpid
"""As they were when no tape was active: this is no process of the test's."""

_SCRIPT = os.path.join(os.path.dirname(__file__), "guarding.py")


class Guardian:
    """This process's end of the pipe."""

    def __init__(self) -> None:
        self._fd = -1
        self._tried = False
        self._keys = itertools.count(1)

    def engage(self) -> None:
        """Start the process, unless that was done before. Where it can't be, recordings go on without."""
        if self._tried:
            return
        self._tried = True
        if not sys.executable or not os.path.isdir("/proc/self/fd"):
            return
        reader, writer = map(moved, os.pipe())
        try:
            self._start(reader)
        except OSError:
            os.close(writer)
            return
        finally:
            os.close(reader)
        os.set_blocking(writer, False)
        self._fd = writer

    def _start(self, reader: int) -> None:
        command = [sys.executable, "-I", "-S", _SCRIPT, str(os.getpid()), json.dumps(sys.path)]
        null = os.devnull
        actions = [
            (os.POSIX_SPAWN_DUP2, reader, 0),
            (os.POSIX_SPAWN_OPEN, 1, null, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, null, os.O_WRONLY, 0),
        ]
        pid = _POSIX_SPAWN(sys.executable, command, os.environ, file_actions=actions)
        # It has started another one and gone, so nobody who waits for children finds one of ours.
        with contextlib.suppress(ChildProcessError):
            _WAITPID(pid, 0)

    def expect(self, pipes: Iterable[int]) -> int:
        """A child is about to be started.

        Args:
            pipes: inodes of those that it writes to; they tell who it is should we never learn its pid.

        Returns:
            what it is known by from now on.
        """
        key = next(self._keys)
        self._tell(f"+{key} {','.join(map(str, pipes))}")
        return key

    def started(self, key: int, pid: int, began: int) -> None:
        """It runs. ``began`` is when, in the kernel's words."""
        self._tell(f"={key} {pid} {began}")

    def reaped(self, key: int) -> None:
        """It has ended, and its pid may become another one's; somebody may still hold its outputs."""
        self._tell(f"={key} 0 0")

    def over(self, key: int) -> None:
        """Nobody has to end it any more."""
        self._tell(f"-{key}")

    def _tell(self, line: str) -> None:
        if self._fd == -1:
            return
        try:
            os.write(self._fd, line.encode() + b"\n")
        except OSError:
            # It has gone, or does not listen: then nobody is told, and nobody waits.
            self.abandon()

    def abandon(self) -> None:
        """In a forked child: its own children are none of the recording's."""
        self._tried = True
        fd, self._fd = self._fd, -1
        if fd != -1:
            close_quietly(fd)


GUARDIAN = Guardian()
os.register_at_fork(after_in_child=GUARDIAN.abandon)
