"""Who brings a child of the replay on: the pump, the loop of its parent, or nobody, and then it is told so.

:mod:`.virtual` makes a child of it that a parent has.
"""

from __future__ import annotations

import signal

from ..clock import REAL
from ..genuine import selectors
from ..tape import script
from .causes import CAUSES, Stalled
from .machine import Machine
from .pump import PUMP
from .stall import StallWatch

_ABSENCE_NS = 20_000_000
"""Real nanoseconds after which a loop that should look at a child's input is thought to be held up."""


class Attended(Machine):
    """A machine whose descriptors somebody watches, so that it is stepped when it can go on.

    Attributes:
        restless: nobody is told when it could go on, so it has to be stepped to find out.
    """

    restless = False
    _stall_watch: StallWatch | None = None
    _looked_at_until_ns: int | None = None
    """Until then, by the real clock, its loop looks for its input; ``None`` where the pump does."""

    @property
    def is_fed(self) -> bool:
        """A pipe that becomes ready may bring it on, or one has to look by oneself."""
        with self._lock:
            if self.restless or (self._awaits_input() and self._looked_at_until_ns is None):
                return True
            return bool(self._outlets) and any(one.pending for one in self._outlets.values())

    @property
    def hears_late(self) -> bool:
        """It awaits what comes through a terminal: the kernel is late to tell an epoll of that."""
        with self._lock:
            return self._console is not None and self._awaits_input()

    @property
    def input_to_look_at(self) -> int | None:
        """Where its loop has to look for what it waits for; ``None`` where that is not up to the loop."""
        inlet = self._inlet
        if inlet is None or self._looked_at_until_ns is None or not self._awaits_input():
            return None
        return inlet.fd

    def _let_loop_look(self) -> None:
        self._looked_at_until_ns = REAL.monotonic_ns() + _ABSENCE_NS

    def look_no_more(self) -> None:
        """Its loop can't look at its input now, as it waits or is about to."""
        with self._lock:
            self._looked_at_until_ns = None
            PUMP.call_at(None, self)
            self._watch()

    def _watch(self) -> None:
        for outlet in self._outlets.values():
            if outlet.owned and outlet.waits:
                if outlet.pending:
                    PUMP.watch(outlet.fd, selectors.EVENT_WRITE, self)
                else:
                    PUMP.forget(outlet.fd)
        if self._stall_watch is not None or isinstance(self._next(), CAUSES):
            self._watch_for_stall(waits=bool(self.streams()))
        self._watch_inlet()

    def _watch_inlet(self) -> None:
        inlet = self._inlet
        if inlet is not None and inlet.owned and inlet.waits:
            if self._looked_at_until_ns is not None:
                self._watch_late(self._looked_at_until_ns)
            elif self._awaits_input():
                PUMP.watch(inlet.fd, selectors.EVENT_READ, self)
            else:
                PUMP.forget(inlet.fd)

    def _watch_late(self, at_ns: int) -> None:
        """Have the pump watch its input if its loop does not come: to wake the pump takes long."""
        if not self._awaits_input():
            PUMP.call_at(None, self)
        elif REAL.monotonic_ns() < at_ns:
            PUMP.call_at(at_ns, self)
        else:
            self.look_no_more()

    def _drop_inlet(self) -> None:
        super()._drop_inlet()
        if self._looked_at_until_ns is not None:
            PUMP.call_at(None, self)

    def _awaits_input(self) -> bool:
        return self._inlet is not None and isinstance(self._next(), script.AwaitsInput)

    def _watch_for_stall(self, *, waits: bool) -> None:
        if waits or self._stall_watch is not None:
            made = self._stall_watch or StallWatch(self)
            # A handler of signals may have made one meanwhile.
            if self._stall_watch is None:
                self._stall_watch = made
            self._stall_watch.set(waits=waits)

    # -- a parent that waits in vain -----------------------------------------------------------

    def streams(self) -> list[int]:
        """The descriptors by which the parent may wait for this child while the child waits for it."""
        with self._lock:
            over = self.status is not None and not self._held
            if (
                over
                or not isinstance(self._next(), CAUSES)
                or any(outlet.pending for outlet in self._outlets.values())
            ):
                return []
            channels = self._channels()
            return [channel.fd for channel in channels if channel.owned and channel.waits]

    def awaited_in_vain(self) -> None:
        """The parent reads without a limit, which ends a timed wait as well as any other."""
        self.pass_timeouts()

    def stall(self) -> None:
        """What the child waits for will never come: whoever reads gets an end, and the test its error."""
        with self._lock:
            step = self._next()
            if step is None and self.status is None and self.script.end.status is None:
                step = script.Signal(int(signal.SIGKILL))
            if isinstance(step, CAUSES) and (self.status is None or self._held):
                self._fail(self._tell_wrong(Stalled(step)))
                self.step()
                if self._changed is not None:
                    self._changed.notify_all()
