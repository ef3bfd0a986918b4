"""The least that a session can be, and what a mock clock says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pytest_proctape.child import Started, Wiring, add_ended
from pytest_proctape.clock import TapeClock
from pytest_proctape.errors import UnsupportedSpawn
from pytest_proctape.tape import Spawn, SpawnError

START_S = 946_684_800.0
"""Where the clock of these tests starts, as seconds of the epoch."""


def passed(clock: TapeClock) -> float:
    """Seconds since then."""
    return clock.now.timestamp() - START_S


@dataclass
class Answers:
    """A replayer whose children have all ended.

    Attributes:
        spawns, wirings: what was asked for.
        refusals: what it was told of.
        status: how the next child ends, as from :func:`os.waitpid`.
        error: why the next child can't be started.
        closed: the test is over.
        sleeps: what it was told that the test slept.
        signals: to processes of nobody's, as it was asked for them.
        signal_error: what comes of those.
        sent: those that were sent for real, and what came of it.
        tools: where which tool is.
    """

    spawns: list[Spawn] = field(default_factory=list)
    wirings: list[Wiring] = field(default_factory=list)
    refusals: list[UnsupportedSpawn] = field(default_factory=list)
    status: int = 0
    error: SpawnError | None = None
    closed: bool = False
    sleeps: list[float] = field(default_factory=list)
    signals: list[tuple[int, int, bool]] = field(default_factory=list)
    signal_error: int | None = 0
    sent: list[tuple[int, int, bool, int]] = field(default_factory=list)
    tools: dict[str, str] = field(default_factory=dict)

    def slept(self, seconds: float) -> None:
        self.sleeps.append(seconds)

    def answering(self, argv: Sequence[str]) -> Answers:
        return self

    def replay(self, spawn: Spawn, wiring: Wiring) -> Started:
        self.spawns.append(spawn)
        self.wirings.append(wiring)
        return Started(add_ended(self.status), self.error)

    def refused(self, error: UnsupportedSpawn) -> None:
        self.refusals.append(error)

    def which(self, name: str, _path: str | None, /) -> str | None:
        return self.tools.get(name)

    def signal_another(self, pid: int, number: int, /, *, group: bool) -> int | None:
        self.signals.append((pid, number, group))
        return self.signal_error

    def signalled_another(self, pid: int, number: int, /, *, group: bool, error: int) -> None:
        self.sent.append((pid, number, group, error))
