"""Real children of this process, and which of them came through Python: a stray was started in C, past us.

No call of ours sees a stray. But the kernel adds up what the children that were waited for have used, see
getrusage(2), and each wait of ours knows the share of its own child; what is left is that of others. Those
that run, or have ended and not been waited for, are looked up. Nobody is called a stray who may be something
else. See ``docs/decisions/0038``.
"""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar, cast

from ..genuine import close, threading

_P = ParamSpec("_P")
_R = TypeVar("_R")

_WAITID = os.waitid
_WAIT4 = os.wait4
_LISTDIR, _OPEN, _READ = os.listdir, os.open, os.read
"""As they were when no tape was active."""
_USAGE, _CHILDREN = resource.getrusage, resource.RUSAGE_CHILDREN
_PRESENT = os.WEXITED | os.WNOHANG | os.WNOWAIT
_TASKS = "/proc/self/task"


Mark = tuple[int, int]
"""What is known at one time, for :meth:`Kin.strays` to tell what has come since: page faults of children that
nobody has accounted for, and how often something was started or waited for that can't be accounted for.
"""


class Kin:
    """The real children of this process."""

    def __init__(self) -> None:
        """Nobody is known yet."""
        self._lock = threading.RLock()
        self._known: set[int] = set()
        self._starts: set[object] = set()
        self._waits: list[int] = []
        self._accounted = 0
        self._hiding = 0
        self._hidden = 0

    # -- what came through Python --------------------------------------------------------------

    def start(self, real: Callable[_P, _R], /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """Make a real call that starts a child and gives its pid, first of all: it is known from then on."""
        start = object()
        self._starts.add(start)
        try:
            result = real(*args, **kwargs)
            pid = result[0] if isinstance(result, tuple) else result
            # In a forked copy it is 0.
            if pid:
                self._known.add(cast(int, pid))
        finally:
            # A forked copy has forgotten it.
            self._starts.discard(start)
        return result

    @contextmanager
    def hiding(self) -> Iterator[None]:
        """Around a real call that starts children in C, and is asked for by Python."""
        with self._lock:
            self._hiding += 1
        try:
            yield
        finally:
            with self._lock:
                self._hiding -= 1
                self._hidden += 1

    def waitpid(self, pid: int, options: int) -> tuple[int, int]:
        """The real :func:`os.waitpid`."""
        got, status, _ = self.wait4(pid, options)
        return got, status

    def wait4(self, pid: int, options: int) -> tuple[int, int, resource.struct_rusage]:
        """The real :func:`os.wait4`."""
        self._waits.append(pid)
        try:
            result = got, status, usage = _WAIT4(pid, options)
            if got and (os.WIFEXITED(status) or os.WIFSIGNALED(status)):
                self._ended(got, usage.ru_minflt)
        finally:
            self._waits.remove(pid)
        return result

    def _ended(self, pid: int, faults: int) -> None:
        with self._lock:
            # A stray may be waited for by Python, too.
            if pid in self._known:
                self._known.discard(pid)
                self._accounted += faults

    def add_untold(self) -> None:
        """A child is started by Python, or was waited for, and nobody is told its pid, or what it used."""
        with self._lock:
            self._hidden += 1

    # -- what did not --------------------------------------------------------------------------

    def mark(self) -> Mark:
        """The present time; the children that there are by now are none of those that come."""
        # Each test of a suite comes here, and most start nothing.
        before = tuple(self._known)
        try:
            _WAITID(os.P_ALL, 0, _PRESENT)
        except ChildProcessError:
            if before and not self._waits:
                self._known.difference_update(before)
        else:
            self._known.update(_children())
        return _USAGE(_CHILDREN).ru_minflt - self._accounted, self._hidden

    def strays(self, since: Mark) -> list[str]:
        """The strays that have come, each told once: the name of one that is there still, else empty.

        Of those that have been waited for nobody can say how many there were; they are one.

        Args:
            since: is compared with.
        """
        if _USAGE(_CHILDREN).ru_minflt - self._accounted <= since[0] and not _has_children():
            return []
        with self._lock:
            return self._told(*since)

    def _told(self, left_before: int, hidden_before: int) -> list[str]:
        if self._hiding or any(pid <= 0 for pid in self._waits):
            return []
        # A program that has run has had page faults.
        left = _USAGE(_CHILDREN).ru_minflt - self._accounted - left_before
        gone = {pid for pid in self._known if not _is_there(pid)}
        if gone & set(self._waits):
            # Another thread is about to account for it.
            return []
        living = [] if self._starts else [pid for pid in _children() if pid not in self._known]
        self._known -= gone
        self._known.update(living)
        if left > 0:
            self._accounted += left
        if self._hidden != hidden_before:
            return []
        told = [_name(pid) for pid in living if os.getpid() != 1]
        # A library may have waited for one of the known.
        return [*told, ""] if left > 0 and not gone else told


def _has_children() -> bool:
    """Whether there is any child, running or not waited for."""
    try:
        _WAITID(os.P_ALL, 0, _PRESENT)
    except ChildProcessError:
        return False
    return True


def _is_there(pid: int) -> bool:
    try:
        _WAITID(os.P_PID, pid, _PRESENT)
    except ChildProcessError:
        return False
    return True


def _children() -> list[int]:
    """Their pids; none where the system does not tell: proc(5)."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in _LISTDIR(_TASKS):
            # A thread may have ended meanwhile.
            with contextlib.suppress(OSError):
                found += map(int, _read(f"{_TASKS}/{task}/children").split())
    return found


def _name(pid: int) -> str:
    """Of the program, cut by the kernel at 15 characters."""
    try:
        return _read(f"/proc/{pid}/comm").decode("utf-8", "replace").strip()
    except OSError:
        return ""


def _read(path: str) -> bytes:
    """A small file of the system's."""
    fd = _OPEN(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _READ(fd, 1 << 16)
    finally:
        close(fd)


KIN = Kin()
os.register_at_fork(after_in_child=KIN.__init__)  # type: ignore[misc]
