"""Streams of a replayed child that have no descriptors: for a caller that is handed all of them at the end.

For the short road (:mod:`~pytest_proctape.intercept.short`) the session makes a :class:`Memory` and asks
whether an entry can be played into it, and the virtual child takes its channels for pipes.
"""

from __future__ import annotations

from collections.abc import MutableSequence
from typing import Any

from ..rows import Row
from ..tape import STDERR, STDOUT, Content, Script, free_steps, script
from .channels import Inlet, Outlet

_INPUTS = (
    script.Input,
    script.InputEnd,
    free_steps.AnyInput,
    free_steps.AnyInputEnd,
    free_steps.InputPattern,
)


class MemoryInlet(Inlet):
    """All that the parent is going to send; it closes its side behind that."""

    __slots__ = ("_sent",)

    def __init__(self, sent: bytes) -> None:
        # No descriptor, so nothing of what the class above does with one.
        self.fd = -1
        self._fds = None
        self.waits = self.at_end = False
        self.console = None
        self._returned = b""
        self._sent = sent

    def take(self, limit: int) -> bytes:
        """At most ``limit`` bytes; empty at the end."""
        if not self._returned:
            self._returned, self._sent = self._sent, b""
        data, self._returned = self._returned[:limit], self._returned[limit:]
        self.at_end = not data
        return data

    def adopt(self) -> None:
        """There is nothing to keep."""


class MemoryOutlet(Outlet):
    """Keeps what the child writes.

    Attributes:
        parts: all of it, in order.
    """

    __slots__ = ("parts",)

    def __init__(self) -> None:
        # As above.
        self.fd = -1
        self._fds = None
        self.waits = self.closing = False
        self.console = None
        self.parts: list[Content] = []

    @property
    def pending(self) -> bool:
        """There is always room."""
        return False

    def queueing(self, data: Content) -> tuple[MutableSequence[Any], list[Any]]:
        """``data`` is kept behind what is there."""
        return self.parts, [data]

    def flush(self) -> bool:
        """Nothing waits to be written."""
        return False

    def adopt(self) -> None:
        """There is nothing to keep."""

    def bytes(self) -> bytes:
        """All that was written."""
        parts = self.parts
        return parts[0].bytes() if len(parts) == 1 else b"".join([one.bytes() for one in parts])


class Streams(Row):
    """What a parent asks for as the streams of a child.

    Attributes:
        piped: the child's outputs that it wants to see, by descriptor.
        discarded: those that nobody sees.
        private: it made the child's stdin for it.
        together: stderr goes where stdout goes.
    """

    piped: tuple[int, ...]
    discarded: tuple[int, ...] = ()
    private: bool = False
    together: bool = False


Said = tuple[int, int | None, bytes | None, bytes | None]
"""What came of a child that was played into memory: its pid; its exit code, ``None`` for one that is in the
process table; what it wrote to stdout and to stderr, ``None`` where the parent does not see that."""


class Memory:
    """The streams of one child.

    Attributes:
        inlet: its stdin; ``None`` for the parent's own.
        is_sent_nothing: all that it can see of its stdin is the end.
        private: the parent made its stdin for it.
        outlets: by the child's descriptor, what the parent wants to see.
        discarded: the child's descriptors that nobody sees.
        together: stderr goes where stdout goes.
        limit_ns: how long the parent waits at most, nanoseconds; ``None`` for as long as it takes.
    """

    __slots__ = (
        "_kept",
        "discarded",
        "inlet",
        "is_sent_nothing",
        "limit_ns",
        "outlets",
        "private",
        "together",
    )

    def __init__(self, streams: Streams, sent: bytes | None = None, limit_ns: int | None = None) -> None:
        """Make the streams.

        Args:
            streams: what the parent asks for.
            sent: all that it is going to send; ``None`` where the child's stdin is the parent's own.
            limit_ns: how long it waits at most, nanoseconds.
        """
        self.inlet = None if sent is None else MemoryInlet(sent)
        self.is_sent_nothing = not sent
        self.private = streams.private
        self._kept = {fd: MemoryOutlet() for fd in streams.piped}
        self.outlets: dict[int, Outlet] = {**self._kept}
        self.discarded = streams.discarded
        self.together = streams.together
        self.limit_ns = limit_ns
        if streams.together and STDOUT in self.outlets:
            self.outlets[STDERR] = self.outlets[STDOUT]

    def said(self, pid: int) -> Said:
        """What the child wrote, which has played."""
        seen = {fd: outlet.bytes() for fd, outlet in self._kept.items()}
        return pid, None, seen.get(STDOUT), seen.get(STDERR)

    def takes(self, played: Script) -> bool:
        """Whether all of it can be played here at once, and nothing of it shows anywhere else."""
        end = played.end
        if end.status is None or played.merged is not self.together:
            return False
        if self.limit_ns is not None and end.duration_ns > self.limit_ns:
            return False
        for fd in (STDOUT, STDERR):
            known = fd in played.captured or (fd == STDERR and self.together)
            if not known and fd not in self.discarded:
                return False
        if len(played.captured) > 2 and max(played.captured) > STDERR:
            return False
        return all(self._takes(step) for step in played.steps)

    def _takes(self, step: script.Step) -> bool:
        if isinstance(step, script.Output):
            return step.fd in self.outlets or step.fd in self.discarded
        return self.inlet is not None and isinstance(step, _INPUTS)
