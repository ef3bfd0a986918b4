"""Runs a small program under a mock clock, recording and replaying, and holds what it told against it.

A program is a function of a :class:`Log` that it tells what happens. Recorded with real tools that sleep
for real, it has to tell the same on replay, in the same order, at the same virtual times, and nothing on
replay waits for real: no sleep, no stopwatch.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pytest_proctape.clock import CLOCK, REAL, Pace, TapeClock, Timeline
from pytest_proctape.session import RecordSession, ReplaySession
from tests.clocking import frozen, waits_told
from tests.parity.audit import audited
from tests.parity.harness import HANG_S, Parity
from tests.parity.observe import plain

SOAK = bool(os.environ.get("PROCTAPE_SOAK"))
"""The long form: many replays of each program, on a machine that has other things to do."""

REPLAYS = int(os.environ.get("PROCTAPE_SOAK_REPLAYS", "200")) if SOAK else 3
TOLERANCE_NS = 1_000_000
LIMIT_NS = 250_000_000
"""No replay takes longer, in real nanoseconds; looked at in the long form only, which has a machine."""


class Log:
    """What a program tells, and when.

    Attributes:
        events: what was told, and the nanoseconds that had passed by the program's own clock.
        clock: the mock clock; ``None`` in a run without one.
        folder: an empty directory.
    """

    def __init__(self, clock: TapeClock | None, folder: Path) -> None:
        self.clock = clock
        self.folder = folder
        self.events: list[tuple[object, int]] = []
        self._began_ns = time.monotonic_ns()

    def __call__(self, *what: object) -> None:
        """Tell something."""
        self.events.append((plain(what), time.monotonic_ns() - self._began_ns))


Program = Callable[[Log], None]
Told = list[tuple[object, int]]
Clocked = Callable[[Program], Told]


@dataclass
class RealWaits:
    """Counts what waits for real time: sleeps, and runs of the stopwatch that moves the clock by it."""

    seen: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def counted(self) -> Iterator[None]:
        """While it lasts, every one is in :attr:`seen`."""
        run = Timeline.run

        def counting(timeline: Timeline, limit_ns: int | None) -> None:
            self.seen.append("the stopwatch")
            run(timeline, limit_ns)

        with pytest.MonkeyPatch.context() as patch, audited(self._hear):
            patch.setattr(Timeline, "run", counting)
            yield

    def _hear(self, event: str, args: tuple[object, ...]) -> None:
        if event == "time.sleep" and args != (0,):
            self.seen.append(f"sleep {args[0]!r}")


class ClockParity(Parity):
    """The ``clocked`` fixture: call it with a program; it gives what the program told while recorded."""

    def __init__(self, base: Path) -> None:
        super().__init__(base)
        self._clock: TapeClock | None = None
        self.slowest_ns = 0

    def tell(self, program: Program) -> Told:
        """Run ``program`` recording, then replaying, and compare.

        Raises:
            pytest.fail.Exception: as :meth:`Parity.__call__`; or something waited for real.
        """
        __tracebackhide__ = True
        recorded = self._told("the recording", program, self._recording([]))
        for number in range(1, REPLAYS + 1):
            waits = RealWaits()
            with waits.counted():
                replayed = self._told("the replay", program, self._replaying())
            _compare(f"replay {number}", recorded, replayed)
            if waits.seen:
                pytest.fail(f"replay {number} waited for real: {waits.seen}")
        if SOAK and self.slowest_ns > LIMIT_NS:
            pytest.fail(f"a replay took {self.slowest_ns / 1e9:.3f} s")
        return recorded

    def _told(self, what: str, program: Program, session: contextlib.AbstractContextManager[None]) -> Told:
        __tracebackhide__ = True

        def body(folder: Path) -> Told:
            log = Log(self._clock, folder)
            began_ns = REAL.monotonic_ns()
            program(log)
            if what == "the replay":
                self.slowest_ns = max(self.slowest_ns, REAL.monotonic_ns() - began_ns)
            return log.events

        return self._run(what, body, session, HANG_S)

    @contextlib.contextmanager
    def _active(self, session: RecordSession | ReplaySession) -> Iterator[None]:
        session.began_ns = session.clock_start_ns
        self._clock = TapeClock(session.began_ns, lambda: session.sleeps)
        pace = Pace(real=session.runs_commands)
        CLOCK.paces.append(pace)
        try:
            with (
                super()._active(session),
                frozen(self._clock),
                waits_told(),
            ):
                yield
        finally:
            CLOCK.paces.remove(pace)
            self._clock = None


def _compare(what: str, before: Told, after: Told) -> None:
    """Hold two accounts against each other."""
    __tracebackhide__ = True
    same = [event for event, _ in before] == [event for event, _ in after]
    if same:
        same = all(abs(a - b) <= TOLERANCE_NS for (_, a), (_, b) in zip(before, after, strict=True))
    if not same:
        pytest.fail(f"{what} differs.\nbefore:\n{_shown(before)}\nnow:\n{_shown(after)}")


def _shown(events: Told) -> str:
    return "\n".join(f"  {at_ns / 1e6:10.3f} ms  {event}" for event, at_ns in events)


@contextlib.contextmanager
def load(count: int = 2) -> Iterator[None]:
    """For a while, have ``count`` processes that keep the machine busy."""
    busy = [subprocess.Popen([sys.executable, "-I", "-S", "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for one in busy:
            one.kill()
            one.wait()
