"""What ``Popen.__init__`` does beside starting a child, for a ``Popen`` that is made without it.

:mod:`.hearing` makes them, and shows them to nobody.
"""

from __future__ import annotations

import builtins
import os
import subprocess
import threading
from collections.abc import Mapping
from functools import lru_cache
from io import FileIO
from os.path import join
from typing import Any

from ..child import Streams
from ..rows import Row
from ..tape import STDERR, STDOUT, SpawnError, errno_number


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
    """The parent's end of a pipe."""

    __slots__ = ("_fd",)

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def fileno(self) -> int:
        """Its descriptor; -1 once it has been closed."""
        return self._fd

    def opened(self, mode: str) -> FileIO:
        """A file that takes it over."""
        fd, self._fd = self._fd, -1
        return FileIO(fd, mode)

    def close(self) -> None:
        """Close it. May be called again."""
        fd, self._fd = self._fd, -1
        if fd != -1:
            os.close(fd)


class Pipes(Row):
    """The streams of a child, in the order of ``fork_exec``; -1 where there is none.

    Attributes:
        null: the null device, where that is one of them.
    """

    p2cread: int
    p2cwrite: int
    c2pread: int
    c2pwrite: int
    errread: int
    errwrite: int
    null: int

    def ends(self) -> dict[int, End]:
        """The parent's, by the child's descriptor."""
        given = enumerate((self.p2cwrite, self.c2pread, self.errread))
        return {fd: End(one) for fd, one in given if one != -1}

    def close_childs(self) -> None:
        """Close the child's, which it has its own copies of."""
        for fd in {self.p2cread, self.c2pwrite, self.errwrite, self.null} - {-1}:
            os.close(fd)


def open_pipes(streams: Streams, *, has_stdin: bool) -> Pipes:
    """Make what is asked for as streams, in the order in which ``Popen`` makes them.

    Args:
        streams: what is asked for.
        has_stdin: as stdin, too: a pipe where that is private, else the null device.

    Raises:
        OSError: there can't be as many descriptors.
    """
    opened: list[int] = []
    pairs: list[tuple[int, int]] = []
    null = -1
    try:
        for fd in (0, STDOUT, STDERR):
            pair = (-1, -1)
            if fd in streams.piped or (fd == 0 and streams.private):
                pair = os.pipe()
                opened += pair
            elif fd in streams.discarded or (fd == 0 and has_stdin):
                if null == -1:
                    null = os.open(os.devnull, os.O_RDWR)
                    opened.append(null)
                pair = (null, -1) if fd == 0 else (-1, null)
            pairs.append(pair)
    except OSError:
        for fd in opened:
            os.close(fd)
        raise
    (p2cread, p2cwrite), (c2pread, c2pwrite), (errread, errwrite) = pairs
    if streams.together:
        errwrite = c2pwrite
    return Pipes(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite, null)


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
