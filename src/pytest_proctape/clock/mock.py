"""The mock clock of this process, and what a test holds of it.

Mock clocks are for the whole process, so there is one :data:`CLOCK`; the intercept room puts the
functions that wait in its hands while some taped test has a mock clock, and only then.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from . import readings
from .readings import OwnReading, ns_of
from .timeline import Timeline
from .waits import Waits

EPOCH_NS = 946_684_800 * 10**9
"""2000-01-01T00:00:00Z: where the clock of a test starts that has no tape."""

Shown = tuple[object, int]
"""Which mock clock, and what it shows: nanoseconds since 1970."""
Listener = Callable[[Shown | None, int], None]

_START = datetime(1970, 1, 1, tzinfo=UTC)


class Pace:
    """Says whether time passes for real, for as long as it is among :attr:`Clock.paces`.

    Attributes:
        real: commands run for real, so that real time is what passes.
    """

    def __init__(self, *, real: bool) -> None:
        self.real = real


class Clock:
    """The one time that all with a mock clock share.

    Attributes:
        timeline: how much has passed.
        waits: who waits for what.
        paces: the last one counts. They may go in any order, as blocks of several tasks do.
    """

    def __init__(self) -> None:
        self._users: list[object] = []
        self.paces = [Pace(real=False)]
        self._listeners: list[Listener] = []
        self._begin()

    def _begin(self) -> None:
        self.timeline = Timeline(self._tell)
        self.waits = Waits(self.timeline, lambda: self.real)

    @property
    def on(self) -> bool:
        """Waits are to be told here, and a mock clock stands in for the real one."""
        return bool(self._users) and self.timeline.holds

    @property
    def in_use(self) -> bool:
        """Waits are to be told here, should a mock clock stand in for the real one."""
        return bool(self._users)

    @property
    def is_looked_at(self) -> bool:
        """It is in use, or a mock clock stands in for the real one."""
        return bool(self._users) or readings.topmost() is not None

    def use_for(self, who: object) -> None:
        """The waits of ``who`` are told here, until :meth:`used_no_more` is told of it.

        This thread takes part from the beginning: one that an earlier test has left behind may wait sooner.
        """
        if not self._users:
            self._begin()
            self.waits.enter()
        self._users.append(who)

    def used_no_more(self, who: object) -> None:
        """It is over. A forked child, whose clock is new, may know nothing of it."""
        if who in self._users:
            self._users.remove(who)

    @property
    def real(self) -> bool:
        """Commands run for real, so that real time is what passes."""
        return self.paces[-1].real

    def done_with(self, pace: Pace) -> None:
        """It does not count any more; nothing where it did not."""
        if pace in self.paces:
            self.paces.remove(pace)

    def turn_real(self) -> None:
        """A command runs for real though none was meant to: so does time, for who came last."""
        if len(self.paces) > 1:
            self.paces[-1].real = True

    def tell(self, listener: Listener) -> None:
        """Tell ``listener`` what the clock shows from now on, and how much of that a wait has just added."""
        listener(None, 0)
        listener(self.shown(), 0)
        self._listeners.append(listener)

    def tell_no_more(self, listener: Listener) -> None:
        """Tell it for the last time; nothing where it is not told anything."""
        if listener in self._listeners:
            listener(self.shown(), 0)
            self._listeners.remove(listener)

    def _tell(self, passed_ns: int) -> None:
        for listener in self._listeners:
            listener(self.shown(), passed_ns)

    @staticmethod
    def shown() -> Shown | None:
        """The mock clock that stands in for the real one, unless it moves by itself, and what it shows."""
        found = readings.topmost()
        return None if found is None or found[1].flows else (found[0], found[1].now_ns())

    def now_ns(self) -> int:
        """Where the timeline stands."""
        return self.timeline.now_ns()


CLOCK = Clock()


def _after_fork_in_child() -> None:
    paces = CLOCK.paces
    CLOCK.__init__()  # type: ignore[misc]
    # The child leaves what it is in as the parent does.
    CLOCK.paces = paces
    for pace in paces:
        pace.real = False


os.register_at_fork(after_in_child=_after_fork_in_child)


class TapeClock:
    """The frozen clock of a test; the fixture ``tape_clock`` gives it.

    It starts where the recording started, and moves by what the test waits for: children, ``sleep``,
    timers. :mod:`time` and :mod:`datetime` show it.
    """

    def __init__(self, start_ns: int, sleeps: Callable[[], Sequence[float]]) -> None:
        """Make one that is not installed.

        Args:
            start_ns: nanoseconds since 1970.
            sleeps: tells what the test slept.
        """
        self.reading = OwnReading(start_ns)
        self._sleeps = sleeps

    @property
    def now(self) -> datetime:
        """What the clock shows, in UTC."""
        return _START + timedelta(microseconds=self.reading.now_ns() // 1000)

    def advance(self, delta: float | timedelta) -> None:
        """Let time pass.

        Args:
            delta: seconds, or a difference; not negative. Counted to the microsecond.

        Raises:
            ValueError: ``delta`` is negative: what has happened does not go away.
        """
        ns = ns_of(delta)
        if ns < 0:
            raise ValueError(f"a tape's clock can't go back: {delta!r}")
        self.reading.add(ns)
        CLOCK.waits.changed()

    @property
    def sleeps(self) -> tuple[float, ...]:
        """What was given to :func:`time.sleep`, in seconds, in order."""
        return tuple(self._sleeps())

    def __repr__(self) -> str:
        return f"<TapeClock {self.now.isoformat()}>"
