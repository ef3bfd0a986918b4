"""Keeps one recorded child within its limits: the time it may run, and how much it may write.

A child past one is asked to end, with all that it has started, and killed after a grace. What it had done
until then stays noted. The parent's own ``timeout=`` is another thing, which this file knows nothing of.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterable
from typing import Literal, Protocol

from ..clock import REAL
from ..errors import RecordError
from ..genuine import select, threading
from ..limits import Limits
from ..tape import STDERR
from .family import Family
from .kin import KIN
from .pump import PUMP

_KILL = os.kill
"""As it was when no tape was active: this is no doing of the test's."""

GRACE_NS = 10**9
"""Real nanoseconds between being asked to end and being killed."""

Broken = Literal["time", "output"]
"""Which kind of limit."""


class Warded(Protocol):
    """The child as its warden sees it.

    Attributes:
        pid: of the real process.
        lock: held while anything of it is changed.
        open: somebody can still write to its outputs.
    """

    pid: int
    lock: threading.RLock

    @property
    def open(self) -> bool:
        """See the attribute."""

    def gone(self) -> bool:
        """Whether the process has ended."""

    def cut_off(self) -> None:
        """Take what it has said and close its streams, whoever holds them."""

    def pipes(self) -> Iterable[int]:
        """Inodes of the pipes that it writes to."""


class Warden:
    """Watches one child. All but :meth:`step` and :meth:`watch` is called with the child's lock held.

    Attributes:
        broken: the kind of the limit that the child was ended for.
        words: what is said of that.
        error: to be raised where the parent waits, once.
    """

    def __init__(
        self,
        limits: Limits,
        deadline_ns: int | None,
        on_broken: Callable[[Broken, str], RecordError],
    ) -> None:
        """Be ready to watch.

        Args:
            limits: of the recording.
            deadline_ns: when its test has had its time, by the real monotonic clock.
            on_broken: makes the error of a limit that was exceeded, and keeps it.
        """
        self._limits = limits
        self._test_ns = deadline_ns
        self._spawn_ns: int | None = None
        self._on_broken = on_broken
        self._child: Warded | None = None
        self._family: Family | None = None
        self._written: dict[int, int] = {}
        self._kill_ns: int | None = None
        self.broken: Broken | None = None
        self.words = ""
        self.error: RecordError | None = None

    def watch(self, child: Warded) -> None:
        """The child runs."""
        self._child = child
        if self._limits.spawn is not None:
            self._spawn_ns = REAL.monotonic_ns() + self._limits.spawn.ns
        self._set_timer()

    def admit(self, fd: int, data: bytes) -> bytes:
        """What of ``data``, which the child wrote to ``fd``, is still within the limit."""
        limit = self._limits.output
        before = self._written.get(fd, 0)
        self._written[fd] = before + len(data)
        if before + len(data) <= limit:
            return data
        kept = data[: max(0, limit - before)]
        if fd == STDERR:
            return kept + (cut_mark(limit) if before <= limit else b"")
        if before <= limit:
            self._break("output", f"wrote more than {limit:,} bytes (tapes_max_output)")
        return kept

    def step(self) -> None:
        """A deadline may have passed; the pump asks."""
        if self._child is not None:
            with self._child.lock:
                self._look(REAL.monotonic_ns())

    def _look(self, now_ns: int) -> None:
        if self._kill_ns is not None:
            if now_ns >= self._kill_ns:
                self._kill()
        elif self._spawn_ns is not None and now_ns >= self._spawn_ns and self._limits.spawn is not None:
            self._break("time", self._limits.spawn.words)
        elif self._test_ns is not None and now_ns >= self._test_ns and self._limits.test is not None:
            self._break("time", self._limits.test.words)
        self._set_timer()

    def reaped(self) -> None:
        """The parent knows the child's end; what it has left behind may still hold its outputs."""
        self._spawn_ns = None
        self._set_timer()

    def close(self) -> None:
        """Nobody watches any more; who was asked to end and has not yet is killed now."""
        if self._kill_ns is not None:
            self._kill()
        self._spawn_ns = self._test_ns = self._kill_ns = None
        self._set_timer()

    def take_error(self) -> RecordError | None:
        """What the parent is to be told, if it was not told before."""
        error, self.error = self.error, None
        return error

    def _break(self, kind: Broken, words: str) -> None:
        child = self._child
        if self.broken is not None or child is None:
            return
        self.broken, self.words = kind, words
        self._spawn_ns = self._test_ns = None
        self.error = self._on_broken(kind, words)
        self._kill_ns = REAL.monotonic_ns() + GRACE_NS
        self._family = Family(child.pid, child.pipes())
        self._family.signal(signal.SIGTERM)
        # One that is stopped would not hear of it.
        self._family.signal(signal.SIGCONT)
        self._set_timer()

    def _kill(self) -> None:
        self._kill_ns = None
        if self._family is not None:
            self._family.end()
        if self._child is not None:
            self._child.cut_off()

    def _set_timer(self) -> None:
        child = self._child
        if child is None:
            return
        if self._test_ns is not None and not child.open and child.gone():
            self._test_ns = None
        times = [at for at in (self._spawn_ns, self._test_ns, self._kill_ns) if at is not None]
        PUMP.call_at(min(times, default=None), self)


def end_at_once(pid: int) -> None:
    """End a child that nobody has been told of, and reap it."""
    with contextlib.suppress(OSError):
        _KILL(pid, signal.SIGKILL)
        KIN.waitpid(pid, 0)


def cut_mark(limit: int) -> bytes:
    """What stands behind a stderr that was cut."""
    return f"\n[stderr cut by pytest-proctape after {limit:,} bytes (tapes_max_output)]\n".encode()


def end_with_family(child: Warded) -> None:
    """End a child that nobody wants any more, with all that it has started: asked first, then killed."""
    family = Family(child.pid, child.pipes())
    family.signal(signal.SIGTERM)
    family.signal(signal.SIGCONT)
    until_ns = REAL.monotonic_ns() + GRACE_NS
    while family.living() and REAL.monotonic_ns() < until_ns:
        select.select((), (), (), 0.01)
    family.end()
    child.cut_off()
