"""The sessions that write a tape: one records all of it anew, the other what is not on it yet."""

from __future__ import annotations

from ..child import Started, Wiring
from ..errors import TapeError
from ..tape import Spawn
from .base import Mode
from .hearing import Hearing
from .record import Launch, Recording
from .take import Take


class RecordSession(Hearing):
    """Records every spawn anew."""

    mode: Mode = "record"
    replays_entries = False

    def record(self, spawn: Spawn, wiring: Wiring, launch: Launch) -> Started:
        """Start one real child; see :class:`~pytest_proctape.intercept.Recorder`.

        What the test answers itself is neither run nor recorded.
        """
        asked = self.asked(spawn)
        with self._lock:
            started = self.answered(spawn, asked, wiring)
        return self._record(spawn, asked, wiring, launch) if started is None else started


class UpdateSession(Recording):
    """Replays what is on the tape, and runs and records what is not, in its place."""

    mode = "update"

    @property
    def clock_start_ns(self) -> int:
        """Where a clock of the test starts: where it did when the tape was recorded."""
        try:
            start_ns = self.recorded_ns
        except TapeError:
            start_ns = None
        return super().clock_start_ns if start_ns is None else start_ns

    @property
    def runs_commands(self) -> bool:
        """Real processes have been started."""
        return self.recorded > 0

    def record(self, spawn: Spawn, wiring: Wiring, launch: Launch) -> Started:
        """Start a virtual child or a real one; see :class:`~pytest_proctape.intercept.Recorder`.

        What was passed over is not asked for any more, and is not on the new tape.

        Raises:
            TapeCorrupt: there is a tape that can't be read, so nobody knows what is new.
        """
        asked = self.asked(spawn)
        with self._lock, self.latching():
            started = self.answered(spawn, asked, wiring)
            if started is not None:
                return started
            self.cursor.strict = False
            index = self.cursor.find(asked)
            if index is not None:
                started = self.play_entry(spawn, asked, index, wiring)
                self.takes.append(Take(self.phase, lambda: asked, entry=self.entries[index]))
                return started
        return self._record(spawn, asked, wiring, launch)

    def signal_another(self, pid: int, number: int, *, group: bool) -> int | None:
        """What came of it in the recording; what the tape does not know is real."""
        with self._lock, self.latching():
            if not self.recorded_signals.knows(pid, group=group):
                return None
            error = self.recorded_signals.send(pid, number, group=group)
            self.sent.add(pid, number, group=group, error=error)
            return error
