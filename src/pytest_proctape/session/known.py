"""Command lines in the terms of a tape, which a replay need not look for again.

:class:`~.replay.ReplaySession` asks for the short road.
"""

from __future__ import annotations

from ..portable import Places
from ..rows import Row

_LIMIT = 1024


class Words(Row):
    """A command line in the terms of a tape.

    Attributes:
        program: what is to be executed.
        args: the arguments behind it.
        places: the words that there may be placeholders in.
    """

    program: str
    args: tuple[str, ...]
    places: tuple[str, ...]


class KnownWords:
    """Those of one test; they hold as long as no value or secret is added."""

    def __init__(self, places: Places) -> None:
        """With the values of the test."""
        self._places = places
        self._state: object = None
        self._known: dict[tuple[str, tuple[str, ...]], Words] = {}

    def of(self, program: str, args: tuple[str, ...]) -> Words:
        """A command line in the terms of the tape."""
        state = self._places.state
        if state is not self._state or len(self._known) >= _LIMIT:
            self._state = state
            self._known.clear()
        known = self._known.get((program, args))
        if known is None:
            words = [self._places.conceal_text(word) for word in (program, *args)]
            known = Words(words[0], tuple(words[1:]), tuple(word for word in words if "<" in word))
            self._known[program, args] = known
        return known
