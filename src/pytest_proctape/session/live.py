"""Live: real processes, left alone; the test can still ask which spawns it made, and answer some itself."""

from __future__ import annotations

from ..child import Started, Wiring
from ..tape import End, Script, Spawn, Tape
from .base import Session
from .player import Player
from .record import Launch

_UNKNOWN = Script((), End(None), captured=frozenset())


class LiveSession(Player):
    """Starts every spawn as it was asked for and keeps nothing of it.

    What the test says of a command holds here, too: it may have good reasons not to run it.
    """

    mode = "live"

    @property
    def tape(self) -> Tape | None:
        """None: no tape is used."""
        return None

    clock_start_ns = Session.clock_start_ns
    """No tape says when: now."""

    def record(self, spawn: Spawn, wiring: Wiring, launch: Launch) -> Started:
        """Start one real child; see :class:`~pytest_proctape.intercept.Recorder`."""
        if self.answers:
            with self._lock:
                started = self.answered(spawn, self.asked(spawn), wiring)
            if started is not None:
                return started
        self.note_spawn(spawn, lambda: _UNKNOWN, replayed=False)
        return launch(wiring)
