"""The session of a thread that collects tests. It has no tape: every spawn is of somebody's import."""

from __future__ import annotations

from typing import Protocol, cast

from ..child import Started, Wiring
from ..tape import Spawn
from .base import Session
from .record import Launch


class _Replays(Protocol):
    def replay(self, spawn: Spawn, wiring: Wiring) -> Started: ...


class _Records(Protocol):
    def record(self, spawn: Spawn, wiring: Wiring, launch: Launch) -> Started: ...


class Collecting(Session):
    """Hands every spawn to the tape of the file that asks; see :mod:`.commons`."""

    def _shared(self) -> object:
        assert self.shared is not None
        return self.shared(self, ())


class CollectingReplay(Collecting):
    """Has no means of starting a process."""

    mode = "replay"

    def replay(self, spawn: Spawn, wiring: Wiring) -> Started:
        """See :class:`~pytest_proctape.intercept.Replayer`."""
        return cast(_Replays, self._shared()).replay(spawn, wiring)


class CollectingRecord(Collecting):
    """Runs the real commands."""

    mode = "record"

    def record(self, spawn: Spawn, wiring: Wiring, launch: Launch) -> Started:
        """See :class:`~pytest_proctape.intercept.Recorder`."""
        return cast(_Records, self._shared()).record(spawn, wiring, launch)
