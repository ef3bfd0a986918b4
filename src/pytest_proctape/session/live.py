"""Live: real processes, left alone; the test can still ask which spawns it made."""

from __future__ import annotations

from ..child import Started, Wiring
from ..tape import End, Script, Spawn
from .base import Session
from .record import Launch

_UNKNOWN = Script((), End(None), captured=frozenset())


class LiveSession(Session):
    """Starts every spawn as it was asked for and keeps nothing of it."""

    mode = "live"

    def record(self, spawn: Spawn, wiring: Wiring, launch: Launch) -> Started:
        """Start one real child; see :class:`~pytest_proctape.intercept.Recorder`."""
        self.note_spawn(spawn, lambda: _UNKNOWN, replayed=False)
        return launch(wiring)
