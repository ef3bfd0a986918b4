"""What ``Popen.__init__`` does beside starting a child, for a ``Popen`` that is made without it.

:mod:`.hearing` makes them, and shows them to nobody.
"""

from __future__ import annotations

import builtins
import os
import subprocess
import threading
from collections.abc import Mapping
from functools import lru_cache, partial
from io import FileIO
from os.path import join
from typing import Any

from ..child import Streams
from ..owned import Owned
from ..tape import STDERR, STDIN, STDOUT, SpawnError, errno_number


def blank_popen(args: Any) -> Any:
    """One that has no child yet, and takes bytes.

    Args:
        args: the command, for errors.
    """
    if subprocess._active:  # type: ignore[attr-defined]
        subprocess._cleanup()  # type: ignore[attr-defined]
    popen: Any = subprocess.Popen.__new__(subprocess.Popen)
    popen._waitpid_lock = threading.Lock()
    popen._input = None
    popen._communication_started = False
    popen._child_created = False
    popen._closed_child_pipe_fds = True
    popen._sigint_wait_secs = 0.25
    popen.args = args
    popen.stdin = popen.stdout = popen.stderr = None
    popen.pid = popen.returncode = None
    popen.encoding = popen.errors = None
    popen.text_mode = False
    return popen


class End:
    """The parent's end of a pipe: one of the descriptors that :class:`Pipes` has opened."""

    __slots__ = ("_fd", "_fds")

    def __init__(self, fd: int, fds: Owned) -> None:
        self._fd = fd
        self._fds = fds

    def fileno(self) -> int:
        """Its descriptor; -1 once it has been closed."""
        return self._fd if self._fd in self._fds else -1

    def opened(self, mode: str) -> FileIO:
        """A file that takes it over."""
        return self._fds.given(self._fd, partial(FileIO, mode=mode))

    def close(self) -> None:
        """Close it. May be called again."""
        self._fds.close(self._fd)


_HANDLES = ((STDIN, 1, 0), (STDOUT, 2, 3), (STDERR, 4, 5))
"""The streams, and where ``fork_exec`` is told the parent's and the child's end of each."""


class Pipes:
    """The streams of a child; all are closed where this is forgotten.

    Attributes:
        handles: in the order of ``fork_exec``; -1 where there is none.
        ends: the parent's, by the child's descriptor.
    """

    __slots__ = ("_childs", "_fds", "ends", "handles")

    def __init__(self) -> None:
        self._fds = Owned()
        self._childs: set[int] = set()
        self.handles = (-1,) * 6
        self.ends: dict[int, End] = {}

    def open(self, streams: Streams, *, has_stdin: bool) -> None:
        """Make what is asked for as streams, in the order in which ``Popen`` makes them.

        Args:
            streams: what is asked for.
            has_stdin: as stdin, too: a pipe where that is private, else the null device.

        Raises:
            OSError: there can't be as many descriptors.
        """
        pipes = self._fds.pairs(os.pipe, len(streams.piped) + streams.private)
        handles, null = [-1] * 6, -1
        for fd, parents, childs in _HANDLES:
            if fd in streams.piped or (fd == STDIN and streams.private):
                handles[2 * fd], handles[2 * fd + 1] = next(pipes), next(pipes)
                self.ends[fd] = End(handles[parents], self._fds)
            elif fd in streams.discarded or (fd == STDIN and has_stdin):
                if null == -1:
                    null = self._fds.take(os.open, os.devnull, os.O_RDWR)
                handles[childs] = null
        p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite = handles
        if streams.together:
            errwrite = c2pwrite
        self.handles = p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite
        self._childs = {p2cread, c2pwrite, errwrite} - {-1}

    def close_childs(self) -> None:
        """Close the child's, which it has its own copies of."""
        for fd in self._childs:
            self._fds.close(fd)

    def close(self) -> None:
        """Close all of them."""
        self._fds.close_all()


def executables(program: str, env: Mapping[str, str] | None) -> tuple[bytes, ...]:
    """What is tried in turn to start ``program``."""
    if "/" in program:
        return (os.fsencode(program),)
    path = (os.environ if env is None else env).get("PATH")
    # As `os.get_exec_path` asks it: the test may have something else in the place of `os.environ.get`.
    return _searched(program, os.defpath if path is None else path)


@lru_cache(256)
def _searched(program: str, path: str) -> tuple[bytes, ...]:
    return tuple(os.fsencode(join(folder, program)) for folder in path.split(os.pathsep))


def error_to_raise(error: SpawnError, program: str, cwd: object) -> Exception:
    """What is raised for a child that could not be started; see ``Popen._execute_child``."""
    kind = getattr(builtins, error.type, subprocess.SubprocessError)
    number = errno_number(error.errno)
    if not (isinstance(kind, type) and issubclass(kind, OSError)):
        return subprocess.SubprocessError(error.message)
    text = os.strerror(number) if number else ""
    if error.message == "noexec":
        return kind(number, text)
    return kind(number, text, cwd if error.message == "noexec:chdir" else program)
