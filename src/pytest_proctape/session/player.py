"""The player: a spawn is answered by what the test said, or by an entry, and a virtual child plays it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial

from ..child import TABLE, Memory, Stalled, Started, VirtualChild, Wiring, WrongCause, add_ended, loosened
from ..errors import (
    HookError,
    Leftover,
    ProctapeError,
    ReplayError,
    TapeError,
)
from ..match import Asked, Difference, Near, asked_by, says_places
from ..tape import Entry, Script, Spawn, script_of, with_pid
from ..tape import script as steps
from . import report
from .answers import Answer, Answers, Word, entry_for
from .base import Phase, group_of
from .bounds import limited_end
from .crossing import from_tape
from .files import Tell
from .said import Said, check_count
from .streams import mapped, stream_differences
from .taped import Part, Taped

_LESS = "the test asked for less than the tape has"
_UNUSED = "the test said of a command what was not asked for"
_LEFT_SHOWN = 10
_CONNECTIONS = 100
"""How often it is looked whether somebody listens: a test may connect to a database in each line."""


class Player(Taped):
    """Answers spawns with children that play.

    Attributes:
        owes_entries: all that is on the tape has to be asked for.
        replays_entries: what is on the tape is looked at.
        answers: what the test says itself.
        refused_at: where the test has connected to, and nobody listened, after it had started something.
    """

    owes_entries = False
    replays_entries = True
    refused_at = ""
    _connections = 0

    def _begin(self) -> None:
        super()._begin()
        self.children: list[VirtualChild] = []
        self.answers = Answers()

    def connects(self, address: object) -> None:
        """The test is about to connect to ``address``, as ``socket.connect`` takes it."""
        if not self.refused_at and self._connections < _CONNECTIONS and self.spawns:
            self._connections += 1
            # On most replays nobody connects to anything.
            from .listeners import refused

            self.refused_at = refused(address)

    def say(
        self,
        program: Word | None,
        args: Sequence[Word] | None,
        cwd: str | os.PathLike[str] | None,
        said: Said,
        *,
        times: int | None,
        overrides: bool = False,
    ) -> None:
        """The test says what a command does; see :class:`~pytest_proctape.handle.TapeHandle`.

        Raises:
            UsageError: a word is none.
        """
        check_count("times", times, 1)
        entry = entry_for(program, args, cwd, self.places.conceal_text)
        with self._lock:
            self.answers.add(Answer(entry, said, overrides, times, self.phase, self.place()))

    def answered(self, spawn: Spawn, asked: Asked, wiring: Wiring) -> Started | None:
        """What the test itself said of this spawn, if anything; the tape's entry for it is consumed.

        Raises:
            TapeError: there is a tape and it can't be read.
        """
        if not self.answers:
            return None
        here = asked.cwd or self.places.conceal_text(self._start_cwd)
        answer = self.answers.find(asked.but(cwd=here))
        if answer is None:
            return None
        index = self._overridden(asked) if answer.overrides and self.replays_entries else None
        recorded = None if index is None else self._script(self.entries[index])
        script = answer.said.applied(recorded)
        part = Part(script, index, answer.entry, lenient=True, said=_said_line(answer))
        started = self.play(spawn, asked, part, wiring)
        answer.served += 1
        if index is not None:
            self.cursor.take(index)
        return started

    def answered_first(self, spawn: Spawn, asked: Asked, wiring: Wiring) -> Started | None:
        """:meth:`answered`, for who asks from outside.

        Raises:
            TapeError: as there.
        """
        with self._lock, self.latching():
            return self.answered(spawn, asked, wiring)

    def _overridden(self, asked: Asked) -> int | None:
        index = self.cursor.find(asked)
        # From here on the test may go another way than it was recorded.
        self.cursor.strict = False
        return index

    def play_entry(self, spawn: Spawn, asked: Asked, index: int, wiring: Wiring) -> Started:
        """Start a virtual child that does what an entry of the tape says, and consume it.

        Raises:
            HookError: a hook that was told of it failed.
        """
        entry = self.hooks.before_replay(self.entries[index], asked)
        self._learn(entry, asked)
        part = Part(self._script(entry), index, entry, retold=partial(self._script, entry))
        started = self.play(spawn, asked, part, wiring)
        self.cursor.take(index)
        return started

    def _learn(self, entry: Entry, asked: Asked) -> None:
        """What the parent said gives captured names their values."""
        if not says_places(entry):
            return
        expected = asked_by(entry)
        pairs: list[tuple[str | None, str | None]] = [*zip(expected.argv, asked.argv, strict=False)]
        pairs.append((expected.cwd, asked.cwd))
        pairs += [(value, asked.env.get(name)) for name, value in (entry.env or {}).items()]
        for taped, said in pairs:
            if taped and said:
                self.places.learn(taped, said)

    def _script(self, entry: Entry) -> Script:
        assert self.tape is not None
        taped = script_of(
            entry,
            self.store.decode,
            strict_input=self.tape.recorded is not None,
            decode_file=None if self.files is None else self.files.decode,
        )
        script = from_tape(taped, self.places)
        return script if "stdin" in self.terms.on else loosened(script)

    def play(self, spawn: Spawn, asked: Asked, part: Part, wiring: Wiring) -> Started:
        """Start a virtual child."""
        script = part.script
        place = self.place()
        if script.end.error is not None:
            self.note_spawn(spawn, lambda: script, replayed=True)
            self.enroll(spawn, script.end.error, part.entry, part.index, place)
            return Started(add_ended(255 << 8), script.end.error)
        differing = () if part.lenient else stream_differences(script, wiring)
        if differing:
            raise self.latch(self.divergence(asked, place, differing, part.index))
        child = self._child(spawn, asked, part, place)
        child.start(mapped(script, wiring))
        return Started(child.pid)

    def play_in_memory(self, spawn: Spawn, asked: Asked, part: Part, memory: Memory) -> int:
        """Start a virtual child that needs no descriptors; its pid."""
        child = self._child(spawn, asked, part, self.place())
        child.start_in(memory)
        return child.pid

    def _child(self, spawn: Spawn, asked: Asked, part: Part, place: str) -> VirtualChild:
        """A child that is known everywhere and has not started yet."""
        pid = TABLE.new_pid()
        playing = _Playing(self, asked, part, place, pid)
        limited = part.entry.timed_out is not None or part.entry.output_limit is not None
        child = VirtualChild(
            pid,
            group_of(spawn, pid),
            part.script,
            new_session=spawn.new_session,
            now_ns=spawn.now_ns,
            waits=None if spawn.unclocked else self.waits,
            on_wrong=playing.wrong,
            on_damage=self.latch,
            on_end=playing.limited_end() if limited else TABLE.tell,
            retold=part.retold,
            on_effects=playing.effects,
        )
        self.note_spawn(spawn, child.so_far, replayed=True)
        self.enroll(spawn, child, part.entry, part.index, place)
        self.children.append(child)
        TABLE.add(child)
        return child

    def put(self, effects: steps.Effects, pid: int, tell: Tell) -> None:
        """Put files where the command of an entry had put them.

        Raises:
            ProctapeError: it can't be done. The session has latched it.
        """
        assert self.files is not None
        try:
            self.files.put([with_pid(file, pid) for file in effects.files], self.path, tell)
        except ProctapeError as error:
            raise self.latch(error) from None

    def end_children(self) -> None:
        """The tape is over: children that still run are gone, and nothing of them is left."""
        for child in self.children:
            child.close()
            TABLE.remove(child.pid)
        self.children.clear()

    def close(self) -> None:
        """The tape is over; what still plays is ended."""
        super().close()
        if self.files is not None:
            self.files.end_replay()
        self.inputs.end()
        self.end_children()

    # -- what was not asked for ----------------------------------------------------------------

    def leftover(self, *phases: Phase) -> Leftover | None:
        """Entries and answers of these phases that were not asked for.

        A test that overrode an entry was led another way than the recorded one, and owes none of the rest.
        """
        # What a fixture said in the setup may be for its teardown.
        said_in = phases if "teardown" in phases else [one for one in phases if one != "setup"]
        lines = [_owing_line(answer) for answer in self.answers.owing(said_in)]
        try:
            remaining = self._remaining(phases) if self.owes_entries else []
        except (TapeError, HookError) as error:
            self.latch(error)
            return None
        if not remaining and not lines:
            return None
        lines += [f"entry {one.index + 1}: {report.entry_line(one.entry)}" for one in remaining]
        if len(lines) > _LEFT_SHOWN:
            lines[_LEFT_SHOWN:] = [f"and {len(lines) - _LEFT_SHOWN} more"]
        count = len(remaining)
        told = f": {count} {'entry was' if count == 1 else 'entries were'} not replayed" if count else ""
        text = report.build(
            headline=f"{_LESS if count else _UNUSED}{told}",
            tape=self.shown_path if count else "",
            count=len(self.entries) if count else 0,
            notes=lines,
            next_step=self.record_command if count else "",
        )
        return Leftover(_LESS, report=text, near=remaining, next_step=self.record_command)

    def _remaining(self, phases: Sequence[Phase]) -> list[Near]:
        if not self.cursor.strict:
            return []
        left = ((index, self.entries[index]) for index in self.cursor.left())
        return [Near(index, entry, (), consumed=False) for index, entry in left if entry.phase in phases]


class _Playing:
    """One child's part in its session: whom it tells of what."""

    __slots__ = ("_asked", "_number", "_part", "_pid", "_place", "_session")

    def __init__(self, session: Player, asked: Asked, part: Part, place: str, pid: int) -> None:
        self._session = session
        self._asked = asked
        self._part = part
        self._place = place
        self._pid = pid
        self._number = session.tally_so_far() + 1

    def wrong(self, _: VirtualChild, wrong: WrongCause | Stalled) -> ProctapeError:
        """The test did something else than in the recording."""
        session = self._session
        return session.latch(session.wrong_cause(self._asked, self._number, self._place, self._part, wrong))

    def effects(self, effects: steps.Effects) -> None:
        """The files that the command had made are to be put in their places."""
        self._session.put(effects, self._pid, self._effect_error)

    def _effect_error(self, told: str, wrong: Difference) -> ReplayError:
        return self._session.effect_error(self._asked, self._number, self._place, self._part, told, wrong)

    def limited_end(self) -> Callable[[VirtualChild], None]:
        """What is to happen at the end of a child that a limit has ended."""
        return limited_end(
            self._part.entry,
            self._session.latch,
            command=report.command_line(self._asked),
            place=self._place,
            record_command=self._session.record_command,
        )


def _owing_line(answer: Answer) -> str:
    return f"{_said_line(answer)} was started {answer.served} of {answer.times} times"


def _said_line(answer: Answer) -> str:
    call = "tape.override" if answer.overrides else "tape.add"
    return f"{call} at {answer.place}: {report.entry_line(answer.entry)}"
