"""The object that the ``tape`` fixture gives to a test."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .session import Mode as SessionMode
    from .session import Player, Session, TapedChild, TapedSpawn
    from .tape import Entry


class TapeHandle:
    """The tape of the running test.

    Attributes are read while the test runs; after it they tell what there was at its end.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def mode(self) -> SessionMode:
        """``"replay"``, ``"record"``, ``"update"`` (replay what is there, else record) or ``"live"``."""
        return self._session.mode

    @property
    def path(self) -> Path:
        """Where the tape is, or will be."""
        return self._session.path

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries that the tape had when the test began; none where there is no tape.

        Raises:
            TapeError: there is a tape and it can't be read.
        """
        player: Session | Player = self._session
        return getattr(player, "entries", ())

    @property
    def spawns(self) -> list[TapedSpawn]:
        """The spawns made so far, in order, each with its result."""
        return list(self._session.spawns)

    @property
    def children(self) -> list[TapedChild]:
        """The children, in the order of their starts, each with its status and its output so far.

        Of very many, those that have finished are forgotten, the oldest first. A live test has none.
        """
        return list(self._session.roll)

    def __repr__(self) -> str:
        return f"<tape {self.path} ({self.mode}, {len(self._session.spawns)} spawns)>"
