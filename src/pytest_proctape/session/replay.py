"""Replay: every spawn is answered from the tape, in order, or fails the test.

This session has no means of starting a process; see :class:`~pytest_proctape.intercept.Replayer`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from ..child import TABLE, Stalled, Started, VirtualChild, Wiring, WrongCause, add_ended
from ..errors import Divergence, Exhaustion, Leftover, ProctapeError, ReplayError, TapeError, TapeNotFound
from ..match import Asked, Difference, Near, differences, nearest
from ..portable import Places
from ..tape import STDERR, STDOUT, Entry, Script, Spawn, Tape, TapeStore, script_of
from . import report
from .base import Phase, Session, discards, group_of
from .bounds import limited_end
from .causes import told_difference

_ANOTHER = "the test asked for something else than the tape has next"
_MORE = "the test asked for more than the tape has"
_LESS = "the test asked for less than the tape has"
_SENT = "the test sent something else than the tape has"
_STALLED = "the child waits for something that the test does not do"
_R = TypeVar("_R", bound=ReplayError)


class Player(Session):
    """What replaying needs: the tape, the cursor, and children that play entries."""

    def __init__(self, store: TapeStore, owner: str, places: Places, *, root: Path, target: str = "") -> None:
        super().__init__(store, owner, places, root=root, target=target)
        self._tape: Tape | None = None
        self.cursor = 0
        self.children: list[VirtualChild] = []

    @property
    def tape(self) -> Tape | None:
        """The tape, read when it is first needed; ``None`` if there is none.

        Raises:
            TapeError: it is there and can't be read.
        """
        if self._tape is None:
            self._tape = self.store.load(self.owner)
        return self._tape

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The tape's entries; none if there is no tape."""
        return () if self.tape is None else self.tape.entries

    def play(self, spawn: Spawn, asked: Asked, entry: Entry, wiring: Wiring) -> Started:
        """Start a virtual child that does what ``entry`` says."""
        assert self.tape is not None
        script = script_of(entry, self.decode, strict_input=self.tape.recorded is not None)
        if script.end.error is not None:
            self.note_spawn(spawn, lambda: script, replayed=True)
            self.enroll(spawn, script.end.error, entry)
            return Started(add_ended(255 << 8), script.end.error)
        place = self.place()
        differing = _stream_differences(script, wiring)
        if differing:
            raise self.latch(self.divergence(asked, place, differing))
        pid = TABLE.new_pid()
        number = len(self.spawns) + 1

        def on_wrong(_: VirtualChild, wrong: WrongCause | Stalled) -> ProctapeError:
            return self.latch(self._wrong_cause(asked, number, place, entry, wrong))

        child = VirtualChild(
            pid,
            group_of(spawn, pid),
            script,
            new_session=spawn.new_session,
            now_ns=spawn.now_ns,
            on_wrong=on_wrong,
            on_end=limited_end(
                entry,
                self.latch,
                command=report.command_line(asked),
                place=place,
                record_command=self.record_command,
            ),
        )
        self.note_spawn(spawn, child.so_far, replayed=True)
        self.enroll(spawn, child, entry)
        self.children.append(child)
        TABLE.add(child)
        child.start(_mapped(script, wiring))
        return Started(pid)

    def end_children(self) -> None:
        """The tape is over: children that still run are gone, and nothing of them is left."""
        for child in self.children:
            child.close()
            TABLE.remove(child.pid)
        self.children.clear()

    # -- errors --------------------------------------------------------------------------------

    def divergence(self, asked: Asked, place: str, wrong: Sequence[Difference]) -> Divergence:
        """The entry at the cursor is not what was asked for."""
        return self._error(
            Divergence,
            _ANOTHER,
            asked,
            place,
            expected=(self.cursor, self.entries[self.cursor]),
            wrong=wrong,
            near=nearest(asked, self.entries, self.cursor),
        )

    def exhaustion(self, asked: Asked, place: str) -> Exhaustion:
        """There is no entry at the cursor."""
        near = nearest(asked, self.entries, self.cursor)
        return self._error(Exhaustion, _MORE, asked, place, near=near)

    def _wrong_cause(
        self, asked: Asked, number: int, place: str, entry: Entry, wrong: WrongCause | Stalled
    ) -> Divergence:
        index = next(i for i, one in enumerate(self.entries) if one is entry)
        headline = _SENT if isinstance(wrong, WrongCause) else _STALLED
        told = (told_difference(wrong),)
        return self._error(
            Divergence, headline, asked, place, expected=(index, entry), wrong=told, number=number
        )

    def _error(
        self,
        kind: type[_R],
        headline: str,
        asked: Asked,
        place: str,
        *,
        expected: tuple[int, Entry] | None = None,
        wrong: Sequence[Difference] = (),
        near: Sequence[Near] = (),
        number: int | None = None,
    ) -> _R:
        text = report.build(
            headline=headline,
            tape=self.shown_path,
            count=len(self.entries),
            number=number or len(self.spawns) + 1,
            asked=asked,
            place=place,
            expected=expected,
            differences=wrong,
            near=near,
            next_step=self.record_command,
        )
        return kind(
            headline,
            report=text,
            spawn=asked,
            near=near,
            differences=wrong,
            place=place,
            next_step=self.record_command,
        )


class ReplaySession(Player):
    """Answers spawns from the tape in strict order."""

    mode = "replay"

    def replay(self, spawn: Spawn, wiring: Wiring) -> Started:
        """Answer one spawn; see :class:`~pytest_proctape.intercept.Replayer`.

        Raises:
            TapeNotFound: there is no tape.
            TapeCorrupt: there is one that can't be read.
            Divergence: the next entry is another.
            Exhaustion: there is no next entry.
        """
        asked = self.asked(spawn)
        with self._lock:
            entry = self._next(asked)
            started = self.play(spawn, asked, entry, wiring)
            self.cursor += 1
        return started

    def _next(self, asked: Asked) -> Entry:
        try:
            tape = self.tape
        except TapeError as error:
            raise self.latch(error) from None
        if tape is None:
            raise self.latch(self._not_found(asked))
        if self.cursor >= len(tape.entries):
            raise self.latch(self.exhaustion(asked, self.place()))
        entry = tape.entries[self.cursor]
        wrong = differences(asked, entry)
        if wrong:
            raise self.latch(self.divergence(asked, self.place(), wrong))
        return entry

    def _not_found(self, asked: Asked) -> TapeNotFound:
        place = self.place()
        where = f" at {place}" if place else ""
        attempt = self.store.attempt_path(self.owner)
        kept = f"; the attempt of a recording that failed is in {attempt}" if attempt.exists() else ""
        return TapeNotFound(
            self.path,
            f"the test asked for `{report.command_line(asked)}`{where}, and it has no tape{kept}",
            next_step=f"record it: {self.record_command}",
        )

    def leftover(self, *phases: Phase) -> Leftover | None:
        """Entries of these phases that were not asked for."""
        try:
            remaining = [
                (index, entry)
                for index, entry in enumerate(self.entries)
                if index >= self.cursor and entry.phase in phases
            ]
        except TapeError as error:
            self.latch(error)
            return None
        if not remaining:
            return None
        lines = [f"entry {index + 1}: {report.entry_line(entry)}" for index, entry in remaining[:10]]
        if len(remaining) > 10:
            lines.append(f"and {len(remaining) - 10} more")
        count = len(remaining)
        text = report.build(
            headline=f"{_LESS}: {count} {'entry was' if count == 1 else 'entries were'} not replayed",
            tape=self.shown_path,
            count=len(self.entries),
            notes=lines,
            next_step=self.record_command,
        )
        near = [Near(index, entry, (), consumed=False) for index, entry in remaining]
        return Leftover(_LESS, report=text, near=near, next_step=self.record_command)

    def close(self) -> None:
        """The tape is over; what still plays is ended."""
        super().close()
        self.end_children()


def _mapped(script: Script, wiring: Wiring) -> Wiring:
    """Pipes beyond stderr by their order: what number each has depends on what else is open."""
    recorded = sorted(fd for fd in script.captured if fd > STDERR)
    present = sorted(fd for fd in wiring.outputs if fd > STDERR)
    if recorded == present or len(recorded) != len(present):
        return wiring
    outputs = {fd: given for fd, given in wiring.outputs.items() if fd <= STDERR}
    outputs |= {old: wiring.outputs[new] for old, new in zip(recorded, present, strict=True)}
    return replace(wiring, outputs=outputs)


def _stream_differences(script: Script, wiring: Wiring) -> list[Difference]:
    """Where the test looks at an output that the recording did not keep."""
    found = []
    together = wiring.outputs.get(STDERR) == wiring.outputs.get(STDOUT) is not None
    for fd, name in ((STDOUT, "stdout"), (STDERR, "stderr")):
        kept = fd in script.captured or (fd == STDERR and script.merged)
        if not kept and not discards(wiring, fd):
            found.append(Difference(name, "(discarded)", "(looked at)"))
    if script.merged and not together and not (discards(wiring, STDERR) and discards(wiring, STDOUT)):
        found.append(Difference("stderr", "(sent to stdout)", "(apart)"))
    if together and not script.merged and script.stream(STDOUT) and script.stream(STDERR):
        found.append(Difference("stderr", "(apart)", "(sent to stdout)"))
    return found
