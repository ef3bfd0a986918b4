"""Replay: every spawn is answered from the tape, or fails the test.

This session has no means of starting a process; see :class:`~pytest_proctape.intercept.Replayer`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import cached_property, partial
from types import FrameType
from typing import Any

from ..child import (
    FORKS,
    TABLE,
    BriefChild,
    EndedChild,
    FedChild,
    Memory,
    Said,
    Stalled,
    Started,
    Streams,
    VirtualChild,
    Wiring,
    WrongCause,
    are_writable,
    own_pipes,
    say,
)
from ..clock import REAL
from ..errors import (
    Divergence,
    Exhaustion,
    ProctapeError,
    TapeError,
    TapeNotFound,
)
from ..genuine import select, threading
from ..match import Asked
from ..tape import STDERR, STDIN, STDOUT, Entry, Spawn
from . import report
from .base import group_of
from .children import TapedChild
from .cursor import Cursor
from .finished import Finished, awaited_by, said_at_once
from .known import KnownWords
from .places import Spot, Where, users_spot
from .player import Player
from .streams import mapped, stream_differences
from .taped import Part

_KINDS = (BriefChild, FedChild)
"""Who says all at once: not sent anything, or sent something."""


class ReplaySession(Player):
    """Answers spawns from the tape."""

    mode = "replay"
    owes_entries = True

    def _begin(self) -> None:
        super()._begin()
        self._finished: list[tuple[Any, ...]] = []
        """What :class:`.Finished` are made of, when somebody asks."""
        self._known_words = KnownWords(self.places)

    def replay(self, spawn: Spawn, wiring: Wiring) -> Started:
        """Answer one spawn; see :class:`~pytest_proctape.intercept.Replayer`.

        Raises:
            TapeNotFound: there is no tape.
            TapeCorrupt: there is one that can't be read.
            Divergence: the next entry is another.
            Exhaustion: there is no next entry.
        """
        with self._lock, self.latching():
            started = self._replay_wired(spawn, wiring)
            if started is not None:
                return started
            asked = self.asked(spawn)
            started = self.answered(spawn, asked, wiring)
            if started is None:
                started = self.play_entry(spawn, asked, self._find(asked), wiring)
        return started

    def _replay_wired(self, spawn: Spawn, wiring: Wiring) -> Started | None:
        """:meth:`replay_at_once` for a spawn that comes with its descriptors."""
        streams = own_pipes(wiring)
        if streams is None or spawn.now_ns is not None or self.waits is not None:
            return None
        if not are_writable(wiring.private):
            return None
        pipes = wiring.outputs.get(STDOUT, -1), wiring.outputs.get(STDERR, -1)
        # Behind this room's frames and the door's.
        pid = self.replay_at_once(spawn, streams, None, pipes, _announced, sys._getframe(3))
        return None if pid is None else Started(pid)

    def replay_at_once(
        self,
        spawn: Spawn,
        streams: Streams,
        sent: bytes | None,
        pipes: tuple[int, int],
        announce: Callable[[], None],
        caller: FrameType,
    ) -> int | None:
        """Answer a spawn whose child says a little and ends; see :class:`.intercept.MemoryReplayer`."""
        if self._has_company or self.log is not None or FORKS.place:
            return None
        with self._lock:
            found = self._find_again(spawn)
            if found is None:
                return None
            index, entry, cursor = found
            if entry.seen_running:
                return None
            outputs = said_at_once(entry, streams, sent, None, self.places.reveal)
            if outputs is None or not say(pipes, *outputs, announce):
                return None
            pid = TABLE.new_pid()
            child = EndedChild(pid, group_of(spawn, pid), (entry.exit_code or 0) << 8, self._script, entry)
            child.new_session = spawn.new_session
            self._keep(spawn, entry, pid, caller, child)
            self.children.append(child)
            TABLE.add_ended(child)
            cursor.take(index)
        return pid

    def replay_in_loop(
        self,
        spawn: Spawn,
        streams: Streams,
        sent: bytes | None,
        pipes: tuple[int, int],
        wired: Callable[[], Wiring],
        announce: Callable[[], None],
        caller: FrameType,
        now_ns: Callable[[], int],
    ) -> VirtualChild | None:
        """Answer a spawn of an event loop; see :class:`.intercept.MemoryReplayer`."""
        if self._has_company or self.log is not None or FORKS.place:
            return None
        with self._lock:
            found = self._find_again(spawn)
            if found is None:
                return None
            index, entry, cursor = found
            awaited = awaited_by(entry.stdin) if streams.private else sent
            outputs = self._said_in_loop(entry, streams, awaited)
            if outputs is None:
                asked_for = spawn.but(road="asyncio", now_ns=now_ns)
                return self._play_in_loop(asked_for, index, wired(), announce, users_spot(caller))
            announce()
            # Who is sent something may be sent another thing, once the test has gone elsewhere.
            describe = self.describing(spawn) if streams.private else partial(self.asked, spawn)
            told = partial(self._told_wrong, describe, index, self.tally_so_far() + 1)
            pid, status, kind = TABLE.new_pid(), (entry.exit_code or 0) << 8, _KINDS[streams.private]
            about = (pid, os.getpgrp(), status, self._script, entry)
            child = kind(*about, now_ns=now_ns, on_wrong=told, on_end=TABLE.tell)
            self._keep(spawn, entry, pid, caller, child)
            self.children.append(child)
            TABLE.add(child)
            cursor.take(index)
            said = zip((STDOUT, STDERR), pipes, outputs, strict=True)
            into = {to: data for fd, to, data in said if data is not None and fd in streams.piped}
            if isinstance(child, FedChild):
                child.begin(wired().inputs[STDIN], awaited or b"", into)
            else:
                child.say(into)
        return child

    def _said_in_loop(
        self, entry: Entry, streams: Streams, awaited: bytes | None
    ) -> tuple[bytes | None, bytes | None] | None:
        """What a child of a loop says, if it says all at once, and no sooner than it has been sent all."""
        if streams.private and (awaited is None or "stdin" not in self.terms.on):
            return None
        outputs = said_at_once(entry, streams, awaited, None, self.places.reveal)
        if outputs is None or not streams.private:
            return outputs
        return outputs if max(len(data or b"") for data in outputs) <= select.PIPE_BUF else None

    def _play_in_loop(
        self, spawn: Spawn, index: int, wiring: Wiring, announce: Callable[[], None], spot: Where
    ) -> VirtualChild | None:
        """Have a virtual child play an entry with these descriptors."""
        entry = self.entries[index]
        if entry.spawn_error is not None:
            return None
        with self.latching():
            part = Part(self._script(entry), index, entry, retold=partial(self._script, entry))
            if stream_differences(part.script, wiring):
                return None
            announce()
            child = self._child(spawn, self.asked(spawn), part, Spot(*spot).shown(str(self.root)))
            child.start(mapped(part.script, wiring))
            self.cursor.take(index)
        return child

    def _told_wrong(
        self,
        describe: Callable[[], Asked],
        index: int,
        number: int,
        child: VirtualChild,
        wrong: WrongCause | Stalled,
    ) -> ProctapeError:
        """What to tell who does something else with such a child than in the recording, or nothing."""
        place = next((one.place for one in self.roll if one.pid == child.pid), "")
        part = Part(child.script, index, self.entries[index])
        return self.latch(self.wrong_cause(describe(), number, place, part, wrong))

    def signal_another(self, pid: int, number: int, *, group: bool) -> int:
        """What came of it in the recording: none is sent for real."""
        with self._lock, self.latching():
            return self.recorded_signals.send(pid, number, group=group)

    @property
    def _has_company(self) -> bool:
        """Somebody has a say in what is answered beside the tape."""
        return bool(self.answers.all or self.terms.judges or self._is_watched)

    @cached_property
    def _is_watched(self) -> bool:
        return self.hooks.has("before_replay") or self.hooks.has("loaded")

    def replay_in_memory(
        self,
        spawn: Spawn,
        streams: Streams,
        sent: bytes | None,
        limit_ns: int | None,
        announce: Callable[[], None],
        caller: FrameType,
    ) -> Said | None:
        """Answer a spawn whose streams need no descriptors; see :class:`.intercept.MemoryReplayer`."""
        if self._has_company:
            return None
        with self._lock:
            found = self._find_again(spawn)
            if found is None:
                return None
            index, entry, cursor = found
            said: Said | None = None
            # Input that is not compared is told as it came.
            plain = not sent or "stdin" in self.terms.on
            if plain and self.log is None and TABLE.is_unobserved():
                outputs = said_at_once(entry, streams, sent, limit_ns, self.places.reveal)
                if outputs is not None:
                    announce()
                    pid = TABLE.new_pid()
                    self._keep(spawn, entry, pid, caller)
                    said = pid, entry.exit_code or 0, *outputs
            if said is None:
                said = self._play_in_memory(spawn, index, Memory(streams, sent, limit_ns), announce)
            if said is not None:
                cursor.take(index)
        return said

    def _find_again(self, spawn: Spawn) -> tuple[int, Entry, Cursor] | None:
        """The entry that a spawn is, if it may come now; what its words tell of names is known then.

        What is wrong with the tape another road tells.
        """
        cursor = self._cursor
        if cursor is None:
            try:
                if self.tape is None:
                    return None
                cursor = self.cursor
            except TapeError:
                return None
        places = self.places
        places.environment = os.environ if spawn.env is None else spawn.env
        self.threads.add(threading.get_ident())
        program, args, named = self._known_words.of(spawn.program, spawn.args)
        index = cursor.find_words(program, args, partial(self._cwd_on_tape, spawn))
        if index is None:
            asked = self.asked(spawn)
            index = cursor.find(asked)
            if index is None:
                return None
            self._learn(cursor.entries[index], asked)
            return index, cursor.entries[index], cursor
        entry = cursor.entries[index]
        for word in named if type(entry.cwd) is not str else (*named, entry.cwd):
            places.learn(word, word)
        return index, entry, cursor

    def _cwd_on_tape(self, spawn: Spawn) -> str | None:
        """:attr:`.Asked.cwd` for a spawn."""
        cwd = self._cwd_of(spawn)
        return None if cwd is None else self.places.conceal_text(cwd)

    def _play_in_memory(
        self, spawn: Spawn, index: int, memory: Memory, announce: Callable[[], None]
    ) -> Said | None:
        """Have a virtual child play an entry at once."""
        entry = self.entries[index]
        if entry.spawn_error is not None or entry.timed_out is not None or entry.output_limit is not None:
            return None
        script = self._script(entry)
        if not memory.takes(script):
            return None
        announce()
        retold = None if memory.is_sent_nothing else partial(self._script, entry)
        part = Part(script, index, entry, retold=retold)
        return memory.said(self.play_in_memory(spawn, self.asked(spawn), part, memory))

    def _keep(
        self, spawn: Spawn, entry: Entry, pid: int, caller: FrameType, child: VirtualChild | None = None
    ) -> None:
        """A child was started that needs no machine."""
        start_ns = REAL.monotonic_ns() - self.opened_ns
        self._finished.append((spawn, entry, self._script, pid, users_spot(caller), start_ns, child))

    def _settle(self) -> None:
        if self._finished:
            with self._lock:
                finished, self._finished = self._finished, []
                for one in map(Finished._make, finished):
                    made, child = one.told(str(self.root))
                    self._spawns.append(made)
                    self._roll.add(child)

    def alive(self) -> list[TapedChild]:
        """See :class:`Session`."""
        if any(child is not None and child.status is None for *_, child in self._finished):
            self._settle()
        return super().alive()

    def tally(self) -> tuple[int, int, int, int]:
        """See :class:`Session`."""
        spawns, replayed, virtual, process_ns = super().tally()
        count = len(self._finished)
        more_ns = sum(one.duration_ns for one in map(Finished._make, self._finished))
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


def _announced() -> None:
    """CPython has announced a spawn that comes with its descriptors."""
