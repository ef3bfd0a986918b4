"""Record: real children run with their streams led past us, and what they did becomes the tape."""

from __future__ import annotations

import os
import shlex
import signal
from collections.abc import Callable
from contextlib import nullcontext
from functools import cached_property, partial

from .. import effects
from ..child import FORKS, GUARDIAN, TABLE, RecordingChild, Started, Warden, Wiring, end_at_once
from ..clock import CLOCK
from ..errors import HookError, TapeError, UnredactableOutput, UnsupportedSpawn
from ..genuine import threading
from ..match import Asked
from ..tape import (
    FORMAT_VERSION,
    Anything,
    Entry,
    FileEffect,
    Spawn,
    Spool,
    Tape,
    brief_fields_of,
    encode_argument,
    fields_of,
)
from .base import Session
from .bounds import LIMITS, recorded_limit, refusal, warden_of
from .crossing import SCAN_LIMIT, names_on_tape, to_tape
from .files import notes_of
from .player import Player
from .report import command_line
from .signals import SentSignals, are_alike
from .stamp import recorded_at
from .take import Take

Launch = Callable[[Wiring], Started]

_LOST = (
    "a library has waited for a recorded command below Python, so how it ended can't be told, nor replayed. A"
    ' test that needs this runs for real with @pytest.mark.tape(mode="live")'
)


class Recording(Player):
    """Shared by the sessions that write a tape."""

    def _begin(self) -> None:
        super()._begin()
        self.takes: list[Take] = []
        self._going: list[RecordingChild] = []
        self._ignored: list[tuple[Entry, tuple[bytes, bool]]] = []
        self.sent = SentSignals()
        self._starting = threading.RLock()
        self._at_work: list[RecordingChild] = []
        self._watch: effects.Watch | None = None
        self.set_apart()

    def set_apart(self) -> None:
        """See :meth:`.Session.set_apart`."""
        self.inputs.since = effects.WRITTEN.follow()

    def asked(self, spawn: Spawn) -> Asked:
        """``spawn`` in the terms of the tape; the secrets that its child can know are known from now on."""
        self._learn_secrets(spawn)
        return super().asked(spawn)

    def _learn_secrets(self, spawn: Spawn) -> None:
        self.places.secrets.learn(os.environ)
        if spawn.env:
            self.places.secrets.learn(spawn.env)

    clock_start_ns = Session.clock_start_ns
    """As it will stand on the tape."""

    @property
    def recorded(self) -> int:
        """How many spawns were made for real."""
        return sum(take.child is not None for take in self.takes)

    def _record(self, spawn: Spawn, asked: Asked, wiring: Wiring, launch: Launch) -> Started:
        """Start a real child whose streams are led past us."""
        self._look_for_place()
        if CLOCK.in_use:
            CLOCK.turn_real()
        GUARDIAN.engage()
        place = self.place()
        warden = self._warden(asked, place)
        take = self._new_take(spawn)
        watch = self._watched()
        # What a child has made by the time of another's look has to be known for its doing.
        with nullcontext() if watch is None else self._starting:
            return self._start(spawn, take, wiring, launch, watch, place, warden)

    def _look_for_place(self) -> None:
        """Nothing is run for a tape that has no place."""
        try:
            _ = self.path
        except TapeError as error:
            raise self.latch(error) from None

    def _start(
        self,
        spawn: Spawn,
        take: Take,
        wiring: Wiring,
        launch: Launch,
        watch: effects.Watch | None,
        place: str,
        warden: Warden,
    ) -> Started:
        outputs = [] if watch is None else effects.regular_files(wiring.outputs.values())
        try:
            child = take.child = RecordingChild(
                wiring,
                self._new_spool,
                timed=spawn.now_ns is not None,
                waits=None if spawn.unclocked else self.waits,
                on_refused=self.latch,
                began_ns=0 if watch is None else self._look_before(watch, outputs),
                look=None if watch is None else partial(self._look, watch, take, outputs),
                warden=warden,
            )
        except UnsupportedSpawn as error:
            raise self.latch(error) from None
        with self._lock:
            self._going.append(child)
        if watch is not None:
            self._at_work.append(child)

        def tell(started: Started) -> None:
            self.note_spawn(spawn, child.script, replayed=False)
            self.enroll(spawn, started.error or child, place=place)

        return self._launch(take, child, launch, tell)

    def _launch(
        self, take: Take, child: RecordingChild, launch: Launch, tell: Callable[[Started], None]
    ) -> Started:
        """Make the real call.

        Args:
            take: that has the child.
            child: that is listening by now.
            launch: the call.
            tell: says to those who may look at it that the child was started, or could not be.
        """
        try:
            with TABLE.expecting():
                started = launch(child.wiring)
                if started.error is not None:
                    child.failed(started.error)
                    tell(started)
                    return started
                child.pid = started.pid
                child.started(started.pid)
                tell(started)
                TABLE.add(child)
                status = TABLE.missed(started.pid)
            if status is not None:
                child.reaped(status, was_gone=True)
                TABLE.remove(child.pid)
        except BaseException:
            self._take_back(take, child)
            raise
        return started

    def _take_back(self, take: Take, child: RecordingChild) -> None:
        """The call has raised something, Ctrl-C perhaps: nobody knows of a child, and there is to be none."""
        # Of a copy that was forked the test knows.
        pid, child.pid = child.pid, 0
        if pid and child.status is None and FORKS.by_pid(pid) is None:
            end_at_once(pid)
            child.status = int(signal.SIGKILL)
        child.discard()
        TABLE.remove(pid)
        with self._lock:
            self.takes = [one for one in self.takes if one is not take]
            self._going = [one for one in self._going if one is not child]

    def _new_take(self, spawn: Spawn) -> Take:
        take = Take(self.phase, self.describing(spawn))
        if "inputs" in self.terms.on:
            take.inputs = self.inputs.given(spawn)
        with self._lock:
            self.takes.append(take)
        return take

    def signalled_another(self, pid: int, number: int, *, group: bool, error: int) -> None:
        """Keep what came of it."""
        with self._lock:
            self.sent.add(pid, number, group=group, error=error)

    def _warden(self, asked: Asked, place: str) -> Warden:
        """Who is to keep the child within the limits.

        Raises:
            RecordError: there may be no further child.
        """
        told = {
            "command": command_line(asked),
            "place": place,
            "record_command": self.record_command,
        }
        refused = refusal(self.limits, self.opened_ns, len(self._not_ended()), **told)
        if refused is not None:
            raise self.latch(refused)
        return warden_of(self.limits, self.opened_ns, self.latch, **told)

    def running(self) -> tuple[str, int] | None:
        """The command that has been running longest, and since when on the real monotonic clock."""
        with self._lock:
            for take in self.takes:
                if take.child is not None and take.child.is_running:
                    return command_line(take.asked), take.child.started_ns
        return None

    def _watched(self) -> effects.Watch | None:
        """What looks at the files of this recording's commands; ``None`` where nobody is to."""
        if self._watch is None and self.files is not None and self.files.rules.on:
            self._watch = self.files.watch(self._new_spool, self.latch)
        return self._watch

    def _look_before(self, watch: effects.Watch, outputs: list[effects.FileIdentity]) -> int:
        # Only who holds `_starting` adds one.
        self._at_work = [child for child in self._at_work if child.is_watched]
        for child in self._at_work:
            child.look()
        return watch.join(outputs) if self._at_work else watch.before_spawn(outputs)

    def _running(self) -> list[RecordingChild]:
        return [child for child in self._not_ended() if child.pid]

    def _not_ended(self) -> list[RecordingChild]:
        """Those that were started, or are about to be; whoever has ended is not looked at again."""
        with self._lock:
            self._going = [one for one in self._going if one.status is None and one.error is None]
            return self._going

    def _look(
        self,
        watch: effects.Watch,
        take: Take,
        outputs: list[effects.FileIdentity],
        since_ns: int,
        goes_on: bool,
        deletions: bool,
    ) -> tuple[FileEffect, ...]:
        """What files look like now, for one child."""
        effects = watch.look(since_ns, between=goes_on, deletions=deletions)
        take.unkept += watch.notes
        if not goes_on:
            watch.forget_outputs(outputs)
        if effects:
            take.shared = take.shared or any(child is not take.child for child in self._running())
        return effects

    def finish(self) -> Tape:
        """End the recording; the tape that came of it."""
        self._end_takes()
        self.places.capturing = True
        entries = [take.entry if take.child is None else self._made(take, take.child) for take in self.takes]
        return Tape(
            version=FORMAT_VERSION,
            test=self.owner,
            recorded=recorded_at(self.began_ns),
            names=names_on_tape(self.places),
            signals=self.sent.on_tape,
            entries=tuple(entry for entry in entries if entry is not None),
        )

    def abort(self) -> None:
        """See :meth:`.Session.abort`."""
        self._end_takes()
        super().abort()

    def _end_takes(self) -> None:
        """Nothing more is noted. Called again where it was interrupted."""
        self.closed = True
        for take in tuple(self.takes):
            child = take.child
            if child is not None and not child.pid and child.error is None:
                # Ctrl-C came before its start.
                self._take_back(take, child)
            elif child is not None:
                child.finish()
                TABLE.remove(child.pid)
                if child.is_lost:
                    # Told as running it would keep a replay waiting for ever.
                    self.latch(UnsupportedSpawn("waitpid(2) in C", _LOST))
        self.end_children()
        self.inputs.end()
        if self._watch is not None:
            self._watch.end()

    def _made(self, take: Take, child: RecordingChild) -> Entry | None:
        """The entry, unless a hook drops it, or fails: then it can't be known what it was to keep out."""
        try:
            entry = self.hooks.before_record(self._entry(take, child))
        except HookError as error:
            self.latch(error)
            return None
        if entry is not None and isinstance(entry.stdin, Anything):
            ignored = child.ignored()
            if ignored is not None:
                self._ignored.append((entry, (self.places.conceal(ignored[0]), ignored[1])))
        return entry

    def _ignored_by(self, entry: Entry) -> tuple[bytes, bool] | None:
        """What was sent to the command of this entry, and not read: see :meth:`.RecordingChild.ignored`."""
        return next((sent for one, sent in self._ignored if one is entry), None)

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
            HookError: a hook that was told of it failed; the old tape is whole.
        """
        if self.tools is not None:
            self.tools.save()
        tape = self.hooks.before_write(tape, self.path)
        # One look instead of three, as most record what was never recorded.
        is_new = self.store.has_nothing(self.owner)
        had_one = not is_new and self.path.exists()
        if not complete and (had_one or not tape.entries):
            return "nothing"
        if not is_new:
            self.store.discard_attempt(self.owner, self.path)
        if not tape.entries:
            self.store.delete(self.owner)
            return "removed" if had_one else "nothing"
        try:
            old = self.store.load(self.owner) if had_one else None
        except TapeError:
            # Recording anew was asked for, and that replaces also what can't be read.
            old = None
        if old is not None:
            # Most have no old one, and each run would import it.
            from .unchanged import keep_unchanged

            unordered = self.terms.order == "any"
            read = self.store.decode if self.files is None else self.files.read
            kept = keep_unchanged(
                old.entries, tape.entries, read, unordered=unordered, ignored=self._ignored_by
            )
            names = {key: (old.names or {}).get(key, value) for key, value in (tape.names or {}).items()}
            tape = tape.model_copy(update={"entries": kept, "names": names or None})
            same = kept == old.entries and are_alike(tape.signals, old.signals)
            if same and tape.test == old.test and old.recorded is not None:
                return "unchanged"
        self._write_files(tape)
        self.store.save(self.owner, tape)
        return "recorded"

    def _write_files(self, tape: Tape) -> None:
        if self.files is not None:
            self.files.write(tape)

    def save_attempt(self, tape: Tape) -> str:
        """Keep a recording of a test that failed beside the tape, which stays as it is; its path.

        One that failed of a limit is the tape where there is none yet, and fails in the same way on replay.
        """
        tape = self.hooks.before_write(tape, self.path)
        if self.failed_of_a_limit and tape.entries and not self.path.exists():
            self._write_files(tape)
            self.store.save(self.owner, tape)
            return self.shown_path
        self._write_files(tape)
        return str(self.store.save_attempt(self.owner, tape)) if tape.entries else ""

    @property
    def failed_of_a_limit(self) -> bool:
        """Nothing went wrong but that a limit of the recording was exceeded."""
        return bool(self.errors) and all(isinstance(error, LIMITS) for error in self.errors)

    def _entry(self, take: Take, child: RecordingChild) -> Entry:
        asked = take.settle()
        brief = child.brief()
        try:
            if brief is not None and self.places.are_innocent(brief[0].values()):
                fields = brief_fields_of(*brief, self.store.encode)
            else:
                encode_file = None if self.files is None else self.files.encode
                fields = fields_of(to_tape(child.script(), self.places), self.store.encode, encode_file)
            fields |= recorded_limit(child.warden)
        except UnredactableOutput as error:
            raise self.latch(UnredactableOutput(error.limit, shlex.join(asked.argv))) from None
        notes = notes_of(take.shared, take.unkept)
        if "running" in fields:
            notes.insert(0, "still running when the test ended")
        if notes:
            fields["note"] = "; ".join(notes)
        inputs = self.inputs.on_tape(take.inputs)
        if inputs:
            fields["inputs"] = inputs
        return Entry(
            program=encode_argument(asked.program),
            args=tuple(map(encode_argument, asked.args)),
            argv0=None if asked.argv0 is None else encode_argument(asked.argv0),
            cwd=None if asked.cwd is None else encode_argument(asked.cwd),
            env=dict(asked.kept) or None,
            phase=take.phase,
            **fields,
        )

    @cached_property
    def _new_spool(self) -> Callable[[], Spool]:
        """Makes what collects a stream. It does not know the session: a child keeps it as long as itself."""
        # What is this large can't be rewritten; it is looked at before any of it gets onto the disk.
        is_secret = None if self.places.rules.keep_unscanned else self.places.secrets.are_in
        return partial(Spool, self.store.root, SCAN_LIMIT, is_secret=is_secret)
