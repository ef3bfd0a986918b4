"""Replay: every spawn is answered from the tape, or fails the test.

This session has no means of starting a process; see :class:`~pytest_proctape.intercept.Replayer`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import cached_property, partial

from ..child import TABLE, Memory, Started, Wiring
from ..clock import REAL
from ..errors import (
    Divergence,
    Exhaustion,
    TapeError,
    TapeNotFound,
)
from ..match import Asked, says_places
from ..tape import Entry, Spawn
from . import report
from .finished import Finished, plain_outputs
from .places import users_spot
from .player import Player
from .taped import Part

_KNOWN_LIMIT = 1024


class ReplaySession(Player):
    """Answers spawns from the tape."""

    mode = "replay"
    owes_entries = True

    def _begin(self) -> None:
        super()._begin()
        self._finished: list[Finished] = []
        self._known: dict[int, tuple[Spawn, object, str, Asked]] = {}

    def replay(self, spawn: Spawn, wiring: Wiring) -> Started:
        """Answer one spawn; see :class:`~pytest_proctape.intercept.Replayer`.

        Raises:
            TapeNotFound: there is no tape.
            TapeCorrupt: there is one that can't be read.
            Divergence: the next entry is another.
            Exhaustion: there is no next entry.
        """
        asked = self.asked(spawn)
        with self._lock, self.latching():
            started = self.answered(spawn, asked, wiring)
            if started is None:
                started = self.play_entry(spawn, asked, self._find(asked), wiring)
        return started

    def signal_another(self, pid: int, number: int, *, group: bool) -> int:
        """What came of it in the recording: none is sent for real."""
        with self._lock, self.latching():
            return self.recorded_signals.send(pid, number, group=group)

    @cached_property
    def _is_watched(self) -> bool:
        return self.hooks.has("before_replay") or self.hooks.has("loaded")

    def replay_in_memory(self, spawn: Spawn, memory: Memory, announce: Callable[[], None]) -> int | None:
        """Answer a spawn whose streams need no descriptors; see :class:`~pytest_proctape.intercept.door`."""
        if self.answers or self.terms.judges or self._is_watched:
            return None
        asked = self._asked_again(spawn)
        with self._lock:
            try:
                index = None if self.tape is None else self.cursor.find(asked)
            except TapeError:
                return None
            if index is None:
                return None
            entry = self.entries[index]
            if entry.spawn_error is not None or entry.timed_out is not None or entry.output_limit is not None:
                return None
            pid = self._answer_at_once(spawn, entry, memory, announce)
            if pid is not None:
                self.cursor.take(index)
                return pid
            self._learn(entry, asked)
            script = self._script(entry)
            if not memory.takes(script):
                return None
            announce()
            retold = None if memory.is_sent_nothing else partial(self._script, entry)
            part = Part(script, index, entry, retold=retold)
            pid = self.play_in_memory(spawn, asked, part, memory)
            self.cursor.take(index)
        return pid

    def _asked_again(self, spawn: Spawn) -> Asked:
        """:meth:`asked`, remembered for a spawn that means the same wherever it is made."""
        if spawn.env is not None or spawn.cwd is not None or self.places.rules.env:
            return self.asked(spawn)
        known = self._known.get(id(spawn))
        if known is None or known[1] is not self.places.state or known[2] != os.getcwd():
            asked = self.asked(spawn)
            if asked.args == spawn.args and asked.program == spawn.program:
                if len(self._known) >= _KNOWN_LIMIT:
                    self._known.clear()
                self._known[id(spawn)] = spawn, self.places.state, os.getcwd(), asked
            return asked
        self.places.environment = os.environ
        self.threads.add(threading.get_ident())
        return known[3]

    def _answer_at_once(
        self, spawn: Spawn, entry: Entry, memory: Memory, announce: Callable[[], None]
    ) -> int | None:
        """The pid of a child that only says something and ends: nobody has to keep it."""
        if self.log is not None or not TABLE.is_unobserved() or says_places(entry):
            return None
        outputs = plain_outputs(entry, memory, self.store.decode)
        if outputs is None:
            return None
        announce()
        for fd, content in outputs:
            if fd in memory.outlets:
                memory.outlets[fd].add(content)
        memory.exit_code = entry.exit_code or 0
        pid = TABLE.new_pid()
        start_ns = REAL.monotonic_ns() - self.opened_ns
        self._finished.append(Finished(spawn, entry, self._script, pid, users_spot(), start_ns))
        return pid

    def _settle(self) -> None:
        if self._finished:
            with self._lock:
                finished, self._finished = self._finished, []
                for one in finished:
                    made, child = one.told(str(self.root))
                    self._spawns.append(made)
                    self._roll.add(child)

    def tally(self) -> tuple[int, int, int, int]:
        """See :class:`Session`."""
        spawns, replayed, virtual, process_ns = super().tally()
        count = len(self._finished)
        more_ns = sum(one.duration_ns for one in self._finished)
        return spawns + count, replayed + count, virtual, process_ns + more_ns

    def tally_so_far(self) -> int:
        """See :class:`Session`."""
        return len(self._spawns) + len(self._finished)

    def _find(self, asked: Asked) -> int:
        if self.tape is None:
            raise self._not_found(asked)
        cursor = self.cursor
        index = cursor.find(asked)
        if index is not None:
            return index
        place = self.place()
        if self.terms.order == "any":
            raise self.latch(self._no_such(asked, place))
        if cursor.at >= len(cursor.entries):
            raise self.latch(self.exhaustion(asked, place))
        wrong = self.terms.differences(asked, cursor.entries[cursor.at])
        raise self.latch(self.divergence(asked, place, wrong, cursor.at))

    def _no_such(self, asked: Asked, place: str) -> Divergence | Exhaustion:
        """Nothing that is left on a tape without order is what was asked for."""
        left = list(self.cursor.left())
        compare = self.terms.differences
        if not left or any(not compare(asked, entry) for entry in self.entries):
            return self.exhaustion(asked, place)
        near = [one for one in self._near(asked, -1) if not one.consumed]
        if not near:
            return self.divergence(asked, place, (), None)
        return self.divergence(asked, place, near[0].differences, near[0].index)

    def _not_found(self, asked: Asked) -> TapeNotFound:
        place = self.place()
        where = f" at {place}" if place else ""
        attempt = self.store.attempt_path(self.owner)
        kept = f"; the attempt of a recording that failed is in {attempt}" if attempt.exists() else ""
        renamed = self.offer(self.path, asked)
        given = f"\n            or, if the test was renamed: {renamed}" if renamed else ""
        return TapeNotFound(
            self.path,
            f"the test asked for `{report.command_line(asked)}`{where}, and it has no tape{kept}",
            next_step=f"record it: {self.record_command}{given}",
        )
