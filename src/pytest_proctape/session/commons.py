"""Tapes that all tests share: one for the standard library's hidden spawns, one for each module's import.

Such spawns are made once a process, by whichever test or worker comes first. So these tapes have no
cursor: a spawn is answered from wherever it is, any number of times, and what was not asked for is
nothing to complain of. The run owns one :class:`Commons`; sessions are given a way into it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from ..child import Started, Wiring
from ..errors import TapeError
from ..genuine import threading
from ..match import Near, asked_by
from ..portable import Places
from ..tape import AMBIENT, CACHED, Entry, Spawn, Tape, TapeStore
from .base import Session
from .memo import is_remembered
from .origin import IMPORT, may_be_imported, owner_of_spawn
from .record import Launch
from .replay import ReplaySession
from .shared import SharedPlayer, SharedRecording

WayIn = Callable[[Session, tuple[str, ...]], object | None]
SharedMode = Literal["replay", "record", "update"]
"""``"update"`` replays what is on the tape, and records what is not."""


class Commons:
    """The shared tapes of a run."""

    def __init__(self, store: TapeStore, places: Places, root: Path) -> None:
        """Begin with none in use.

        Args:
            store: where they are.
            places: of the run; what is added later holds as well.
            root: of the project.
        """
        self.store = store
        self.places = places
        self.root = root
        self._players: dict[str, SharedPlayer] = {}
        self._recordings: dict[str, SharedRecording] = {}
        self._recorded: dict[str, list[Entry]] = {}
        self._cached: dict[tuple[str, ...], list[Entry]] = {}
        self._has_cached: bool | None = None
        self._lock = threading.RLock()

    def way_in(self, mode: SharedMode, *, imports: bool, collecting: str = "") -> WayIn:
        """For :attr:`.base.Session.shared`: tells who answers the spawn that a session is asked for.

        Args:
            mode: of the shared tapes.
            imports: those of imports are used.
            collecting: the owner of what nobody else owns while no test is running.
        """
        root = str(self.root)

        def shared(asker: Session, argv: tuple[str, ...]) -> object | None:
            # Behind this function, the one that calls it, and two of the road.
            innermost = sys._getframe(3)
            whole = imports and may_be_imported()
            owner = owner_of_spawn(root, collecting=bool(collecting), imports=whole, innermost=innermost)
            owner = owner or collecting
            if not owner:
                return self._remembering(asker, argv) if imports else None
            # A replaying session is given no means of starting a process, whatever others do.
            if mode == "replay" or asker.mode == "replay":
                return _Replays(self, asker, owner)
            return _Records(self, asker, owner, mode)

        return shared

    def _remembering(self, asker: Session, argv: tuple[str, ...]) -> object | None:
        """Note what the process is going to remember; on replay answer it where the test's tape does not."""
        replays = isinstance(asker, ReplaySession)
        if not (self._knows_remembered if replays else is_remembered()):
            return None
        command = tuple(asker.places.conceal_text(one) for one in argv)
        if not isinstance(asker, ReplaySession):
            asker.remembered.add(command)
            return None
        try:
            return self._remembered_for(asker, command)
        except TapeError as error:
            raise asker.latch(error) from None

    def _remembered_for(self, asker: ReplaySession, command: tuple[str, ...]) -> object | None:
        known = {asked_by(entry).argv for entry in self.player(CACHED).entries}
        cursor = asker.cursor
        for index in cursor.left():
            wanted = asked_by(asker.entries[index]).argv
            if wanted == command:
                # What is passed over was remembered from another test.
                cursor.at = index if cursor.strict else cursor.at
                return None
            if wanted not in known and cursor.strict and asker.terms.order == "strict":
                if command in known:
                    break
                cursor.at = index
                return None
        return _Replays(self, asker, CACHED) if command in known else None

    @property
    def _knows_remembered(self) -> bool:
        if self._has_cached is None:
            self._has_cached = self.store.seems_to_have(CACHED)
        return self._has_cached

    def explains(self, near: Sequence[Near]) -> bool:
        """Whether the test need not ask for these entries: the process remembers what they said."""
        if not self._knows_remembered:
            return False
        try:
            known = {asked_by(entry).argv for entry in self.player(CACHED).entries}
        except TapeError:
            return False
        return all(asked_by(one.entry).argv in known for one in near)

    def remember(self, session: Session) -> None:
        """Give what the process remembers of a recording that was stored to all other tests.

        A command that said two things is no constant, and stays with the tests.

        Raises:
            TapeError: a tape can't be read or stored.
        """
        tape = self.store.load(session.owner) if session.remembered else None
        if tape is None:
            return
        # Each run loads this class, and few remember anything.
        from .merging import without_repeats
        from .unchanged import keep_unchanged

        for entry in tape.entries:
            asked = asked_by(entry)
            if asked.argv in session.remembered:
                self._cached.setdefault(asked.argv, []).append(entry)
        constant = {}
        for command, entries in self._cached.items():
            different = without_repeats(entries, session.decode)
            constant[command] = different[0] if len(different) == 1 else None

        def keep(old: Entry, new: Entry) -> Entry:
            return keep_unchanged([old], [new], session.decode)[0]

        def changed(old: Tape | None) -> Tape | None:
            before = () if old is None else old.entries
            kept = {asked_by(entry).argv: entry for entry in before}
            for command, entry in constant.items():
                known = kept.pop(command, None)
                if entry is not None:
                    # Where it ran is the test's affair.
                    plain = entry.model_copy(update={"cwd": None})
                    kept[command] = (
                        plain if known is None else keep_unchanged([known], [plain], session.decode)[0]
                    )
            entries = tuple(kept[command] for command in sorted(kept))
            if entries == before:
                return None
            return tape.model_copy(update={"test": CACHED, "entries": entries})

        self.store.update(CACHED, changed)
        self._has_cached = None
        with self._lock:
            self._players.pop(CACHED, None)

    def player(self, owner: str) -> SharedPlayer:
        """What replays the tape of ``owner``."""
        with self._lock:
            if owner not in self._players:
                self._players[owner] = SharedPlayer(self.store, owner, self.places, root=self.root)
            return self._players[owner]

    def players_beside(self, owner: str) -> Iterator[SharedPlayer]:
        """Those of the other imports: what a module remembers is asked by whichever imports it first."""
        if owner in {AMBIENT, CACHED}:
            return
        for folder, folders, names in os.walk(self.store.root):
            folders.sort()
            if f"{IMPORT}.json" in names:
                module = os.path.relpath(folder, self.store.root)
                other = f"{module}.py::{IMPORT}"
                if other != owner:
                    yield self.player(other)

    def recording(self, owner: str) -> SharedRecording:
        """What records for the tape of ``owner``, until it is settled."""
        with self._lock:
            if owner not in self._recordings:
                self._recordings[owner] = SharedRecording(self.store, owner, self.places, root=self.root)
            return self._recordings[owner]

    def settle(self, *, complete: bool = True) -> list[tuple[str, str, int]]:
        """Store what was recorded since the last call: owner, what became of it, and how many spawns.

        Args:
            complete: what was running came to its good end. Else nothing that is on a tape is lost of it.

        Raises:
            TapeWriteError: a tape could not be stored.
        """
        with self._lock:
            recordings, self._recordings = self._recordings, {}
        return [self._store(recording, complete) for recording in recordings.values()]

    def _store(self, recording: SharedRecording, complete: bool) -> tuple[str, str, int]:
        from .merging import merged

        owner = recording.owner
        tape = recording.finish()
        with self._lock:
            recorded = self._recorded.setdefault(owner, [])
            recorded.extend(tape.entries)
            whole = complete and recording.whole and owner != AMBIENT

        def changed(old: Tape | None) -> Tape | None:
            before = () if old is None else old.entries
            entries = merged(before, recorded, recording.decode, whole=whole, sort=owner == AMBIENT)
            return None if entries == before else tape.model_copy(update={"entries": entries})

        outcome = "recorded" if self.store.update(owner, changed) else "unchanged"
        with self._lock:
            # It is on the disk, and another one than was read.
            self._players.pop(owner, None)
        return owner, outcome, len(recording.spawns)

    def replayed(self) -> list[tuple[str, int, int]]:
        """Owner, number of spawns and nanoseconds of processes, replayed since the last call."""
        with self._lock:
            players = list(self._players.values())
        return [(one.owner, *told) for one in players if (told := one.take_count())[0]]

    def close(self) -> None:
        """The run is over."""
        for player in self._players.values():
            player.end_children()


class _Replays:
    """Answers one session's spawn from a shared tape; it has no means of starting a process."""

    def __init__(self, commons: Commons, asker: Session, owner: str) -> None:
        self._commons, self._asker, self._owner = commons, asker, owner

    def replay(self, spawn: Spawn, wiring: Wiring) -> Started:
        """See :class:`~pytest_proctape.intercept.Replayer`.

        Raises:
            TapeNotFound, TapeCorrupt, Divergence: the tape does not have it.
        """
        player = self._commons.player(self._owner)
        asked = player.asked(spawn)
        try:
            for one in (player, *self._commons.players_beside(self._owner)):
                index = one.find(asked)
                if index is not None:
                    return one.answer(self._asker, spawn, asked, index, wiring)
        except TapeError as error:
            raise self._asker.latch(error) from None
        raise self._asker.latch(player.unknown(self._asker, asked))


class _Records:
    """Answers one session's spawn for real, and keeps it for a shared tape."""

    def __init__(self, commons: Commons, asker: Session, owner: str, mode: SharedMode) -> None:
        self._commons, self._asker, self._owner, self._mode = commons, asker, owner, mode

    def record(self, spawn: Spawn, wiring: Wiring, launch: Launch) -> Started:
        """See :class:`~pytest_proctape.intercept.Recorder`."""
        if self._mode == "update":
            player = self._commons.player(self._owner)
            asked = player.asked(spawn)
            try:
                index = player.find(asked)
            except TapeError as error:
                raise self._asker.latch(error) from None
            if index is not None:
                return player.answer(self._asker, spawn, asked, index, wiring)
        recording = self._commons.recording(self._owner)
        recording.whole = self._mode == "record"
        told = len(recording.errors)
        try:
            return recording.record(spawn, wiring, launch)
        finally:
            for wrong in recording.errors[told:]:
                self._asker.latch(wrong)
