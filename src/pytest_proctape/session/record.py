"""Record: real children run with their streams led past us, and what they did becomes the tape."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..child import TABLE, RecordingChild, Started, Warden, Wiring
from ..clock import REAL
from ..errors import RecordError, TapeError, UnsupportedSpawn
from ..match import Asked, first_match
from ..portable import Places
from ..tape import (
    FORMAT_VERSION,
    Content,
    Entry,
    Recorded,
    Spawn,
    Spool,
    Stream,
    Tape,
    TapeStore,
    encode_argument,
    fields_of,
)
from .base import PORTABLE_LIMIT, Mode, Phase
from .bounds import recorded_limit, refusal, warden_of
from .replay import Player
from .report import command_line
from .unchanged import keep_unchanged

Launch = Callable[[Wiring], Started]


@dataclass
class _Take:
    """One spawn of the recording: an entry to be, or one that was replayed and stays as it is."""

    asked: Asked
    phase: Phase
    child: RecordingChild | None = None
    entry: Entry | None = None


class Recording(Player):
    """Shared by the sessions that write a tape."""

    def __init__(self, store: TapeStore, owner: str, places: Places, *, root: Path, target: str = "") -> None:
        super().__init__(store, owner, places, root=root, target=target)
        self.takes: list[_Take] = []

    @property
    def recorded(self) -> int:
        """How many spawns were made for real."""
        return sum(take.child is not None for take in self.takes)

    def _record(self, spawn: Spawn, asked: Asked, wiring: Wiring, launch: Launch) -> Started:
        """Start a real child whose streams are led past us."""
        try:
            _ = self.path
        except TapeError as error:
            # Nothing is run for a tape that has no place.
            raise self.latch(error) from None
        take = _Take(asked, self.phase)
        warden = self._warden(asked)
        with self._lock:
            self.takes.append(take)
        try:
            child = take.child = RecordingChild(
                wiring,
                self._new_spool,
                timed=spawn.now_ns is not None,
                on_refused=self.latch,
                warden=warden,
            )
        except UnsupportedSpawn as error:
            raise self.latch(error) from None
        with TABLE.expecting():
            try:
                started = launch(child.wiring)
            except BaseException:
                child.discard()
                with self._lock:
                    self.takes.remove(take)
                raise
            self.note_spawn(spawn, child.script, replayed=False)
            if started.error is not None:
                child.failed(started.error)
                self.enroll(spawn, started.error)
                return started
            child.started(started.pid)
            self.enroll(spawn, child)
            TABLE.add(child)
            status = TABLE.missed(started.pid)
        if status is not None:
            child.reaped(status, was_gone=True)
            TABLE.remove(child.pid)
        return started

    def _warden(self, asked: Asked) -> Warden:
        """Who is to keep the child within the limits.

        Raises:
            RecordError: there may be no further child.
        """
        told = {
            "command": command_line(asked),
            "place": self.place(),
            "record_command": self.record_command,
        }
        with self._lock:
            running = [take.child for take in self.takes if take.child is not None]
        refused = refusal(self.limits, self.began_ns, running, **told)
        if refused is not None:
            raise self.latch(refused)
        return warden_of(self.limits, self.began_ns, self.latch, **told)

    def finish(self) -> Tape:
        """End the recording; the tape that came of it."""
        self.closed = True
        entries = []
        for take in self.takes:
            if take.child is not None:
                take.child.finish()
                TABLE.remove(take.child.pid)
            entries.append(take.entry if take.child is None else self._entry(take, take.child))
        self.end_children()
        return Tape(
            version=FORMAT_VERSION,
            test=self.owner,
            recorded=_now(),
            entries=tuple(entry for entry in entries if entry is not None),
        )

    def save(self, tape: Tape, *, complete: bool) -> str:
        """Store ``tape``; ``"recorded"``, ``"unchanged"``, ``"removed"`` or ``"nothing"``.

        What has not changed stays on the tape as it is, times included, so that recording again what
        did not change leaves the file as it was.

        Args:
            tape: from :meth:`finish`.
            complete: the test ran to its end. One that was skipped may have asked for less than it would
                elsewhere, so it loses no tape that is there.

        Raises:
            TapeWriteError: the disk would not take it; the old tape is whole.
        """
        if not complete and (self.path.exists() or not tape.entries):
            return "nothing"
        self.store.discard_attempt(self.owner)
        if not tape.entries:
            had_one = self.path.exists()
            self.store.delete(self.owner)
            return "removed" if had_one else "nothing"
        try:
            old = self.store.load(self.owner)
        except TapeError:
            # Recording anew was asked for, and that replaces also what can't be read.
            old = None
        if old is not None and old.recorded is not None:
            kept = keep_unchanged(old.entries, tape.entries, self.store.decode)
            tape = tape.model_copy(update={"entries": kept})
            if kept == old.entries and tape.test == old.test:
                return "unchanged"
        self.store.save(self.owner, tape)
        return "recorded"

    def save_attempt(self, tape: Tape) -> str:
        """Keep a recording of a test that failed beside the tape, which stays as it is; its path.

        One that failed of a limit is the tape where there is none yet, and fails in the same way on replay.
        """
        limited = self.errors and all(isinstance(error, RecordError) for error in self.errors)
        if limited and tape.entries and not self.path.exists():
            self.store.save(self.owner, tape)
            return self.shown_path
        return str(self.store.save_attempt(self.owner, tape)) if tape.entries else ""

    def _entry(self, take: _Take, child: RecordingChild) -> Entry:
        asked, script = take.asked, child.script()
        fields = fields_of(script, self._encode) | recorded_limit(child.warden)
        if fields.get("running"):
            fields["note"] = "still running when the test ended"
        return Entry(
            program=encode_argument(asked.program),
            args=tuple(encode_argument(one) for one in asked.args),
            argv0=None if asked.argv0 is None else encode_argument(asked.argv0),
            cwd=None if asked.cwd is None else encode_argument(asked.cwd),
            phase=take.phase,
            **fields,
        )

    def _encode(self, content: Content) -> Stream:
        if content.size > PORTABLE_LIMIT:
            return self.store.encode(content)
        data = content.bytes()
        concealed = self.places.conceal(data)
        return self.store.encode(data if len(concealed) > PORTABLE_LIMIT else concealed)

    def _new_spool(self) -> Spool:
        return Spool(self.store.root, PORTABLE_LIMIT)


class RecordSession(Recording):
    """Records every spawn anew."""

    mode: Mode = "record"

    def record(self, spawn: Spawn, wiring: Wiring, launch: Launch) -> Started:
        """Start one real child; see :class:`~pytest_proctape.intercept.Recorder`."""
        return self._record(spawn, self.asked(spawn), wiring, launch)


class UpdateSession(Recording):
    """Replays what is on the tape, and runs and records what is not, in its place."""

    mode = "update"

    def record(self, spawn: Spawn, wiring: Wiring, launch: Launch) -> Started:
        """Start a virtual child or a real one; see :class:`~pytest_proctape.intercept.Recorder`.

        Raises:
            TapeCorrupt: there is a tape that can't be read, so nobody knows what is new.
        """
        asked = self.asked(spawn)
        with self._lock:
            try:
                index = first_match(asked, self.entries, self.cursor)
            except TapeError as error:
                raise self.latch(error) from None
            if index is not None:
                # What was passed over is not asked for any more, and is not on the new tape.
                entry = self.entries[index]
                self.cursor = index
                started = self.play(spawn, asked, entry, wiring)
                self.cursor = index + 1
                self.takes.append(_Take(asked, self.phase, entry=entry))
                return started
        return self._record(spawn, asked, wiring, launch)


def _now() -> Recorded:
    from .. import __version__

    at = datetime.fromtimestamp(REAL.time_ns() // 10**9, UTC)
    return Recorded(
        at=at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        python=platform.python_version(),
        platform=sys.platform,
        proctape=__version__,
    )
