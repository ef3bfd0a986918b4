"""The time of a recorded child: the real one, or that of the test's mock clock.

Under a mock clock only what the test waits counts, so the child's deeds are noted by the timeline, and the
timeline stands still while they are noted. What the test saw bounds what is noted: a child that a poll
found running has not ended before that poll.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from ..clock import REAL, Source, Waits
from ..genuine import select, selectors
from ..owned import Owned
from ..tape import script
from .pump import PUMP
from .wiring import ready

_PIDFD_OPEN: Callable[..., int] | None = getattr(os, "pidfd_open", None)

CLOCKED_PAUSE_NS = 500_000
"""A silence of more than this, in nanoseconds, is kept under a mock clock."""


class ChildTime:
    """When a recorded child did what it did.

    Attributes:
        waits: those that a mock clock is moved by; ``None`` where time is real.
        exit_fd: becomes readable when the process ends; -1 where nobody watches for that.
        gone_ns: when it was seen that the process has ended; 0 while that is not known.
    """

    def __init__(self, waits: Waits | None) -> None:
        self.waits = waits
        self.exit_fd = -1
        self._fds = Owned()
        self._owner: Source | None = None
        self.gone_ns = 0
        self._seen_ns = 0

    def now_ns(self) -> int:
        """Nanoseconds, counted from anywhere."""
        return REAL.monotonic_ns() if self.waits is None else self.waits.timeline.known_ns()

    def noted_ns(self) -> int:
        """When something happened that is noted now."""
        return REAL.monotonic_ns() if self.waits is None else self.waits.timeline.noted_ns()

    def _moment_ns(self) -> int:
        return REAL.monotonic_ns() if self.waits is None else self.waits.timeline.moment_ns()

    @property
    def pause_ns(self) -> int:
        """A silence of more than this is kept."""
        return script.PAUSE_NS if self.waits is None else CLOCKED_PAUSE_NS

    @property
    def parted_ns(self) -> int:
        """What is noted from this time on is to be told apart from what was noted before."""
        return 0 if self.waits is None else self.waits.timeline.parted_ns

    def stand(self) -> None:
        """What has happened is about to be noted: no time passes until :meth:`go_on`."""
        if self.waits is not None:
            self.waits.hold()

    def go_on(self) -> None:
        """It was noted."""
        if self.waits is not None:
            self.waits.go_on()

    def watch(self, pid: int, owner: Source) -> None:
        """Step ``owner`` when the process ends, and before time passes: what was sent is noted now."""
        if self.waits is None:
            return
        self._owner = owner
        self.waits.add(owner)
        if _PIDFD_OPEN is None:
            return
        try:
            self.exit_fd = self._fds.moved(self._fds.take(_PIDFD_OPEN, pid))
        except OSError:
            return
        PUMP.watch(self.exit_fd, selectors.EVENT_READ, owner)

    def look(self) -> None:
        """Note the end of the process, if it has ended."""
        if self.exit_fd != -1 and not self.gone_ns and ready(self.exit_fd, select.POLLIN):
            self.gone_ns = self._moment_ns()
            PUMP.forget(self.exit_fd)

    def seen_running(self) -> None:
        """The test has asked, and the process had not ended."""
        self._seen_ns = self.now_ns()

    def ended_ns(self, *, polled: bool = False) -> int:
        """When the process ended; to be asked under a mock clock, once it has.

        Args:
            polled: a look found it so, and not a wait: then it had ended by now, and where only looks let
                time pass, just now.
        """
        ended_ns = self.gone_ns or self._moment_ns()
        if polled and self.waits is not None:
            ended_ns = self.now_ns() if self.waits.is_polling() else min(ended_ns, self.now_ns())
        return max(ended_ns, self._seen_ns + 1000 if self._seen_ns else 0)

    def close(self) -> None:
        """Nobody asks any more."""
        if self.waits is not None and self._owner is not None:
            self.waits.discard(self._owner)
        fd = self.exit_fd
        if fd != -1:
            PUMP.forget(fd)
            self.exit_fd = -1
        self._fds.close(fd)
