"""The sessions of one tape that all tests share, which :class:`~.commons.Commons` gives a way into."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..child import Started, Wiring
from ..errors import Divergence, ReplayError, TapeNotFound
from ..match import Asked, Terms, nearest
from ..tape import AMBIENT, CACHED, Entry, Spawn
from . import report
from .base import Session
from .cursor import Cursor
from .merging import shared_terms
from .origin import IMPORT
from .player import Player
from .recorders import RecordSession

_UNKNOWN = {
    AMBIENT: "the standard library asked for something that the ambient tape of the suite does not have",
    CACHED: "a cached function asked for something that the tape of what is remembered does not have",
    IMPORT: "an import asked for something that its tape does not have",
}


class SharedPlayer(Player):
    """Replays a shared tape."""

    mode = "replay"

    def describing(self, spawn: Spawn) -> Callable[[], Asked]:
        """What gives ``spawn`` in the terms of the tape."""
        described = super().describing(spawn)
        return lambda: shared_terms(self.owner, described())

    def _new_cursor(self) -> Cursor:
        return _NoCursor(self.entries, self.terms)

    def find(self, asked: Asked) -> int | None:
        """Index of the entry for a command. Where one was recorded more than once, they come in turn.

        Raises:
            TapeError: the tape can't be read.
        """
        with self._lock:
            return self.cursor.find(asked)

    def answer(self, asker: Session, spawn: Spawn, asked: Asked, index: int, wiring: Wiring) -> Started:
        """Play an entry; what goes wrong is told to ``asker``."""
        with self._lock:
            self.children = [child for child in self.children if not child.reaped]
            told = len(self.errors)
            try:
                return self.play_entry(spawn, asked, index, wiring)
            finally:
                for wrong in self.errors[told:]:
                    asker.latch(wrong)

    def take_count(self) -> tuple[int, int]:
        """How many spawns were replayed since the last call, and for how long they ran when recorded."""
        with self._lock:
            spawns, self._spawns = self._spawns, []
        return len(spawns), sum(round(spawn.duration_s * 1e9) for spawn in spawns)

    def unknown(self, asker: Session, asked: Asked) -> ReplayError | TapeNotFound:
        """The tape does not have this command."""
        place, command = asker.place(), report.command_line(asked)
        headline = _UNKNOWN.get(self.owner, _UNKNOWN[IMPORT])
        if self.tape is None:
            where = f" at {place}" if place else ""
            who = "the standard library" if self.owner == AMBIENT else self.owner.partition("::")[0]
            return TapeNotFound(
                self.path,
                f"{who} asked for `{command}`{where}, and there is no tape for that",
                next_step=f"record it: {asker.record_command}",
            )
        near = nearest(asked, self.entries, -1)
        text = report.build(
            headline=headline,
            tape=self.shown_path,
            count=len(self.entries),
            number=1,
            asked=asked,
            place=place,
            near=near,
            next_step=asker.record_command,
        )
        return Divergence(
            headline, report=text, spawn=asked, near=near, place=place, next_step=asker.record_command
        )


class _NoCursor(Cursor):
    """Every entry may come at any time, any number of times."""

    def __init__(self, entries: Sequence[Entry], terms: Terms) -> None:
        super().__init__(entries, terms, strict=False)
        self._served: dict[tuple[str, ...], int] = {}

    def find(self, asked: Asked) -> int | None:
        """The entry that the spawn is."""
        compare = self.terms.differences
        found = [index for index, entry in enumerate(self.entries) if not compare(asked, entry)]
        if not found:
            return None
        count = self._served.get(asked.argv, 0)
        self._served[asked.argv] = count + 1
        return found[count % len(found)]

    def take(self, _index: int) -> None:
        """It may come again."""

    def consumed(self, _index: int) -> bool:
        """Nothing ever is."""
        return False


class SharedRecording(RecordSession):
    """Records for a shared tape.

    Attributes:
        whole: what is on the tape and is not asked for any more is dropped from it.
    """

    whole = False

    def describing(self, spawn: Spawn) -> Callable[[], Asked]:
        """What gives ``spawn`` in the terms of the tape."""
        described = super().describing(spawn)
        return lambda: shared_terms(self.owner, described())
